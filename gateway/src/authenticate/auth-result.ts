// The result of authentication: the caller, and the value of the auth-result header.

import type { CookieSlot } from './locations/cookie-clearing.ts'
import type { ExactNumber } from '../message/json/exact-number.ts'

export type JsonValue =
  (string | number | boolean | null | ExactNumber) | readonly JsonValue[] | { readonly [key: string]: JsonValue }
export type Claims = Readonly<Record<string, JsonValue>>

/**
 * The caller of a request, authenticated or anonymous. All requests with the same token share one object, which is deeply
 * frozen except `renewal`. Times are in seconds since the epoch.
 */
export interface AuthResult {
  /** True for a verified token, false for an anonymous caller. */
  readonly authenticated: boolean
  /** Name of the issuer in the config; '' for anonymous callers. */
  readonly issuer: string
  /** `sub` (RFC 7519 section 4.1.2). */
  readonly subject: string | undefined
  /** Scopes of `scope` or `scp`, in the order of the token. */
  readonly scopes: readonly string[]
  readonly claims: Claims
  /** `exp`; Infinity for a token without it. */
  readonly expiresAtSec: number
  /** `iat`. */
  readonly issuedAtSec: number | undefined
  /** `iat` of the first token of the session (`origin_iat` of a successor). */
  readonly firstIssuedAtSec: number | undefined
  /** When the token stops being accepted: `exp` plus clock tolerance and grace, at most the end of the session. */
  readonly validUntilSec: number
  /** SHA-256 of the signed part (token-id.ts): the same for every spelling of the signature. '' for anonymous callers. */
  readonly tokenId: string
  /** The issuer in entries of the block list: its `iss`, or its name in the config when `iss` is not checked. */
  readonly issuerId: string
  /** `kid` of the token's header (RFC 7515 section 4.1.4). */
  readonly kid: string | undefined
  readonly jti: string | undefined
  /** `origin_jti` (Amazon Cognito): the id of the original authentication. Blocked like a jti. */
  readonly originJti: string | undefined
  readonly sid: string | undefined
  /** `renewed_from`: tokenId of the predecessor, if the gateway issued this token as a successor. */
  readonly renewedFrom: string | undefined
  /** Value of the auth-result header; undefined when none is sent. */
  readonly headerValue: string | undefined
  /** Values of headers with single claims, in an order that the forward stage knows; empty for none. */
  readonly claimValues: readonly (string | undefined)[]
  /** State of the token's renewal; undefined when it cannot be renewed. The only mutable part. */
  readonly renewal: RenewalState | undefined
}

/** The renewal of one token. Cached with the token, so that its successor is made once and not for each request. */
export interface RenewalState {
  /** When the token becomes due for renewal, in seconds since the epoch. */
  readonly dueSec: number
  /** The token itself, if open streams deliver successors; else ''. */
  readonly raw: string
  /** The successor, once it is made. Responses deliver it. */
  successor: RenewedToken | undefined
  /** True after a permanent error: no further attempt is made. */
  impossible: boolean
  /** True after the first report of a reuse: the token was used after its successor. */
  reported: boolean
}

/** A successor in the form that responses deliver: one header. `cookie` is the cookie it sets; undefined for other headers. */
export interface RenewedToken {
  readonly header: string
  readonly value: string
  readonly cookie: CookieSlot | undefined
  /** The auth result of the successor. */
  readonly verified: AuthResult
  /** True after the alive entry of its session was written to the block list. */
  announced: boolean
}

/** What upstreams are told of a caller, made once for each token. */
export type IdentityHeaders = Pick<AuthResult, 'headerValue' | 'claimValues'>

/** The facts of a verified token that the auth-result header contains. */
export interface VerifiedFacts extends Pick<AuthResult, 'issuer' | 'subject' | 'scopes' | 'claims' | 'expiresAtSec'> {
  /** JSON.stringify of the scopes. */
  readonly scopesJson: string
  /** The result of `write(claims)`, if known already. */
  readonly claimsJson: string | undefined
  /** Writes claims as JSON and keeps the digits of numbers that a double cannot hold. */
  readonly write: (value: unknown) => string
}

/** Creates the result of a verified token. `claims` and `scopes` must be frozen. */
export function verifiedResult(fields: Omit<AuthResult, 'authenticated'>): AuthResult {
  // Names each member, so that all results have one hidden class.
  return Object.freeze({
    authenticated: true,
    issuer: fields.issuer,
    subject: fields.subject,
    scopes: fields.scopes,
    claims: fields.claims,
    expiresAtSec: fields.expiresAtSec,
    issuedAtSec: fields.issuedAtSec,
    firstIssuedAtSec: fields.firstIssuedAtSec,
    validUntilSec: fields.validUntilSec,
    tokenId: fields.tokenId,
    issuerId: fields.issuerId,
    kid: fields.kid,
    jti: fields.jti,
    originJti: fields.originJti,
    sid: fields.sid,
    renewedFrom: fields.renewedFrom,
    headerValue: fields.headerValue,
    claimValues: fields.claimValues,
    renewal: fields.renewal,
  })
}

const NO_CLAIMS: Claims = Object.freeze({})
const NO_SCOPES: readonly string[] = Object.freeze([])

/** Creates the result of a caller without a token. */
export function anonymousResult({ headerValue, claimValues }: IdentityHeaders): AuthResult {
  return Object.freeze({
    authenticated: false,
    issuer: '',
    subject: undefined,
    scopes: NO_SCOPES,
    claims: NO_CLAIMS,
    expiresAtSec: Infinity,
    issuedAtSec: undefined,
    firstIssuedAtSec: undefined,
    validUntilSec: Infinity,
    tokenId: '',
    issuerId: '',
    kid: undefined,
    jti: undefined,
    originJti: undefined,
    sid: undefined,
    renewedFrom: undefined,
    headerValue,
    claimValues,
    renewal: undefined,
  })
}
