// The decision on one screen: is this token good for this route, and who calls?
import { scopesOf, type AuthResult, type JsonValue, type VerifiedFacts } from './auth-result.ts'
import { checkBlocked, unknownStanding } from './block-check.ts'
import { checkClaims, checkTime, validityOf } from './claims.ts'
import type { TrustedIssuer } from './issuers.ts'
import type { VerificationKey } from './key-set.ts'
import { createRefusalMemory } from './refusal-memory.ts'
import { createTokenCache, type TokenCache, type VerifiedToken } from './token-cache.ts'
import { tokenIdOf } from './token-id.ts'
import { createTokenReader, type UnverifiedToken } from './token-shape.ts'
import type { Clock } from '../clock.ts'
import { Failure } from '../failure.ts'
import type { BlockCheck } from '../revoke/block-list.ts'

export interface AuthenticatorParts {
  readonly maxTokenBytes: number
  readonly cache: { readonly maxTokens: number; readonly maxBytes: number; readonly maxAge: number }
  readonly clock: Clock
  /** Makes the header value for the upstream, once per token; a Failure when it would be too large. */
  readonly encodeResult: (facts: VerifiedFacts) => string | Failure
  readonly blockList: BlockCheck
}

/** Counts since start, for metrics. */
export interface CacheCounts {
  hits: number
  misses: number
}

export interface Authenticator {
  /** Decides for a route that accepts these issuers. Remembers what it verified. Never throws, whatever the token is. */
  authenticate(rawToken: string, issuers: readonly TrustedIssuer[]): AuthResult | Failure
  /** The same decision from scratch, leaving no trace: for `explain`. */
  verify(rawToken: string, issuers: readonly TrustedIssuer[], nowSec: number): VerifiedToken | Failure
  readonly cache: Pick<TokenCache, 'has' | 'size' | 'bytes'>
  readonly counts: Readonly<CacheCounts>
}

/** The issuer that the route would believe this token from: by `iss`, or the only one if that does not look at iss. */
export function chooseIssuer(
  { header, claims }: UnverifiedToken,
  issuers: readonly TrustedIssuer[],
): TrustedIssuer | Failure {
  const [only] = issuers
  if (only !== undefined && issuers.length === 1 && only.issuer === undefined) return only
  const named = issuers.filter(({ issuer }) => issuer !== undefined && issuer === claims['iss'])
  const [first] = named
  if (first === undefined)
    return new Failure(
      'issuer_unknown',
      claims['iss'] === undefined ? 'iss is missing' : 'iss names no issuer of this route',
    )
  return named.find(({ algorithms }) => algorithms.has(header.alg)) ?? first
}

/** The keys that may have signed the token; the failure says whether other keys may yet come. */
export function chooseKeys(
  { header }: UnverifiedToken,
  { name, keys: { ring, remote } }: TrustedIssuer,
): readonly VerificationKey[] | Failure {
  const keys = ring.find(header)
  if (keys.length > 0) return keys
  // Nobody could pass: that is our trouble, and a 401 would make clients log their users out.
  if (ring.size === 0) return new Failure('keys_unavailable', `no keys of issuer ${name} could be loaded`)
  const detail =
    header.kid === undefined
      ? `it names no kid, and not exactly one key of issuer ${name} fits ${header.alg}`
      : `it is signed by key ${JSON.stringify(header.kid)} with ${header.alg}, which issuer ${name} does not publish`
  return new Failure('key_unknown', detail, remote?.lookFor(header.kid))
}

/** True when this route would choose the issuer that the token was verified for: routes differ in whom they believe. */
function isFor({ issuer }: VerifiedToken, issuers: readonly TrustedIssuer[]): boolean {
  return issuers.length === 1 ? issuers[0] === issuer : issuer.issuer !== undefined && issuers.includes(issuer)
}

/** Only the signature is not checked again: the clock and the issuer's keys may each say no now. */
function isStillGood({ key, validity, forgetAtSec }: VerifiedToken, nowSec: number): boolean {
  return key.live && nowSec < forgetAtSec && nowSec < validity.notAfterSec && nowSec >= validity.notBeforeSec
}

