// Finds the key that signed a token by trying those that may have.
import { MAX_TRIED_KEYS, notVerified } from './choose-keys.ts'
import type { VerificationKey } from './key-set.ts'
import type { TrustedIssuer } from '../issuers.ts'
import type { UnverifiedToken } from '../token/token-shape.ts'
import type { Failure } from '../../failure.ts'

/** That this key made a token's signature, and for how long that is believed, in seconds since the epoch. */
export interface GoodSignature {
  readonly key: VerificationKey
  readonly untilSec: number
  /** How many look-ups ago the token was here before; Infinity where its signature was checked just now. */
  readonly lookupsAgo: number
}

/** Where the decision learns who signed: the caches, or this check alone. */
export interface SignatureSource {
  /** Which of the issuer's `keys` made the signature; a failure where none did. */
  signatureOf(
    rawToken: string,
    token: UnverifiedToken,
    issuer: TrustedIssuer,
    keys: readonly VerificationKey[],
    nowSec: number,
  ): GoodSignature | Failure
}

export interface SignatureCheck extends SignatureSource {
  /** Undefined where none of the keys made it. */
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
