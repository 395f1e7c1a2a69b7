// The decision on one screen: is this token good for this route, and who calls?
import type { AuthResult } from './auth-result.ts'
import { checkBlocked, type BlockCheck, unknownStanding } from './block-check.ts'
import { chooseIssuer, chooseKeys, MAX_TRIED_KEYS, notVerified, unlessKeysCome } from './keys/choose-keys.ts'
import { checkClaims, checkTime, validityOf } from './token/claims.ts'
import { createIssuerClocks, type IssuerClocks } from './issuer-clocks.ts'
import type { TrustedIssuer } from './issuers.ts'
import type { VerificationKey } from './keys/key-set.ts'
import { createResultMaker, type EncodeResult } from './make-result.ts'
import { createEndedTokens, type RecognisedToken } from './recognised-token.ts'
import { createRefusalMemory } from './cache/refusal-memory.ts'
import { createSignatureMemory, type GoodSignature } from './cache/signature-memory.ts'
import { createTokenCache, endOf, mostEntries, type VerifiedToken } from './cache/token-cache.ts'
import { createTokenReader, type UnverifiedToken } from './token/token-shape.ts'
import type { Clock } from '../clock.ts'
import { Failure } from '../failure.ts'

export interface AuthenticatorParts {
  readonly maxTokenBytes: number
  readonly cache: { readonly maxTokens: number; readonly maxBytes: number; readonly maxAge: number }
  readonly clock: Clock
  readonly encodeResult: EncodeResult
  readonly blockList: BlockCheck
}

/** Counts since start, for metrics. */
export interface CacheCounts {
  /** Tokens whose signature was not checked, because it had been. */
  hits: number
  /** Those among them that were not ready, and were taken apart again. */
  reread: number
  misses: number
}

/** What is remembered now. */
export interface RememberedTokens {
  readonly has: (rawToken: string) => boolean
  /** Tokens kept ready, with claims and header, and the heap that they take, an estimate. */
  readonly ready: number
  readonly readyBytes: number
  /** Tokens whose signature is remembered, kept ready or not. */
  readonly signatures: number
}

export interface Authenticator {
  /** Decides for a route that accepts these issuers. Remembers what it verified. Never throws, whatever the token is. */
  readonly authenticate: (rawToken: string, issuers: readonly TrustedIssuer[]) => AuthResult | Failure
  /** Whose token this is, though it may have expired or be blocked; it counts as no use of it. Never throws. */
  readonly recognise: (rawToken: string, issuers: readonly TrustedIssuer[]) => RecognisedToken | Failure
  /** The same decision from scratch, leaving no trace: for `explain`. */
  verify(rawToken: string, issuers: readonly TrustedIssuer[], nowSec: number): VerifiedToken | Failure
  /** What the clock of an issuer (`issuerId`) shows at least. */
  readonly issuerTimeSec: IssuerClocks['atLeastSec']
  readonly cache: RememberedTokens
  readonly counts: Readonly<CacheCounts>
}

/** True when this route would choose the issuer that the token was verified for: routes differ in whom they believe. */
function isFor({ issuer }: VerifiedToken, issuers: readonly TrustedIssuer[]): boolean {
  return issuers.length === 1 ? issuers[0] === issuer : issuer.issuer !== undefined && issuers.includes(issuer)
}

/** Only the signature is not checked again: the clock and the issuer's keys may each say no now. */
function isStillGood({ key, validity, forgetAtSec }: VerifiedToken, nowSec: number): boolean {
  return key.live && nowSec < forgetAtSec && nowSec < validity.notAfterSec && nowSec >= validity.notBeforeSec
}

/** Finds the key that made the signature; the failure is told, and nothing else is looked at. */
type SignatureSearch = (
  token: UnverifiedToken,
  issuer: TrustedIssuer,
  keys: readonly VerificationKey[],
) => GoodSignature | Failure

