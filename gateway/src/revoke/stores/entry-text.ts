// Block list entries as text: their names, and their JSON in stores, files and the admin API.
import {
  BLOCK_KINDS,
  BLOCK_REASONS,
  type BlockEntry,
  type BlockKey,
  type BlockKind,
  type BlockReason,
} from '../block-list.ts'

/**
 * `jti https://login.example.com/ 4f7c`: kind, issuer, value. A blank or % in the issuer is written %20 or %25, so that the
 * first two blanks are always the ones that part.
 */
export function nameOf({ kind, issuer, value }: BlockKey): string {
  return `${kind} ${issuer.replace(/[ %]/g, (character) => (character === ' ' ? '%20' : '%25'))} ${value}`
}

/** Parses the name of an entry; undefined when it is none. */
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
 * What a store keeps under the name of an entry: JSON with `until`, and what is not as it is left out. `nowSec` is the store's
 * time: whoever reads an overlap from the store later on must know how much of it is left. `from` says the same to gateways
 * before 2026-12, which know no overlap, and would refuse the old token at once while an upgrade is rolled out.
 */
export function contentOf({ issuedBeforeSec, overlapSec, untilSec, reason }: BlockEntry, nowSec: number): string {
  const at = Math.round(nowSec * 1000) / 1000
  const overlap = overlapSec > 0 ? { overlap: overlapSec, at, from: Math.ceil(at + overlapSec) } : undefined
  return JSON.stringify({ ...overlap, until: untilSec, before: issuedBeforeSec, reason })
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

/** When something was read from a store, by the store's time. `isNews`: it was written just now. */
export interface ReadingTime {
  readonly nowSec: number
  readonly isNews: boolean
}

/** What is left of an overlap. News has all of it: it is counted from its arrival, whatever clocks say. */
function overlapLeft({ overlap, at, from }: Record<string, unknown>, { nowSec, isNews }: ReadingTime): number {
  // Until 2026-11 a retirement said when it begins, and not how long tokens work on.
  if (overlap === undefined) return isSecond(from) ? Math.max(0, from - nowSec) : 0
  if (!isSecond(overlap)) return 0
  return isNews || !isSecond(at) ? overlap : Math.min(overlap, Math.max(0, at + overlap - nowSec))
}

/**
 * Only `until` is needed: `reason` is revoked, `before` (of a sub) any time. A `from`, which others may write, delays nothing:
 * what is on the list is in force everywhere, whatever the clocks say. Undefined for nonsense.
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
  // A reason that a later version may know still blocks.
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
