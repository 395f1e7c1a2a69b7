// Checks a verified token against the block list, and caches the block status until the list changes or an entry begins.
import type { AuthResult } from './auth-result.ts'
import { Failure } from '../failure.ts'

/** Reasons as text for the log and `explain`. */
const DETAILS = {
  revoked: 'it was revoked',
  logout: 'its user logged out',
  renewed: 'it was renewed, and its successor is in use',
  reused: 'a renewed token of its session was used again',
} as const

/** Why a token is blocked. */
export type BlockReason = keyof typeof DETAILS

/** The part of a block list that authentication uses. */
export interface BlockCheck {
  /** Changes with each effective change of the list. A block status is valid for one epoch. */
  readonly epoch: number
  /** Returns the entry that blocks this caller at `nowSec`, and the time until which this result holds. */
  check(caller: AuthResult, nowSec: number): { readonly entry: BlockCause | undefined; readonly holdsUntilSec: number }
}

/** The parts of an entry that the log may show: the kind of its key, and for a subject its cut-off. */
interface BlockCause {
  readonly reason: BlockReason
  readonly kind: string
  readonly issuedBeforeSec: number | undefined
}

/** Describes the entry without its value, which may be personal data. */
function detailOf({ reason, kind, issuedBeforeSec }: BlockCause): string {
  const before = issuedBeforeSec === undefined ? undefined : new Date(issuedBeforeSec * 1000)
  // An entry may have a second outside the range of Date.
  const sessions =
    before === undefined || Number.isNaN(before.getTime()) ? '' : `, for sessions begun before ${before.toISOString()}`
  return `${DETAILS[reason]} (blocked by its ${kind}${sessions})`
}

/** The last result of the block list for a token, cached with the token. */
export interface BlockStatus {
  /** Epoch of the list at the check; NaN before the first. */
  epoch: number
  holdsUntilSec: number
  failure: Failure | undefined
}

export function unknownBlockStatus(): BlockStatus {
  return { epoch: Number.NaN, holdsUntilSec: 0, failure: undefined }
}

/** Returns token_revoked for a blocked token. Costs two comparisons while the cached status holds. */
export function checkBlocked(
  { result, blockStatus }: { readonly result: AuthResult; readonly blockStatus: BlockStatus },
  list: BlockCheck,
  nowSec: number,
): Failure | undefined {
  if (blockStatus.epoch === list.epoch && nowSec < blockStatus.holdsUntilSec) return blockStatus.failure
  const { entry, holdsUntilSec } = list.check(result, nowSec)
  blockStatus.epoch = list.epoch
  blockStatus.holdsUntilSec = holdsUntilSec
  blockStatus.failure = entry === undefined ? undefined : new Failure('token_revoked', detailOf(entry))
  return blockStatus.failure
}
