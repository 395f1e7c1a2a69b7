// Authenticates a token for a route: from the cache, or by checks of its shape, claims and signature.
import type { AuthResult } from './auth-result.ts'
import { checkBlocked, type BlockCheck, unknownBlockStatus } from './block-check.ts'
import { wasChecked, type CacheCounts, type CacheLimits, type CacheStatus } from './cache/caches.ts'
import type { IssuerClocks } from './issuer-clocks.ts'
import { createRemembered, type Remembered } from './cache/remembered.ts'
import { claimsText, keyText, shapeText, timeText } from './token/check-texts.ts'
import type { DecisionTrace } from '../message/decision-trace.ts'
import type { TrustedIssuer } from './issuers.ts'
import { chooseIssuer, chooseKeys } from './keys/choose-keys.ts'
import { createSignatureCheck, type GoodSignature, type SignatureSource } from './keys/signature-check.ts'
import { createResultMaker, type EncodeResult } from './make-result.ts'
import { checkClaims, checkTime, validityOf } from './token/claims.ts'
import { createTokenReader } from './token/token-shape.ts'
import type { RecognisedToken, VerifiedToken } from './verified-token.ts'
import type { Clock } from '../clock.ts'
import { quoted } from '../message/shown-value.ts'
import { Failure } from '../failure.ts'

export interface AuthenticatorParts {
  readonly maxTokenBytes: number
  readonly cache: CacheLimits
  /** Of the config before; left out, nothing is remembered. */
  readonly remembered?: Remembered | undefined
  readonly clock: Clock
  readonly encodeResult: EncodeResult
  readonly blockList: BlockCheck
}

export interface Authenticator {
  /** Authenticates a token for a route that accepts these issuers, and caches the result. Never throws. */
  readonly authenticate: (
    rawToken: string,
    issuers: readonly TrustedIssuer[],
    trace?: DecisionTrace,
  ) => AuthResult | Failure
  /** Verifies a token that may have expired or be blocked, without counting as a use of it. Never throws. */
  readonly recognise: (
    rawToken: string,
    issuers: readonly TrustedIssuer[],
    trace?: DecisionTrace,
  ) => RecognisedToken | Failure
  /** Verifies a token without reading or writing caches, for `explain` and for successors. */
  verify(rawToken: string, issuers: readonly TrustedIssuer[], nowSec: number): VerifiedToken | Failure
  /** Lower bound of an issuer's clock, by `issuerId` (issuer-clocks.ts). */
  readonly issuerTimeSec: IssuerClocks['atLeastSec']
  readonly cache: CacheStatus
  readonly counts: Readonly<CacheCounts>
}

interface Examined {
  readonly token: VerifiedToken
  readonly signature: GoodSignature
}

