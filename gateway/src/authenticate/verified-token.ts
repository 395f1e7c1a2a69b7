// A verified token as all requests that bring it share it, and the checks that each request repeats.
import type { AuthResult } from './auth-result.ts'
import type { BlockStatus } from './block-check.ts'
import type { TrustedIssuer } from './issuers.ts'
import type { VerificationKey } from './keys/key-set.ts'
import type { Validity } from './token/claims.ts'

/** Its signature and claims were found right. What the clock, the route or the issuer may change is not decided here. */
export interface VerifiedToken {
  readonly raw: string
  readonly result: AuthResult
  readonly issuer: TrustedIssuer
  readonly key: VerificationKey
  readonly validity: Validity
  /** From then on its signature is checked again, in seconds. */
  readonly forgetAtSec: number
  readonly blockStatus: BlockStatus
}

/** A token of a believed issuer that may have ended: of use to a log-out, and beside another cookie. */
export interface RecognisedToken {
  readonly result: AuthResult
  /** Neither expired nor blocked. */
  readonly isLive: boolean
}

/** True when this route would choose the issuer that the token was verified for: routes differ in whom they believe. */
export function isFor({ issuer }: VerifiedToken, issuers: readonly TrustedIssuer[]): boolean {
  return issuers.length === 1 ? issuers[0] === issuer : issuer.issuer !== undefined && issuers.includes(issuer)
}

/** Only the signature is not checked again: the clock and the issuer's keys may each say no now. */
export function isStillGood({ key, validity, forgetAtSec }: VerifiedToken, nowSec: number): boolean {
  return key.live && nowSec < forgetAtSec && nowSec < validity.notAfterSec && nowSec >= validity.notBeforeSec
}
