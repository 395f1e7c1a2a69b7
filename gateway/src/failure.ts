// Every reason to refuse a request: code -> status, challenge and public text; and why not to start. A leaf: imports nothing.

/** The checks of a request, in the order in which it meets them. */
export const CHECKS = [
  ...(['request', 'token', 'origin', 'limit', 'shape', 'issuer', 'algorithm', 'claims', 'time', 'key'] as const),
  ...(['signature', 'result', 'revocation', 'requirements', 'upstream'] as const),
] as const

export type CheckName = (typeof CHECKS)[number]

interface FailureRule {
  /** Which check gives it. */
  readonly check: CheckName
  readonly status: number
  /** The `error` of the WWW-Authenticate challenge (RFC 6750 section 3.1); '' is a challenge without error: no token came. */
  readonly challenge?: '' | 'invalid_request' | 'invalid_token' | 'insufficient_scope'
  readonly title: string
  readonly retryAfterSec?: number
}

export const FAILURES = {
  path_unsafe: { check: 'request', status: 400, title: 'The path could be read in more than one way' },
  request_invalid: { check: 'request', status: 400, title: 'The request is not valid HTTP' },
  token_ambiguous: {
    check: 'token',
    status: 400,
    challenge: 'invalid_request',
    title: 'The request carries more than one token',
  },
  token_missing: { check: 'token', status: 401, challenge: '', title: 'A token is needed' },
  token_malformed: {
    check: 'shape',
    status: 401,
    challenge: 'invalid_token',
    title: 'The token is not a well-formed JWT',
  },
  token_too_large: { check: 'shape', status: 401, challenge: 'invalid_token', title: 'The token is too large' },
  algorithm_not_allowed: {
    check: 'algorithm',
    status: 401,
    challenge: 'invalid_token',
    title: 'The token is signed with an algorithm that is not allowed',
  },
  issuer_unknown: {
    check: 'issuer',
    status: 401,
    challenge: 'invalid_token',
    title: 'The token comes from an issuer that is not trusted here',
  },
  key_unknown: {
    check: 'key',
    status: 401,
    challenge: 'invalid_token',
    title: 'The token is signed with a key that its issuer does not publish',
  },
  signature_invalid: {
    check: 'signature',
    status: 401,
    challenge: 'invalid_token',
    title: 'The signature of the token is not valid',
  },
  token_expired: { check: 'time', status: 401, challenge: 'invalid_token', title: 'The token has expired' },
  token_not_yet_valid: { check: 'time', status: 401, challenge: 'invalid_token', title: 'The token is not valid yet' },
  token_too_old: {
    check: 'claims',
    status: 401,
    challenge: 'invalid_token',
    title: 'The token lives longer than is allowed here',
  },
  type_mismatch: {
    check: 'claims',
    status: 401,
    challenge: 'invalid_token',
    title: 'The token is of another type than is accepted here',
  },
  audience_mismatch: {
    check: 'claims',
    status: 401,
    challenge: 'invalid_token',
    title: 'The token is meant for another audience',
  },
  binding_unproven: {
    check: 'claims',
    status: 401,
    challenge: 'invalid_token',
    title: 'The token is bound to a key that the client has not proved to have',
  },
  claim_missing: {
    check: 'claims',
    status: 401,
    challenge: 'invalid_token',
    title: 'The token lacks a required claim',
  },
  claim_invalid: {
    check: 'claims',
    status: 401,
    challenge: 'invalid_token',
    title: 'The token has a claim with an impossible value',
  },
  token_revoked: { check: 'revocation', status: 401, challenge: 'invalid_token', title: 'The token has been revoked' },
  session_too_old: { check: 'time', status: 401, challenge: 'invalid_token', title: 'The session has reached its end' },
  scope_missing: {
    check: 'requirements',
    status: 403,
    challenge: 'insufficient_scope',
    title: 'The token lacks a scope that is needed here',
  },
  claim_forbidden: {
    check: 'requirements',
    status: 403,
    challenge: 'insufficient_scope',
    title: 'The claims of the token do not allow this',
  },
  origin_forbidden: {
    check: 'origin',
    status: 403,
    title: 'Pages of this origin may not act with a cookie of this site',
  },
  route_not_found: { check: 'request', status: 404, title: 'No route answers this path' },
  method_not_allowed: { check: 'request', status: 405, title: 'The route does not take this method' },
  body_too_large: { check: 'request', status: 413, title: 'The request body is too large' },
  websocket_version: { check: 'request', status: 426, title: 'The version of WebSocket is not spoken here, 13 is' },
  rate_limited: { check: 'limit', status: 429, title: 'Too many requests', retryAfterSec: 1 },
  headers_too_large: { check: 'request', status: 431, title: 'The request headers are too large' },
  request_timeout: { check: 'request', status: 408, title: 'The request took too long to arrive' },
  internal_error: { check: 'request', status: 500, title: 'The gateway failed' },
  method_not_implemented: { check: 'request', status: 501, title: 'The method is not implemented' },
  version_not_supported: { check: 'request', status: 505, title: 'The protocol or its version is not supported' },
  auth_result_too_large: {
    check: 'result',
    status: 500,
    title: 'The claims are too large for the header to the upstream',
  },
  upstream_unreachable: { check: 'upstream', status: 502, title: 'The upstream cannot be reached' },
  upstream_reset: { check: 'upstream', status: 502, title: 'The upstream closed the connection' },
  upstream_headers_too_large: {
    check: 'upstream',
    status: 502,
    title: 'The response headers of the upstream are too large',
  },
  upstream_invalid: { check: 'upstream', status: 502, title: 'The upstream gave a response that is not valid HTTP' },
  keys_unavailable: { check: 'key', status: 503, title: 'The keys of the issuer are not available', retryAfterSec: 5 },
  revocations_unavailable: {
    check: 'revocation',
    status: 503,
    title: 'The list of revoked tokens is not available',
    retryAfterSec: 5,
  },
  upstream_overloaded: {
    check: 'upstream',
    status: 503,
    title: 'The upstream has too many requests',
    retryAfterSec: 1,
  },
  upstream_unhealthy: { check: 'upstream', status: 503, title: 'The upstream is not healthy', retryAfterSec: 5 },
  overloaded: { check: 'request', status: 503, title: 'The gateway has too many requests', retryAfterSec: 1 },
  shutting_down: { check: 'request', status: 503, title: 'The gateway is shutting down', retryAfterSec: 1 },
  upstream_timeout: { check: 'upstream', status: 504, title: 'The upstream took too long' },
} as const satisfies Record<string, FailureRule>