function textOf(claim: JsonValue | undefined): string | undefined {
  return typeof claim === 'string' ? claim : undefined
}

export function createAuthenticator(parts: AuthenticatorParts): Authenticator {
  const { clock, encodeResult, blockList } = parts
  const readToken = createTokenReader(parts.maxTokenBytes)
  const cache = createTokenCache(parts.cache)
  const maxAgeSec = parts.cache.maxAge / 1000
  const refusals = createRefusalMemory()
  const counts: CacheCounts = { hits: 0, misses: 0 }

  /** Cheap checks first: an expired token, the commonest bad one, costs no cryptography and no fetch of keys. */
  function examine(rawToken: string, issuers: readonly TrustedIssuer[], nowSec: number): VerifiedToken | Failure {
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
    if (badTime !== undefined)
      return (badTime.code === 'token_expired' ? issuer.renewal?.sessionOver(claims, nowSec) : undefined) ?? badTime
    const keys = chooseKeys(token, issuer)
    if (keys instanceof Failure) return keys
    return checkSignature(token, issuer, keys, validity, nowSec)
  }

  function checkSignature(
    token: UnverifiedToken,
    issuer: TrustedIssuer,
    keys: readonly VerificationKey[],
    validity: VerifiedToken['validity'],
    nowSec: number,
  ): VerifiedToken | Failure {
    const known = refusals.recall(token.raw, nowSec)
    if (known !== undefined) return known
    const key = keys.find(({ isSignedBy }) => isSignedBy(token.raw))
    if (key === undefined) {
      const failure = new Failure(
        'signature_invalid',
        `the signature was not made by the key of issuer ${issuer.name} that it names`,
      )
      refusals.remember(token.raw, failure, keys, nowSec)
      return failure
    }
    const result = resultOf(token, issuer, validity)
    return result instanceof Failure
      ? result
      : { raw: token.raw, result, issuer, key, validity, forgetAtSec: nowSec + maxAgeSec, standing: unknownStanding() }
  }

  function resultOf(
    { raw, claims }: UnverifiedToken,
    { name, issuer, renewal }: TrustedIssuer,
    { notAfterSec }: VerifiedToken['validity'],
  ): AuthResult | Failure {
    const { exp, iat, sub, jti, sid, renewed_from: renewedFrom } = claims
    const expiresAtSec = typeof exp === 'number' ? exp : Infinity
    const subject = textOf(sub)
    const scopes = Object.freeze(scopesOf(claims))
    const headerValue = encodeResult({ issuer: name, subject, scopes, claims, expiresAtSec })
    if (headerValue instanceof Failure) return headerValue
    const issuedAtSec = typeof iat === 'number' ? iat : undefined
    let tokenId: string | undefined
    return Object.freeze({
      authenticated: true,
      issuer: name,
      subject,
      scopes,
      claims,
      expiresAtSec,
      issuedAtSec,
      validUntilSec: notAfterSec,
      get tokenId() {
        return (tokenId ??= tokenIdOf(raw))
      },
      issuerId: issuer ?? name,
      jti: textOf(jti),
      sid: textOf(sid),
      renewedFrom: textOf(renewedFrom),
      headerValue,
      renewal: renewal?.stateOf(claims),
    })
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

  return {
    authenticate(rawToken, issuers) {
      const nowSec = clock.now() / 1000
      const known = cache.get(rawToken)
      if (known !== undefined && isFor(known, issuers)) {
        if (isStillGood(known, nowSec)) {
          counts.hits += 1
          return conclude(known, nowSec)
        }
        cache.delete(known)
      }
      counts.misses += 1
      const token = examine(rawToken, issuers, nowSec)
      if (token instanceof Failure) return token
      // A revoked one is remembered as well: refusing it again shall not cost a signature check.
      cache.set(token)
      if (token.result.renewedFrom !== undefined) token.issuer.renewal?.onFirstUse(token, nowSec)
      return conclude(token, nowSec)
    },
    verify(rawToken, issuers, nowSec) {
      const token = examine(rawToken, issuers, nowSec)
      return token instanceof Failure ? token : (checkBlocked(token, blockList, nowSec) ?? token)
    },
    cache,
    counts,
  }
}
