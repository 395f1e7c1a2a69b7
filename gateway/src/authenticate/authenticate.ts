// The decision on one screen: is this token good for this route, and who calls?
import { verifiedResult, type AuthResult, type JsonValue, type VerifiedFacts } from './auth-result.ts'
import { checkBlocked, unknownStanding } from './block-check.ts'
import { checkClaims, checkTime, validityOf } from './claims.ts'
import type { TrustedIssuer } from './issuers.ts'
import type { VerificationKey } from './key-set.ts'
import { createRefusalMemory } from './refusal-memory.ts'
import { createScopeReader } from './scopes.ts'
import { createTokenCache, endOf, type TokenCache, type VerifiedToken } from './token-cache.ts'
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
  let named: TrustedIssuer | undefined
  for (const issuer of issuers) {
    if (issuer.issuer === undefined || issuer.issuer !== claims['iss']) continue
    if (issuer.algorithms.has(header.alg)) return issuer
    named ??= issuer
  }
  return (
    named ??
    new Failure('issuer_unknown', claims['iss'] === undefined ? 'iss is missing' : 'iss names no issuer of this route')
  )
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
  const scopesOf = createScopeReader()
  const refusals = createRefusalMemory()
  const counts: CacheCounts = { hits: 0, misses: 0 }

  /** Cheap checks first: an expired token, the commonest bad one, costs no cryptography and no fetch of keys. */
  function examine(
    rawToken: string,
    end: string,
    issuers: readonly TrustedIssuer[],
    nowSec: number,
  ): VerifiedToken | Failure {
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
    const known = refusals.recall(rawToken, end, nowSec)
    if (known !== undefined) return known
    const key = keys.find(({ isSignedBy }) => isSignedBy(token))
    if (key === undefined) {
      const failure = new Failure(
        'signature_invalid',
        `the signature was not made by the key of issuer ${issuer.name} that it names`,
      )
      refusals.remember(rawToken, end, { failure, keys, nowSec })
      return failure
    }
    const result = resultOf(token, issuer, validity)
    return result instanceof Failure
      ? result
      : { raw: rawToken, result, issuer, key, validity, forgetAtSec: nowSec + maxAgeSec, standing: unknownStanding() }
  }

  function resultOf(
    { raw, claims, claimsJson }: UnverifiedToken,
    { name, issuer, renewal }: TrustedIssuer,
    { notAfterSec }: VerifiedToken['validity'],
  ): AuthResult | Failure {
    const { exp, iat, sub, jti, sid, renewed_from: renewedFrom } = claims
    const expiresAtSec = typeof exp === 'number' ? exp : Infinity
    const subject = textOf(sub)
    const { names: scopes, json: scopesJson } = scopesOf(claims)
    const headerValue = encodeResult({ issuer: name, subject, scopes, scopesJson, claims, claimsJson, expiresAtSec })
    if (headerValue instanceof Failure) return headerValue
    const issuedAtSec = typeof iat === 'number' ? iat : undefined
    return verifiedResult(
      {
        issuer: name,
        subject,
        scopes,
        claims,
        expiresAtSec,
        issuedAtSec,
        validUntilSec: notAfterSec,
        issuerId: issuer ?? name,
        jti: textOf(jti),
        sid: textOf(sid),
        renewedFrom: textOf(renewedFrom),
        headerValue,
        renewal: renewal?.stateOf(claims),
      },
      raw,
    )
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
      const end = endOf(rawToken)
      const known = cache.get(rawToken, end)
      if (known !== undefined && isFor(known, issuers)) {
        if (isStillGood(known, nowSec)) {
          counts.hits += 1
          return conclude(known, nowSec)
        }
        cache.delete(end)
      }
      counts.misses += 1
      const token = examine(rawToken, end, issuers, nowSec)
      if (token instanceof Failure) return token
      // A revoked one is remembered as well: refusing it again shall not cost a signature check.
      cache.set(token, end)
      if (token.result.renewedFrom !== undefined) token.issuer.renewal?.onFirstUse(token, nowSec)
      return conclude(token, nowSec)
    },
    verify(rawToken, issuers, nowSec) {
      const token = examine(rawToken, endOf(rawToken), issuers, nowSec)
      return token instanceof Failure ? token : (checkBlocked(token, blockList, nowSec) ?? token)
    },
    cache,
    counts,
  }
}
