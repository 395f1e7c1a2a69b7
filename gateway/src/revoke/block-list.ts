// The interface of the block list: which tokens, sessions and subjects are refused although their tokens are valid.
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { BlockReason } from '../authenticate/block-check.ts'

/** What names what is blocked; `alive` names a session that blocks nobody: its end says until when its streams may go on. */
export const BLOCK_KINDS = ['token', 'jti', 'sid', 'sub', 'alive'] as const

export type BlockKind = (typeof BLOCK_KINDS)[number]

/** From the mildest to the gravest: of two reasons for one entry, the graver one stays. */
export const BLOCK_REASONS = ['renewed', 'logout', 'revoked', 'reused'] as const satisfies readonly BlockReason[]

export type { BlockReason }

/** What names an entry: at most one is there for each. */
export interface BlockKey {
  /** `token`: by token id (token-id.ts). `jti`, `sid`, `sub`: by that claim; the jti of any token of a session names it all. */
  readonly kind: BlockKind
  /** Whose tokens: the issuer's configured `issuer`, or its name in the config where iss is not looked at. */
  readonly issuer: string
  readonly value: string
}

/** Times in whole seconds since the epoch. In force from the moment on in which the list has it. */
export interface BlockEntry extends BlockKey {
  /** `sub` only: sessions whose first token was issued before this second are blocked, and tokens that do not say when. Undefined for the others. */
  readonly issuedBeforeSec: number | undefined
  /**
   * How much longer what it names works on: a length, counted on each machine from when it hears of it, so that no clock but
   * its own counts. Only what was renewed works on; anything else is in force at once, and the list takes 0 for it.
   */
  readonly overlapSec: number
  /** From then on the entry is forgotten: no token that it blocks can be valid any more. */
  readonly untilSec: number
  readonly reason: BlockReason
}

/** What the list says about one caller, and how long that holds if nothing is added or removed. */
export interface Verdict {
  readonly entry: BlockEntry | undefined
  /** From this second on the answer may be another one; 0 where it has to be asked for each time. */
  readonly holdsUntilSec: number
}

/** `here`: made in this process. `worker`: made in a worker of this process, which has it already. `store`: came from the store. */
export type ChangeOrigin = 'here' | 'worker' | 'store'

export interface BlockChange {
  readonly entry: BlockEntry
  readonly change: 'added' | 'removed'
  readonly origin: ChangeOrigin
}

export interface BlockList {
  /** Another number after each change that a caller could notice: what was found out before counts as long as it stays. */
  readonly epoch: number
  readonly size: number
  /** Of the entries in memory. */
  readonly bytes: number
  countOf(kind: BlockKind): number
  /**
   * Adds an entry, or merges it with the one that is there: what is blocked stays blocked, whatever comes in which order.
   * Returns what became of the list, as listeners are told it: undefined when nothing did. So does `remove`.
   */
  add(entry: BlockEntry, origin?: ChangeOrigin): BlockChange | undefined
  remove(key: BlockKey, origin?: ChangeOrigin): BlockChange | undefined
  get(key: BlockKey): BlockEntry | undefined
  /** The entry that blocks this caller at that time. */
  find(caller: AuthResult, nowSec: number): BlockEntry | undefined
  /** The same, and until when it holds: for who asks again and again. */
  check(caller: AuthResult, nowSec: number): Verdict
  /** How long the caller's session goes on, as far as its successors tell that were delivered or used on any machine; 0 where none was. */
  aliveUntilSec(caller: AuthResult): number
  /** Forgets entries that have ended, a part of the list after the other, until `isTimeUp` says so. Nobody is told. */
  sweep(nowSec: number, isTimeUp: () => boolean): void
  /**
   * Entries from a place in the list on (0: from its beginning), `limit` of them or a few more where many share a place.
   * `next` is the place to go on from; undefined at the end. Places hold for this process; what is added meanwhile may be missed.
   */
  page(after: number, limit: number): { readonly entries: readonly BlockEntry[]; readonly next: number | undefined }
  /** The listener is told of each change, in order; the returned function ends that. */
  onChange(listener: (change: BlockChange) => void): () => void
}

/** Both entries at once: the shorter overlap, the later end, the graver reason. The order does not count. */
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
