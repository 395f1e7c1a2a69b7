// Formats and parses block list entries as text: names, and JSON for stores, files and the admin API.
import {
  BLOCK_KINDS,
  BLOCK_REASONS,
  type BlockEntry,
  type BlockKey,
  type BlockKind,
  type BlockReason,
} from '../block-list.ts'

/**
 * Returns a name such as `jti https://login.example.com/ 4f7c`: kind, issuer, value. A space or % in the issuer is escaped as
 * %20 or %25, so that the first two spaces are the separators.
 */
export function nameOf({ kind, issuer, value }: BlockKey): string {
  return `${kind} ${issuer.replace(/[ %]/g, (character) => (character === ' ' ? '%20' : '%25'))} ${value}`
}

/** Parses the name of an entry; undefined if it is invalid. */
export function keyOf(name: string): BlockKey | undefined {
  const first = name.indexOf(' ')
  const second = name.indexOf(' ', first + 1)
  const kind = name.slice(0, first) as BlockKind
  const issuer = name.slice(first + 1, second).replace(/%20|%25/g, (code) => (code === '%20' ? ' ' : '%'))
  const value = name.slice(second + 1)
  if (first < 1 || second < first || !BLOCK_KINDS.includes(kind) || issuer === '' || value === '') return undefined
  return { kind, issuer, value }
}

/**
 * Returns the JSON that a store keeps under the entry's name: `until`, and other fields unless they have their defaults.
 * `nowSec` is the store's time, so that a later reader can compute the rest of the overlap. `from` is the end of the overlap
 * for gateways before 2026-12: they do not know `overlap`, and would refuse the old token at once during an upgrade.
 */
export function contentOf({ issuedBeforeSec, overlapSec, untilSec, reason }: BlockEntry, nowSec: number): string {
  const at = Math.round(nowSec * 1000) / 1000
  const overlap = overlapSec > 0 ? { overlap: overlapSec, at, from: Math.ceil(at + overlapSec) } : undefined
  return JSON.stringify({ ...overlap, until: untilSec, before: issuedBeforeSec, reason })
}

/** Returns the tombstone of a removed entry. It is kept as long as the entry would have been. */
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

/** The store's time of reading. `isNews` is true for a change that was written just now. */
export interface ReadingTime {
  readonly nowSec: number
  readonly isNews: boolean
}

/**
 * Returns the rest of an overlap, in seconds. News has the full overlap: it counts from its arrival, so that clock differences
 * do not matter.
 */
function overlapLeft({ overlap, at, from }: Record<string, unknown>, { nowSec, isNews }: ReadingTime): number {
  // Until 2026-11 a retirement had the time of its start, not the length of its overlap.
  if (overlap === undefined) return isSecond(from) ? Math.max(0, from - nowSec) : 0
  if (!isSecond(overlap)) return 0
  return isNews || !isSecond(at) ? overlap : Math.min(overlap, Math.max(0, at + overlap - nowSec))
}

/**
 * Parses a stored entry; undefined if it is invalid. Only `until` is required; without `reason` it is `revoked`, without
 * `before` a `sub` entry blocks all sessions. A `from` of other writers does not delay an entry, except a retirement.
 */
export function readStored(name: string, content: string, time: ReadingTime): StoredEntry | undefined {
  const key = keyOf(name)
  if (key === undefined) return undefined
  let facts: unknown
  try {
    facts = JSON.parse(content)
  } catch {
    return undefined
  }
  if (typeof facts !== 'object' || facts === null) return undefined
  const { until, before, reason = 'revoked', removed } = facts as Record<string, unknown>
  if (!isSecond(until) || (before !== undefined && !isSecond(before))) return undefined
  // A reason of a later version blocks too.
  const known = BLOCK_REASONS.includes(reason as BlockReason) ? (reason as BlockReason) : 'revoked'
  return {
    entry: {
      ...key,
      issuedBeforeSec: key.kind === 'sub' ? before : undefined,
      overlapSec: known === 'renewed' ? overlapLeft(facts as Record<string, unknown>, time) : 0,
      untilSec: until,
      reason: known,
    },
    removed: removed === true,
  }
}
