// Entries as text: how they are named, and what stores, files and the admin API say about them.
import {
  BLOCK_KINDS,
  BLOCK_REASONS,
  type BlockEntry,
  type BlockKey,
  type BlockKind,
  type BlockReason,
} from './block-list.ts'

/**
 * `jti https://login.example.com/ 4f7c`: kind, issuer, value. A blank or % in the issuer is written %20 or %25, so that the
 * first two blanks are always the ones that part.
 */
export function nameOf({ kind, issuer, value }: BlockKey): string {
  return `${kind} ${issuer.replace(/[ %]/g, (character) => (character === ' ' ? '%20' : '%25'))} ${value}`
}

/** Undefined for what is no name of an entry. */
export function keyOf(name: string): BlockKey | undefined {
  const first = name.indexOf(' ')
  const second = name.indexOf(' ', first + 1)
  const kind = name.slice(0, first) as BlockKind
  const issuer = name.slice(first + 1, second).replace(/%20|%25/g, (code) => (code === '%20' ? ' ' : '%'))
  const value = name.slice(second + 1)
  if (first < 1 || second < first || !BLOCK_KINDS.includes(kind) || issuer === '' || value === '') return undefined
  return { kind, issuer, value }
}

/** What a store keeps under the name of an entry: JSON with `until`, and what is not as it is left out. */
export function contentOf({ issuedBeforeSec, fromSec, untilSec, reason }: BlockEntry): string {
  return JSON.stringify({ from: fromSec, until: untilSec, before: issuedBeforeSec, reason })
}

/** A mark that the entry was taken off the list; it is kept as long as the entry would have been. */
export function removalOf({ untilSec }: BlockEntry): string {
  return JSON.stringify({ removed: true, until: untilSec })
}

export interface StoredEntry {
  readonly entry: BlockEntry
  readonly removed: boolean
}

function isSecond(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

/** Only `until` is needed: `from` is the beginning of time, `reason` revoked, `before` (of a sub) any time. Undefined for nonsense. */
export function readStored(name: string, content: string): StoredEntry | undefined {
  const key = keyOf(name)
  if (key === undefined) return undefined
  let facts: unknown
  try {
    facts = JSON.parse(content)
  } catch {
    return undefined
  }
  if (typeof facts !== 'object' || facts === null) return undefined
  const { from = 0, until, before, reason = 'revoked', removed } = facts as Record<string, unknown>
  if (!isSecond(from) || !isSecond(until) || (before !== undefined && !isSecond(before))) return undefined
  // A reason that a later version may know still blocks.
  const known = BLOCK_REASONS.includes(reason as BlockReason) ? (reason as BlockReason) : 'revoked'
  return {
    entry: {
      ...key,
      issuedBeforeSec: key.kind === 'sub' ? before : undefined,
      fromSec: from,
      untilSec: until,
      reason: known,
    },
    removed: removed === true,
  }
}
