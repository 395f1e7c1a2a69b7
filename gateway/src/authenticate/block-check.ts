// Checks a verified token against the block list: again only when the list has changed or an entry begins.
import type { AuthResult } from './auth-result.ts'
import { Failure } from '../failure.ts'

/** For the log and `explain`. */
const DETAILS = {
  revoked: 'it was revoked',
  logout: 'its user logged out',
  renewed: 'it was renewed, and its successor is in use',
  reused: 'a renewed token of its session was used again',
} as const

/** Why a token is blocked. */
export type BlockReason = keyof typeof DETAILS

/** What is asked of a block list. */
export interface BlockCheck {
  /** Another number after each change that a caller could notice: what was found out before counts as long as it stays. */
  readonly epoch: number
  /** What blocks this caller at that time, and until when the answer holds. */
  check(caller: AuthResult, nowSec: number): { readonly entry: BlockCause | undefined; readonly holdsUntilSec: number }
}

/** What of an entry is told: by which claim it blocks, and of a subject up to when. */
interface BlockCause {
  readonly reason: BlockReason
  readonly kind: string
  readonly issuedBeforeSec: number | undefined
}

/** Never the value that the entry names: it may be personal. */
function detailOf({ reason, kind, issuedBeforeSec }: BlockCause): string {
  const before = issuedBeforeSec === undefined ? undefined : new Date(issuedBeforeSec * 1000)
  // An administrator may name any second; a date holds fewer.
  const sessions =
    before === undefined || Number.isNaN(before.getTime()) ? '' : `, for sessions begun before ${before.toISOString()}`
  return `${DETAILS[reason]} (blocked by its ${kind}${sessions})`
}

/** The last answer of the block list for a token, kept beside the cached token. */
export interface BlockStatus {
  /** The list's epoch when it was asked; NaN before that. */
  epoch: number
  holdsUntilSec: number
  failure: Failure | undefined
}

export function unknownBlockStatus(): BlockStatus {
  return { epoch: Number.NaN, holdsUntilSec: 0, failure: undefined }
}

/** The failure of a token that is blocked now. Two comparisons as long as nothing changes. */
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
