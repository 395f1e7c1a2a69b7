// Finds the key that signed a token, by trying the possible keys.
import { MAX_TRIED_KEYS, notVerified } from './choose-keys.ts'
import type { VerificationKey } from './key-set.ts'
import type { TrustedIssuer } from '../issuers.ts'
import type { UnverifiedToken } from '../token/token-shape.ts'
import type { Failure } from '../../failure.ts'

/** A successful signature check: its key, and the time until which it is valid, in seconds since the epoch. */
export interface GoodSignature {
  readonly key: VerificationKey
  readonly untilSec: number
  /** Number of look-ups since the token was last seen; Infinity when the signature was checked now. */
  readonly lookupsAgo: number
}

/** Finds the key of a signature: through the caches, or by checks alone. */
export interface SignatureSource {
  /** Returns which of the issuer's `keys` made the signature. Failures signature_invalid, key_unknown. */
  signatureOf(
    rawToken: string,
    token: UnverifiedToken,
    issuer: TrustedIssuer,
    keys: readonly VerificationKey[],
    nowSec: number,
  ): GoodSignature | Failure
}

export interface SignatureCheck extends SignatureSource {
  /** Returns undefined when none of the keys made the signature. */
  readonly check: (
    token: UnverifiedToken,
    keys: readonly VerificationKey[],
    nowSec: number,
  ) => GoodSignature | undefined
}

export function createSignatureCheck(maxAgeMs: number): SignatureCheck {
  function check(token: UnverifiedToken, keys: readonly VerificationKey[], nowSec: number): GoodSignature | undefined {
    const key = keys.find(({ isSignedBy }, index) => index < MAX_TRIED_KEYS && isSignedBy(token))
    return key === undefined ? undefined : { key, untilSec: nowSec + maxAgeMs / 1000, lookupsAgo: Infinity }
  }
  return {
    check,
    signatureOf: (_rawToken, token, issuer, keys, nowSec) => check(token, keys, nowSec) ?? notVerified(issuer, keys),
  }
}
