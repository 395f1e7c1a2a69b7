// Whether a verified token is on the block list: asked again only when the list changed or an entry begins.
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

/** What was found out about a token's standing, kept beside the remembered token. */
export interface Standing {
  /** The list's epoch when it was asked; NaN before that. */
  epoch: number
  holdsUntilSec: number
  failure: Failure | undefined
}

export function unknownStanding(): Standing {
  return { epoch: Number.NaN, holdsUntilSec: 0, failure: undefined }
}

/** The failure of a token that is blocked now. Two comparisons as long as nothing changes. */
export function checkBlocked(
  { result, standing }: { readonly result: AuthResult; readonly standing: Standing },
  list: BlockCheck,
  nowSec: number,
): Failure | undefined {
  if (standing.epoch === list.epoch && nowSec < standing.holdsUntilSec) return standing.failure
  const { entry, holdsUntilSec } = list.check(result, nowSec)
  standing.epoch = list.epoch
  standing.holdsUntilSec = holdsUntilSec
  standing.failure = entry === undefined ? undefined : new Failure('token_revoked', DETAILS[entry.reason])
  return standing.failure
}