export type FailureCode = keyof typeof FAILURES

/**
 * A refusal, as a value: a flood of bad tokens is the worst case, and throwing costs 80 times more than returning.
 * `detail` is for the log and for `explain`: plain words, never a token, a claim value or a secret.
 * `wait`, when present, settles when the same question may get another answer (keys are being fetched).
 */
export class Failure {
  readonly code: FailureCode
  readonly detail: string
  readonly wait: Promise<unknown> | undefined

  constructor(code: FailureCode, detail: string, wait?: Promise<unknown>) {
    this.code = code
    this.detail = detail
    this.wait = wait
  }
}

export function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(FAILURES, code)
}

/** The rule of a code, with every optional field readable. */
export function failureRule(code: FailureCode): FailureRule {
  return FAILURES[code]
}

/** Why a gateway cannot start: one line for its operator, which names no key material. Thrown before anything listens. */
export class CannotStart extends Error {
  /** The option that it is about, undefined where nobody knows: whoever knows the file tells its place. */
  readonly option: readonly (string | number)[] | undefined

  constructor(message: string, option: readonly (string | number)[] | undefined) {
    super(message)
    this.option = option
  }

  /** For who knows more: whose option it is, in words and as a path. */
  within(owner: string, path: readonly (string | number)[]): CannotStart {
    return new CannotStart(`${owner}: ${this.message}`, [...path, ...(this.option ?? [])])
  }
}
