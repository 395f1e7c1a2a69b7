// The interface of the block list, which names the valid tokens, sessions and subjects that are refused.
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { BlockReason } from '../authenticate/block-check.ts'

/**
 * The kinds of entries, by what they name. An `alive` entry blocks nothing: its end is the time until which streams of a
 * renewed session may continue.
 */
export const BLOCK_KINDS = ['token', 'jti', 'sid', 'sub', 'alive'] as const

export type BlockKind = (typeof BLOCK_KINDS)[number]

/** In order of severity. When entries are merged, the most severe reason remains. */
export const BLOCK_REASONS = ['renewed', 'logout', 'revoked', 'reused'] as const satisfies readonly BlockReason[]

export type { BlockReason }

/** The key of an entry. The list holds at most one entry for each key. */
export interface BlockKey {
  /**
   * `token`: the token id (token-id.ts). `jti`, `sid`, `sub`: that claim. The jti of any token of a session names the whole
   * session.
   */
  readonly kind: BlockKind
  /** The configured `issuer` of the tokens, or the issuer's name in the config if `iss` is not checked. */
  readonly issuer: string
  readonly value: string
}

/** An entry is in force as soon as the list holds it. Times are whole seconds since the epoch. */
export interface BlockEntry extends BlockKey {
  /**
   * Only for `sub`, else undefined: the cut-off. Sessions whose first token was issued before it are blocked, and tokens
   * without an issue time.
   */
  readonly issuedBeforeSec: number | undefined
  /**
   * How long a renewed token remains valid, in seconds. Each machine counts from the arrival of the entry, by its own monotonic
   * clock, so that clock differences do not matter. The list sets 0 for all reasons except `renewed`: those entries are in
   * force at once.
   */
  readonly overlapSec: number
  /** When the entry is dropped: from this second on, every token that it blocks has expired. */
  readonly untilSec: number
  readonly reason: BlockReason
}

/** The block status of one caller, and how long it holds while the list does not change. */
export interface Verdict {
  readonly entry: BlockEntry | undefined
  /** The result may change from this second on; 0 if it must not be cached. */
  readonly holdsUntilSec: number
}

/** `here`: this process. `worker`: a worker of this process, which has the change already. `store`: read from the store. */
export type ChangeOrigin = 'here' | 'worker' | 'store'

export interface BlockChange {
  readonly entry: BlockEntry
  readonly change: 'added' | 'removed'
  readonly origin: ChangeOrigin
}

export interface BlockList {
  /** Changes with each change of the list that may affect a caller. Cached results are valid while it stays the same. */
  readonly epoch: number
  readonly size: number
  /** Memory used by the entries. */
  readonly bytes: number
  countOf(kind: BlockKind): number
  /**
   * Adds an entry, or merges it with the existing one, so that the order of arrival does not matter. Returns the change that
   * listeners receive; undefined if the list did not change. `remove` returns the same.
   */
  add(entry: BlockEntry, origin?: ChangeOrigin): BlockChange | undefined
  remove(key: BlockKey, origin?: ChangeOrigin): BlockChange | undefined
  get(key: BlockKey): BlockEntry | undefined
  /** Returns the entry that blocks this caller at that time; undefined if none does. */
  find(caller: AuthResult, nowSec: number): BlockEntry | undefined
  /** Does the same, and returns how long the result holds. For callers that cache it. */
  check(caller: AuthResult, nowSec: number): Verdict
  /**
   * Returns when the caller's session ends, in seconds since the epoch: the end of its last known successor that was delivered
   * or used. 0 without one.
   */
  aliveUntilSec(caller: AuthResult): number
  /** Drops ended entries, one shard after the other, until `isTimeUp` returns true. Listeners are not called. */
  sweep(nowSec: number, isTimeUp: () => boolean): void
  /**
   * Returns one page of entries from position `after` (0 for the start): `limit` entries, or a few more if many share a
   * position. `next` is the position of the next page; undefined at the end. Positions are valid in this process only, and
   * entries added meanwhile may be missing.
   */
  page(after: number, limit: number): { readonly entries: readonly BlockEntry[]; readonly next: number | undefined }
  /** Calls the listener for each change, in order. Returns the function that unsubscribes it. */
  onChange(listener: (change: BlockChange) => void): () => void
}

/**
 * Merges two entries of one key: the shorter overlap, the later cut-off and end, the more severe reason. The order of the
 * arguments does not matter.
 */
export function mergeEntries(a: BlockEntry, b: BlockEntry): BlockEntry {
  const graver = BLOCK_REASONS.indexOf(a.reason) >= BLOCK_REASONS.indexOf(b.reason) ? a.reason : b.reason
  return {
    ...a,
    issuedBeforeSec:
      a.issuedBeforeSec === undefined || b.issuedBeforeSec === undefined
        ? (a.issuedBeforeSec ?? b.issuedBeforeSec)
        : Math.max(a.issuedBeforeSec, b.issuedBeforeSec),
    overlapSec: graver === 'renewed' ? Math.min(a.overlapSec, b.overlapSec) : 0,
    untilSec: Math.max(a.untilSec, b.untilSec),
    reason: graver,
  }
}
