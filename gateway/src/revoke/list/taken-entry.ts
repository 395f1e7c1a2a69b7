// Fits an entry into the block list: bounds its values in length and its times to what a record holds.
import { hash as digest } from 'node:crypto'

import type { BlockEntry } from '../block-list.ts'
import { firstJtiOf } from '../../message/session-origin.ts'

/** Longer values are known by their digest: an entry must not cost more than a few hundred bytes. */
export const MAX_CHARACTERS = 1024
/** Times are kept in 32 bits: what ends after 2106 ends in 2106. */
const LAST_SECOND = 2 ** 32 - 1

export function shortened(value: string): string {
  return value.length <= MAX_CHARACTERS ? value : `sha256:${digest('sha256', value, 'base64url')}`
}

/** The jti of any token of a session blocks all of it. */
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

/** Whether one says what the other says, the overlap apart, which is another one with each moment. */
export function saysTheSame(a: BlockEntry, b: BlockEntry): boolean {
  return a.untilSec === b.untilSec && a.issuedBeforeSec === b.issuedBeforeSec && a.reason === b.reason
}