export function createAuthenticator(parts: AuthenticatorParts): Authenticator {
  const { clock, blockList } = parts
  const makeResult = createResultMaker(parts.encodeResult)
  const readToken = createTokenReader(parts.maxTokenBytes)
  const maxAgeSec = parts.cache.maxAge / 1000
  const ready = createTokenCache(parts.cache)
  /** For tokens that cannot be kept ready. Undefined where as many as may be remembered at all can. */
  const signatures =
    parts.cache.maxTokens > mostEntries(parts.cache.maxBytes) ? createSignatureMemory(parts.cache.maxTokens) : undefined
  const refusals = createRefusalMemory(clock)
  const issuerClocks = createIssuerClocks(clock)
  const ended = createEndedTokens()
  const counts: CacheCounts = { hits: 0, reread: 0, misses: 0 }

  /** Cheap checks first: an expired token, the commonest bad one, costs no cryptography and no fetch of keys. */
  function examine(
    rawToken: string,
    issuers: readonly TrustedIssuer[],
    nowSec: number,
    search: SignatureSearch,
    expired: 'refuse' | 'pass' = 'refuse',
  ): { readonly token: VerifiedToken; readonly lookupsAgo: number } | Failure {
    const token = readToken(rawToken)
    if (token instanceof Failure) return token
    const issuer = chooseIssuer(token, issuers)
    if (issuer instanceof Failure) return issuer
    const { header, claims } = token
    if (!issuer.algorithms.has(header.alg))
      return new Failure('algorithm_not_allowed', `it is signed with ${header.alg.slice(0, 16)}`)
    const badClaim = checkClaims(issuer.rules, header, claims)
    if (badClaim !== undefined) return badClaim
    const plain = validityOf(claims, issuer.rules.clockToleranceSec)
    const validity = issuer.renewal?.validityOf(claims, plain) ?? plain
    const badTime = checkTime(validity, nowSec)
    if (badTime !== undefined && (expired === 'refuse' || badTime.code !== 'token_expired'))
      return (badTime.code === 'token_expired' ? issuer.renewal?.sessionOver(claims, nowSec) : undefined) ?? badTime
    const keys = chooseKeys(token, issuer)
    if (keys instanceof Failure) return keys
    const signature = search(token, issuer, keys)
    if (signature instanceof Failure) return signature
    const result = makeResult(token, issuer, validity)
    if (result instanceof Failure) return result
    const { key, untilSec: forgetAtSec, lookupsAgo } = signature
    return {
      token: { raw: rawToken, result, issuer, key, validity, forgetAtSec, standing: unknownStanding() },
      lookupsAgo,
    }
  }

  function checkSignature(token: UnverifiedToken, keys: readonly VerificationKey[], nowSec: number) {
    const key = keys.find(({ isSignedBy }, index) => index < MAX_TRIED_KEYS && isSignedBy(token))
    return key === undefined ? undefined : { key, untilSec: nowSec + maxAgeSec, lookupsAgo: Infinity }
  }

  /** By what is remembered of good and of bad signatures. */
  function searchFor(rawToken: string, end: string, nowSec: number): SignatureSearch {
    return (token, issuer, keys) => {
      const refused = refusals.recall(rawToken, end, keys)
      if (refused !== undefined) return unlessKeysCome(refused, token, issuer.keys, keys)
      const signature =
        signatures === undefined || (signatures.size === 0 && ready.hasRoom(nowSec))
          ? checkSignature(token, keys, nowSec)
          : signatures.recall(token, keys, { nowSec, lookup: counts.hits + counts.misses }, checkSignature)
      if (signature !== undefined) return signature
      const failure = notVerified(issuer, keys)
      refusals.remember(rawToken, end, failure, keys)
      return unlessKeysCome(failure, token, issuer.keys, keys)
    }
  }

  /**
   * Keeps a token ready. When that is full of good ones, only whoever comes again soon enough to be found there gets in, so that
   * tokens which are used once push nobody out; and whoever is due, as its successor is kept beside it and made once.
   */
  function keep(token: VerifiedToken, end: string, lookupsAgo: number, nowSec: number): void {
    const { renewal } = token.result
    const isDue = renewal !== undefined && nowSec >= renewal.dueSec
    if (signatures === undefined || isDue || ready.hasRoom(nowSec) || lookupsAgo <= ready.size) ready.set(token, end)
  }

  /** What may change from request to request: whether the token was blocked meanwhile, and whether it is time for its successor. */
  function conclude(token: VerifiedToken, nowSec: number): AuthResult | Failure {
    const { result, issuer } = token
    const blocked = checkBlocked(token, blockList, nowSec)
    if (blocked !== undefined) {
      issuer.renewal?.onBlocked(token, nowSec)
      return blocked
    }
    const { renewal } = result
    if (renewal === undefined || nowSec < renewal.dueSec) return result
    return issuer.renewal?.renew(token, renewal, nowSec) ?? result
  }

  function recognised(token: VerifiedToken, nowSec: number): RecognisedToken {
    const isLive = nowSec < token.validity.notAfterSec && checkBlocked(token, blockList, nowSec) === undefined
    return { result: token.result, isLive }
  }

  return {
    authenticate(rawToken, issuers) {
      const nowSec = clock.now() / 1000
      const end = endOf(rawToken)
      const known = ready.get(rawToken, end)
      if (known !== undefined && isFor(known, issuers)) {
        if (isStillGood(known, nowSec)) {
          counts.hits += 1
          return conclude(known, nowSec)
        }
        ready.delete(end)
      }
      const examined = examine(rawToken, issuers, nowSec, searchFor(rawToken, end, nowSec))
      if (examined instanceof Failure) {
        counts.misses += 1
        return examined
      }
      const { token, lookupsAgo } = examined
      keep(token, end, lookupsAgo, nowSec)
      if (lookupsAgo === Infinity) {
        counts.misses += 1
        issuerClocks.note(token.result)
        if (token.result.renewedFrom !== undefined) token.issuer.renewal?.onFirstUse(token, nowSec)
      } else {
        counts.hits += 1
        counts.reread += 1
      }
      return conclude(token, nowSec)
    },
    recognise(rawToken, issuers) {
      const nowSec = clock.now() / 1000
      const end = endOf(rawToken)
      const known = ready.get(rawToken, end) ?? ended.get(rawToken)
      if (known !== undefined && isFor(known, issuers) && known.key.live && nowSec < known.forgetAtSec)
        return recognised(known, nowSec)
      const examined = examine(rawToken, issuers, nowSec, searchFor(rawToken, end, nowSec), 'pass')
      if (examined instanceof Failure) return examined
      ended.set(rawToken, examined.token)
      return recognised(examined.token, nowSec)
    },
    verify(rawToken, issuers, nowSec) {
      const examined = examine(
        rawToken,
        issuers,
        nowSec,
        (token, issuer, keys) => checkSignature(token, keys, nowSec) ?? notVerified(issuer, keys),
      )
      if (examined instanceof Failure) return examined
      return checkBlocked(examined.token, blockList, nowSec) ?? examined.token
    },
    issuerTimeSec: (issuerId) => issuerClocks.atLeastSec(issuerId),
    cache: {
      has: (rawToken) => ready.has(rawToken) || signatures?.has(rawToken) === true,
      get ready() {
        return ready.size
      },
      get readyBytes() {
        return ready.bytes
      },
      get signatures() {
        return signatures?.size ?? 0
      },
    },
    counts,
  }
}
