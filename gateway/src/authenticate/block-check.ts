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
  check(
    caller: AuthResult,
    nowSec: number,
  ): { readonly entry: { readonly reason: BlockReason } | undefined; readonly holdsUntilSec: number }
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
  blockStatus.failure = entry === undefined ? undefined : new Failure('token_revoked', DETAILS[entry.reason])
  return blockStatus.failure
}