export function createAuthenticator(parts: AuthenticatorParts): Authenticator {
  const { clock, blockList } = parts
  const readToken = createTokenReader(parts.maxTokenBytes)
  const makeResult = createResultMaker(parts.encodeResult)
  const { caches, issuerClocks } = parts.remembered ?? createRemembered(parts.cache, clock)
  const withoutCaches = createSignatureCheck(parts.cache.maxAge)

  /** Runs the cheap checks first: an expired token, the most common bad one, costs no signature check and no key fetch. */
  // eslint-disable-next-line max-params -- an object for them would be one more for each token
  function examine(
    rawToken: string,
    issuers: readonly TrustedIssuer[],
    nowSec: number,
    signatures: SignatureSource,
    trace: DecisionTrace | undefined,
    expired: 'refuse' | 'pass' = 'refuse',
  ): Examined | Failure {
    const token = readToken(rawToken)
    if (token instanceof Failure) return token
    trace?.passed('shape', shapeText(token))
    const issuer = chooseIssuer(token, issuers)
    if (issuer instanceof Failure) return issuer
    trace?.passed('issuer', issuer.name)
    const { header, claims } = token
    if (!issuer.algorithms.has(header.alg))
      return new Failure(
        'algorithm_not_allowed',
        `it is signed with ${quoted(header.alg)}, allowed are ${[...issuer.algorithms].join(', ')}`,
      )
    trace?.passed('algorithm', header.alg)
    const badClaim = checkClaims(issuer.rules, header, claims)
    if (badClaim !== undefined) return badClaim
    trace?.passed('claims', claimsText(issuer.rules))
    const plain = validityOf(claims, issuer.rules.clockToleranceSec)
    const validity = issuer.renewal?.validityOf(claims, plain) ?? plain
    const badTime = checkTime(validity, nowSec)
    if (badTime !== undefined && (expired === 'refuse' || badTime.code !== 'token_expired'))
      return (badTime.code === 'token_expired' ? issuer.renewal?.sessionOver(claims, nowSec) : undefined) ?? badTime
    trace?.passed('time', timeText(claims, issuer.rules.clockToleranceSec, nowSec))
    const keys = chooseKeys(token, issuer)
    if (keys instanceof Failure) return keys
    trace?.passed('key', keyText(token))
    const signature = signatures.signatureOf(rawToken, token, issuer, keys, nowSec)
    if (signature instanceof Failure) return signature
    trace?.passed('signature')
    const result = makeResult(token, issuer, validity)
    if (result instanceof Failure) return result
    trace?.passed('result')
    const { key, untilSec: forgetAtSec } = signature
    return {
      token: { raw: rawToken, result, issuer, key, validity, forgetAtSec, blockStatus: unknownBlockStatus() },
      signature,
    }
  }

  /** Runs the checks that may change between requests: block list and renewal. */
  function conclude(token: VerifiedToken, nowSec: number, trace: DecisionTrace | undefined): AuthResult | Failure {
    const { result, issuer } = token
    const blocked = checkBlocked(token, blockList, nowSec)
    if (blocked !== undefined) {
      issuer.renewal?.onBlocked(token, nowSec)
      return blocked
    }
    trace?.passed('revocation')
    const { renewal } = result
    if (renewal === undefined || nowSec < renewal.dueSec) return result
    return issuer.renewal?.renew(token, renewal, nowSec) ?? result
  }

  function onFirstUse(token: VerifiedToken, nowSec: number): void {
    issuerClocks.note(token.result)
    if (token.result.renewedFrom !== undefined) token.issuer.renewal?.onFirstUse(token, nowSec)
  }

  function recognised(token: VerifiedToken, nowSec: number): RecognisedToken {
    const isLive = nowSec < token.validity.notAfterSec && checkBlocked(token, blockList, nowSec) === undefined
    return { result: token.result, isLive }
  }

  return {
    authenticate(rawToken, issuers, trace) {
      const nowSec = clock.now() / 1000
      const known = caches.recall(rawToken, issuers, nowSec)
      if (known !== undefined) return conclude(known, nowSec, trace)
      const examined = examine(rawToken, issuers, nowSec, caches, trace)
      if (examined instanceof Failure) {
        caches.counts.misses += 1
        return examined
      }
      const { token, signature } = examined
      caches.keep(token, signature, nowSec)
      if (wasChecked(signature)) onFirstUse(token, nowSec)
      return conclude(token, nowSec, trace)
    },
    recognise(rawToken, issuers, trace) {
      const nowSec = clock.now() / 1000
      const known = caches.recallEnded(rawToken, issuers, nowSec)
      if (known !== undefined) return recognised(known, nowSec)
      const examined = examine(rawToken, issuers, nowSec, caches, trace, 'pass')
      if (examined instanceof Failure) return examined
      caches.keepEnded(examined.token)
      return recognised(examined.token, nowSec)
    },
    verify(rawToken, issuers, nowSec) {
      const examined = examine(rawToken, issuers, nowSec, withoutCaches, undefined)
      if (examined instanceof Failure) return examined
      return checkBlocked(examined.token, blockList, nowSec) ?? examined.token
    },
    issuerTimeSec: (issuerId) => issuerClocks.atLeastSec(issuerId),
    cache: caches.status,
    counts: caches.counts,
  }
}
