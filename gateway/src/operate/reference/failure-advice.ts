// What to do about each failure, for operators and for callers.
import type { FailureCode } from '../../failure.ts'

/** One entry for each code: a missing code is a compile error. */
export const FAILURE_ADVICE: Readonly<Record<FailureCode, string>> = {
  path_unsafe:
    'Send the path in its plain form: no `..`, no encoded slash or backslash, no empty segment. `encodedSlashes` and `emptySegments` of a route allow what its upstream really needs.',
  request_invalid:
    'Look at the client or at the proxy before the gateway: the message is not valid HTTP/1.1 (RFC 9112). `reason` or `detail` in the log says what is wrong.',
  token_ambiguous:
    'Send one token. Where several come by accident, shorten `tokens.from` to the location that is meant, or delete the older cookie.',
  token_missing: 'Send a token in a location that `tokens.from` names: `Authorization: Bearer ...` by default.',
  token_malformed:
    'Send the token as it was issued: three base64url parts, no quotes, no line breaks. `tollgate token decode` shows how it is read. Encrypted tokens (JWE) are not taken.',
  token_too_large: 'Have less put into the token, or raise `limits.tokenBytes` and, with it, `limits.headerBytes`.',
  algorithm_not_allowed:
    'Have the issuer sign with one of `issuers[].algorithms`, or add the algorithm there if its keys are meant for it.',
  issuer_unknown:
    'Compare `iss` of the token with `issuers[].issuer` to the letter, the last slash too; and see whether the route lists that issuer.',
  key_unknown:
    'The issuer does not publish this key (any more): have the client fetch a new token. If it is new, see whether `keys` is the right address and whether `tollgate_keys_failing` is 1.',
  signature_invalid:
    'The token was changed on its way, or comes from another issuer or environment: compare the keys of both.',
  token_expired:
    'Fetch a new token. If it is fresh, compare the clocks of issuer and gateway; `clockTolerance` bridges a little. Renewal spares clients the log-in.',
  token_not_yet_valid:
    'Compare the clocks of issuer and gateway: `nbf` or `iat` lies in the future by more than `clockTolerance`.',
  token_too_old: 'Have the issuer give tokens a shorter life, or raise `issuers[].maxLifetime`.',
  type_mismatch:
    'Send the token that is for APIs: an access token, not an ID token. `issuers[].typ` says which type is wanted.',
  audience_mismatch: 'Ask the issuer for a token for this API: `aud` must hold one of `issuers[].audiences`.',
  binding_unproven:
    'Ask for a token that is not bound to a key (DPoP, client certificate), or see what `issuers[].binding: ignore` gives up.',
  claim_missing: 'Have the issuer put in each of `issuers[].requiredClaims`.',
  claim_invalid: 'Have the issuer write the claim as RFC 7519 says, such as times as numbers of seconds.',
  token_revoked:
    'Log in again: the token, its session or its user was revoked. `GET /api/revocations` of the admin listener tells by which entry.',
  session_too_old: 'Log in again: `renewal.maxSession` is over, and no token of this session counts any more.',
  scope_missing:
    'Ask the issuer for the scopes that `WWW-Authenticate` names, or correct `require.scopes` of the route.',
  claim_forbidden:
    'The user may not do this. If they should: compare the claims of the token with `require.claims` of the route (`tollgate explain`).',
  origin_forbidden:
    'If the page is yours, list its origin in `origins` or `cors` of the route. If not, this is what the guard is for.',
  route_not_found: 'Ask `tollgate explain METHOD URL`: it names the routes that come nearest, and what differs.',
  method_not_allowed: 'Use a method of the header `Allow`, or add it to `methods` of the route.',
  body_too_large: 'Send less, or raise `limits.bodyBytes` or `bodyBytes` of the route.',
  websocket_version: 'Use a client that speaks RFC 6455: `Sec-WebSocket-Version: 13`.',
  rate_limited:
    'Wait as long as `Retry-After` says; find out why this client sends so many bad tokens (`limits.authFailures`).',
  headers_too_large: 'Send fewer or smaller headers and cookies, or raise `limits.headerBytes`.',
  request_timeout:
    'The client or its network is slow: see `limits.requestTimeout`, `limits.bodyRate` and `timeouts.body` of the route.',
  internal_error: 'A defect of the gateway: please report it with the line `internal error` of the log.',
  method_not_implemented: 'The gateway forwards no such method (CONNECT would be a tunnel to anywhere).',
  version_not_supported:
    'Speak HTTP/1.1 or HTTP/2; without TLS, HTTP/2 needs listen.h2c and a client that begins with it.',
  auth_result_too_large:
    'Name the claims that the upstream needs (`authResult.claims`), or raise `authResult.maxBytes` if the upstream takes such headers.',
  upstream_unreachable:
    'See whether the targets of the upstream run and can be reached from the gateway; `cause` in the log says what failed.',
  upstream_reset:
    'The upstream closed the connection before its response was whole: look at its log. Its keep-alive time should be longer than the gateway’s.',
  upstream_headers_too_large: 'Have the upstream send smaller headers, or raise `limits.responseHeaderBytes`.',
  upstream_invalid:
    'The upstream’s response is not valid HTTP/1.1: `cause` in the log says where. Passing it on could let one client read another’s response.',
  keys_unavailable:
    'The issuer could not be reached since the start: `/readyz?verbose` says why and since when. Clients may try again.',
  revocations_unavailable:
    'The store of revocations is down and `onStoreDown` is `refuse`: see `/readyz?verbose`. Clients may try again.',
  upstream_overloaded:
    'All connections are busy and the queue is full: more targets, more `connections`, or a faster upstream.',
  upstream_unhealthy: 'The health checks of all targets fail: look at the upstream, and at `health.path`.',
  overloaded: 'More requests than `limits.inFlight` at once: more workers or machines, or find what holds them.',
  shutting_down: 'Try again: another process answers.',
  upstream_timeout: 'The upstream took longer than `timeouts` allow: `cause` in the log says which.',
}
