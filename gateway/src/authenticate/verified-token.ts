// A verified token, shared by all requests with it, and the checks that each request repeats.
import type { AuthResult } from './auth-result.ts'
import type { BlockStatus } from './block-check.ts'
import type { TrustedIssuer } from './issuers.ts'
import type { VerificationKey } from './keys/key-set.ts'
import type { Validity } from './token/claims.ts'

/** A token with a valid signature and valid claims. Time, keys, route and block list are checked for each request. */
export interface VerifiedToken {
  readonly raw: string
  readonly result: AuthResult
  readonly issuer: TrustedIssuer
  readonly key: VerificationKey
  readonly validity: Validity
  /** When the signature must be checked again, in seconds since the epoch. */
  readonly forgetAtSec: number
  readonly blockStatus: BlockStatus
}

/** A token with a valid signature that may have expired or be blocked, for log-outs and for the choice among cookies. */
export interface RecognisedToken {
  readonly result: AuthResult
  /** Neither expired nor blocked. */
  readonly isLive: boolean
}

/** True when a route with these issuers accepts the issuer for which the token was verified. */
export function isFor({ issuer }: VerifiedToken, issuers: readonly TrustedIssuer[]): boolean {
  return issuers.length === 1 ? issuers[0] === issuer : issuer.issuer !== undefined && issuers.includes(issuer)
}

/** True while the token is in its validity, its key is published, and its signature check has not aged out. */
export function isStillGood({ key, validity, forgetAtSec }: VerifiedToken, nowSec: number): boolean {
  return key.live && nowSec < forgetAtSec && nowSec < validity.notAfterSec && nowSec >= validity.notBeforeSec
}
