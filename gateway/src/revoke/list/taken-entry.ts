// Normalizes an entry for the block list: limits the length of its value, and its times to 32 bits.
import { hash as digest } from 'node:crypto'

import type { BlockEntry } from '../block-list.ts'
import { firstJtiOf } from '../../message/session-origin.ts'

/** Longer values are replaced by their digest, so that no entry takes more than a few hundred bytes. */
export const MAX_CHARACTERS = 1024
/** Times are stored in 32 bits, so an end after 2106 becomes 2106. */
const LAST_SECOND = 2 ** 32 - 1

/** Returns the value, or `sha256:` and its digest if it is longer than MAX_CHARACTERS. */
export function shortened(value: string): string {
  return value.length <= MAX_CHARACTERS ? value : `sha256:${digest('sha256', value, 'base64url')}`
}

/** The jti of any token blocks its whole session, so the value is the jti of the first token. */
export function takenValue(kind: BlockEntry['kind'], value: string): string {
  return shortened(kind === 'jti' ? firstJtiOf(value) : value)
}

function second(value: number): number {
  return Math.min(Math.max(Math.ceil(value), 0), LAST_SECOND)
}

export function takenEntry(entry: BlockEntry): BlockEntry {
  const { kind, value, issuedBeforeSec = LAST_SECOND, overlapSec, untilSec, reason } = entry
  return {
    ...entry,
    value: takenValue(kind, value),
    issuedBeforeSec: kind === 'sub' ? second(issuedBeforeSec) : undefined,
    overlapSec: reason === 'renewed' ? overlapSec : 0,
    untilSec: second(untilSec),
  }
}

/** True when both entries have equal content. Ignores the overlap, which changes with time. */
export function saysTheSame(a: BlockEntry, b: BlockEntry): boolean {
  return a.untilSec === b.untilSec && a.issuedBeforeSec === b.issuedBeforeSec && a.reason === b.reason
}
