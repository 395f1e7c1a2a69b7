// Creates the auth result of a verified token, with its headers, once for all requests with the token.
import { verifiedResult, type AuthResult, type IdentityHeaders, type VerifiedFacts } from './auth-result.ts'
import { nameIn, type Validity } from './token/claims.ts'
import type { TrustedIssuer } from './issuers.ts'
import { scopesOf } from './token/scopes.ts'
import type { UnverifiedToken } from './token/token-shape.ts'
import { magnitudeOf } from '../message/json/exact-number.ts'
import { Failure } from '../failure.ts'
import { firstIssuedAtOf } from '../message/session-origin.ts'

/** Makes the headers for upstreams, once for each token. Failure auth_result_too_large. */
export type EncodeResult = (facts: VerifiedFacts) => IdentityHeaders | Failure

export function createResultMaker(encodeResult: EncodeResult) {
  return function makeResult(
    token: UnverifiedToken,
    { name, issuer, renewal }: TrustedIssuer,
    { notAfterSec }: Validity,
  ): AuthResult | Failure {
    const { claims, claimsJson, write } = token.signedClaims()
    const { exp, iat, sub, jti, sid, renewed_from: renewedFrom } = claims
    const expiresAtSec = magnitudeOf(exp) ?? Infinity
    const subject = typeof sub === 'string' ? sub : undefined
    const { names: scopes, json: scopesJson } = scopesOf(claims)
    const facts = { issuer: name, subject, scopes, scopesJson, claims, claimsJson, write, expiresAtSec }
    const identity = encodeResult(facts)
    if (identity instanceof Failure) return identity
    return verifiedResult({
      issuer: name,
      subject,
      scopes,
      claims,
      expiresAtSec,
      issuedAtSec: magnitudeOf(iat),
      firstIssuedAtSec: firstIssuedAtOf(claims),
      validUntilSec: notAfterSec,
      tokenId: token.id,
      issuerId: issuer ?? name,
      kid: token.header.kid,
      jti: nameIn(jti),
      originJti: nameIn(claims['origin_jti']),
      sid: nameIn(sid),
      renewedFrom: typeof renewedFrom === 'string' ? renewedFrom : undefined,
      headerValue: identity.headerValue,
      claimValues: identity.claimValues,
      renewal: renewal?.stateOf(claims, token),
    })
  }
}
