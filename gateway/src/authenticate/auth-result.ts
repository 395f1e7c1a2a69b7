// The result of authentication: who calls, and the finished header value that tells the upstream.

import type { CookieSlot } from './locations/cookie-clearing.ts'
import type { ExactNumber } from '../message/json/exact-number.ts'

export type JsonValue =
  (string | number | boolean | null | ExactNumber) | readonly JsonValue[] | { readonly [key: string]: JsonValue }
export type Claims = Readonly<Record<string, JsonValue>>

/**
 * Who calls. One shape for known and anonymous callers, deeply frozen: it is shared by all requests with the same token.
 * `headerValue` is undefined where the upstream gets no header. Times are in seconds since the epoch; `expiresAtSec` is
 * Infinity for a token without `exp`, `issuedAtSec` is undefined without `iat`.
 */
export interface AuthResult {
  readonly authenticated: boolean
  readonly issuer: string
  readonly subject: string | undefined
  readonly scopes: readonly string[]
  readonly claims: Claims
  readonly expiresAtSec: number
  readonly issuedAtSec: number | undefined
  /** `iat` of the first token of its session, where it was renewed since. */
  readonly firstIssuedAtSec: number | undefined
  /** From then on the token is refused: its expiry with the clock tolerance of its issuer. */
  readonly validUntilSec: number
  /** Names the token however its signature is spelt (token-id.ts). '' for anonymous callers. */
  readonly tokenId: string
  /** Whose tokens these are on the block list: the issuer's `issuer`, or its name in the config where iss is not looked at. */
  readonly issuerId: string
  /** As the header of the token names its key. */
  readonly kid: string | undefined
  readonly jti: string | undefined
  /** Its issuer’s own name for what it goes back to (Amazon Cognito): blocked like a jti. */
  readonly originJti: string | undefined
  readonly sid: string | undefined
  /** Id of the token whose successor this is, where the gateway renewed one. */
  readonly renewedFrom: string | undefined
  readonly headerValue: string | undefined
  /** Undefined where the token is not renewed. The one part that changes: once, when the token is due. */
  readonly renewal: RenewalState | undefined
}

/** How far the renewal of a token has come: kept beside it, so that its successor is made once and not for each request. */
export interface RenewalState {
  /** From then on it is renewed, in seconds. */
  readonly dueSec: number
  /** The token itself, where open streams may carry its successor; '' elsewhere. */
  readonly raw: string
  /** What responses carry from now on. */
  successor: RenewedToken | undefined
  /** It was tried, and it will not work the next time either. */
  impossible: boolean
  /** It was used after its successor was, and that was told. */
  reported: boolean
}

/** A successor as responses carry it: by this header. `cookie` is where a browser keeps it; undefined where it is not set as one. */
export interface RenewedToken {
  readonly header: string
  readonly value: string
  readonly cookie: CookieSlot | undefined
  /** What authentication says to it. */
  readonly verified: AuthResult
  /** Machines were told that its session goes on. */
  told: boolean
}

/** The facts about a verified token from which the header for the upstream is made. */
export interface VerifiedFacts extends Pick<AuthResult, 'issuer' | 'subject' | 'scopes' | 'claims' | 'expiresAtSec'> {
  /** What JSON.stringify writes for the scopes. */
  readonly scopesJson: string
  /** What `write` would make of the claims, where that is known already. */
  readonly claimsJson: string | undefined
  /** Writes the claims or any part of them as JSON, to the digit. */
  readonly write: (value: unknown) => string
}

/** The result for a verified token. `claims` and `scopes` are frozen already. */
export function verifiedResult(fields: Omit<AuthResult, 'authenticated'>): AuthResult {
  // Member by member: all results have one shape, whatever the caller's object has.
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
    renewal: fields.renewal,
  })
}

const NO_CLAIMS: Claims = Object.freeze({})
const NO_SCOPES: readonly string[] = Object.freeze([])

/** The result for a caller without a token, where the route allows that. */
export function anonymousResult(headerValue: string | undefined): AuthResult {
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
    renewal: undefined,
  })
}
