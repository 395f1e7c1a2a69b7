// Admits or refuses a request: checks the request, finds and authenticates its token, then checks authorization.

import type { GatewayRequest } from '../message/client-exchange.ts'

import { hasHiddenHeaders, repeatedHeader } from './listen/single-headers.ts'
import { isWebSocketUpgrade } from './routes/upgrades.ts'
import type { FailureLimit } from './failure-limit.ts'
import type { RecordedRequest } from './request-record.ts'
import type { OriginGuard } from './origins/origin-guard.ts'
import type { CorsPolicy } from './origins/cors.ts'
import type { Routable } from './routes/route-table.ts'
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { AuthenticationPolicy } from '../authenticate/authentication.ts'
import type { FoundToken, TokenLocation } from '../authenticate/locations/location.ts'
import type { ClientOf } from '../message/client-address.ts'
import { quoted } from '../message/shown-value.ts'
import { keepsOut } from '../options/route/auth-modes.ts'
import { Failure, failureRule, type FailureCode } from '../failure.ts'

/** Dependencies of admission, shared by all routes. */
export interface AdmissionParts {
  /** Undefined: no limit on failed tokens. */
  readonly failureLimit: FailureLimit | undefined
  readonly clientOf: ClientOf
  /** The admission of a request without a token, where that is allowed. */
  readonly anonymous: Admission & { readonly caller: AuthResult }
}

/**
 * What admission needs of a route: which requests it matches, and what it demands of them. Compiled once. Data only, without
 * closures: requests alternate between many routes, and each closure would be one more cache miss (decision 0018).
 */
export interface AdmissionPolicy extends Routable, AuthenticationPolicy {
  /** Whether a path may contain an escaped slash (%2F), and empty segments (`//`). */
  readonly encodedSlashes: boolean
  readonly emptySegments: boolean
  readonly cors: CorsPolicy | undefined
  readonly websocket: boolean
  readonly authorize: ((caller: AuthResult) => Failure | undefined) | undefined
  /** Checks requests with a token in a cookie, because a browser sends cookies for pages of any site. */
  readonly originGuard: OriginGuard
  readonly tally: DecisionTally
  readonly parts: AdmissionParts
}

/** The part of a policy that decides which callers a route admits. `authorize` is one object for equal requirements. */
export type Demands = Pick<AdmissionPolicy, 'auth' | 'issuers' | 'authorize'>

/** True when these demands refuse some caller whom `than` admits. */
export function asksMore({ auth, issuers, authorize }: Demands, than: Demands): boolean {
  if (!keepsOut(auth)) return false
  if (!keepsOut(than.auth) || than.issuers.some((issuer) => !issuers.includes(issuer))) return true
  return authorize !== undefined && authorize !== than.authorize
}

/** Counts decisions: `accepted`, `anonymous`, or why it was refused (or would have been). */
export interface DecisionTally {
  countDecision(decision: 'accepted' | 'anonymous' | FailureCode, enforced: boolean): void
}

/** An admitted request. `caller` is undefined on routes with `auth: none`. */
export interface Admission {
  readonly caller: AuthResult | undefined
  readonly location: TokenLocation | undefined
}

/** Where a page is from and whom it asks is not personal. */
function foreignPage({ headers }: GatewayRequest): Failure {
  const { origin, host, 'sec-fetch-site': site } = headers
  const page = origin === undefined ? '' : ` of ${quoted(origin)}`
  const kind = typeof site === 'string' ? ` (sec-fetch-site: ${quoted(site)})` : ''
  return new Failure(
    'origin_forbidden',
    `a page${page}${kind} of another site asks ${quoted(host ?? '')}, and the token is in a cookie (origins of the route)`,
  )
}

const UNAUTHENTICATED = Object.freeze({ caller: undefined, location: undefined })

/** A request to admit. `pathFault`: what the router found in the path that this route does not allow. */
type AdmittableRequest = RecordedRequest & { url: string; readonly pathFault?: string | undefined }

/** Checks that do not depend on the caller. */
function checkRequest(request: AdmittableRequest, websocket: boolean): Failure | undefined {
  if (request.pathFault !== undefined) return new Failure('path_unsafe', request.pathFault)
  if (hasHiddenHeaders(request.rawHeaders))
    return new Failure('headers_too_large', 'a thousand headers or more came, fewer are read')
  const repeated = repeatedHeader(request.rawHeaders)
  if (repeated !== undefined) {
    return repeated === 'authorization'
      ? new Failure('token_ambiguous', 'two headers authorization, allowed is one')
      : new Failure('request_invalid', `two headers ${repeated}, allowed is one`)
  }
  // The gateway decodes no transfer coding but chunked (RFC 9112 section 6.1): another one would reach the upstream as plain bytes.
  const coding = request.headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return new Failure('request_invalid', `transfer-encoding is ${quoted(coding)}, wanted is "chunked"`)
  return isWebSocketUpgrade(request) && !(websocket && request.method === 'GET')
    ? new Failure('request_invalid', 'a WebSocket where none is taken (websocket of the route)')
    : undefined
}

/** Finds the token of the request. A failure for one in a cookie that a page of another site may have sent. */
function findOwnToken(
  { identification, originGuard }: AdmissionPolicy,
  request: RecordedRequest & { url: string },
): FoundToken | Failure | undefined {
  const found = identification.findToken(request)
  if (found === undefined || found instanceof Failure) return found
  request.trace?.passed('token', `found in ${found.location.name}`)
  if (found.location.cookie !== undefined && !originGuard(request)) return foreignPage(request)
  request.trace?.passed('origin')
  return found
}

type Found = FoundToken | Failure | undefined

function checkLimit(
  { parts: { failureLimit }, identification: { isCached } }: AdmissionPolicy,
  tokens: readonly FoundToken[],
  client: string,
): Failure | undefined {
  const isReached = failureLimit?.isReached(client) === true
  return isReached && !tokens.every(({ token }) => isCached(token)) ? failureLimit.refusal : undefined
}

function settle(policy: AdmissionPolicy, rivals: readonly FoundToken[], client: string): FoundToken | Failure {
  const limited = checkLimit(policy, rivals, client)
  if (limited !== undefined) return limited
  const settled = policy.identification.settle(rivals, policy.issuers)
  // Counted like an invalid token without rivals.
  if (settled instanceof Failure && settled.wait === undefined) policy.parts.failureLimit?.count(client)
  return settled
}

function identify(
  { parts, identification, auth, issuers, authorize }: AdmissionPolicy,
  found: Found,
  client: string,
  request: RecordedRequest,
): AuthResult | Failure {
  const { failureLimit, anonymous } = parts
  if (found === undefined)
    return auth.requiresToken ? new Failure('token_missing', 'no token was sent') : anonymous.caller
  if (found instanceof Failure) return found
  if (failureLimit?.isReached(client) === true && !identification.isCached(found.token)) return failureLimit.refusal
  const { record, trace } = request
  trace?.passed('limit')
  const caller = identification.authenticate(found.token, issuers, trace)
  if (caller instanceof Failure) return caller
  if (record !== undefined) record.caller = caller
  const refusal = authorize?.(caller)
  if (refusal === undefined) trace?.passed('requirements')
  return refusal ?? caller
}

function conclude(
  { parts, auth, tally }: AdmissionPolicy,
  outcome: AuthResult | Failure,
  location: TokenLocation | undefined,
  client: string,
): Admission | Failure {
  if (outcome instanceof Failure) {
    // Counted here, because a token that passes after a key fetch, or is not waited for, has not failed.
    const isOpen = !auth.enforces && outcome.wait !== undefined
    if (location !== undefined && !isOpen && failureRule(outcome.code).challenge === 'invalid_token')
      parts.failureLimit?.count(client)
    tally.countDecision(outcome.code, auth.enforces)
    return auth.enforces ? outcome : parts.anonymous
  }
  tally.countDecision(outcome.authenticated ? 'accepted' : 'anonymous', true)
  return outcome.authenticated ? { caller: outcome, location } : parts.anonymous
}

/** `isLast`: do not wait for a key fetch. */
function decide(
  policy: AdmissionPolicy,
  found: Found,
  client: string,
  request: RecordedRequest,
  isLast: boolean,
): Admission | Failure | Promise<Admission | Failure> {
  const one =
    found === undefined || found instanceof Failure || found.rivals === undefined
      ? found
      : settle(policy, found.rivals, client)
  const outcome = identify(policy, one, client, request)
  if (outcome instanceof Failure && outcome.wait !== undefined && !isLast)
    return outcome.wait.then(() => decide(policy, found, client, request, true))
  return conclude(policy, outcome, one instanceof Failure ? undefined : one?.location, client)
}

/**
 * Decides whether a request may pass. Returns the decision at once, or a promise while the gateway fetches keys that the token
 * may need; after the fetch it checks the token once more.
 */
export function admit(
  policy: AdmissionPolicy,
  request: AdmittableRequest,
): Admission | Failure | Promise<Admission | Failure> {
  const { parts, auth, tally } = policy
  const invalid = checkRequest(request, policy.websocket)
  if (invalid !== undefined) {
    tally.countDecision(invalid.code, true)
    return invalid
  }
  request.trace?.passed('request')
  if (!auth.readsToken) return UNAUTHENTICATED
  const client = parts.failureLimit === undefined ? '' : parts.clientOf(request)
  return decide(policy, findOwnToken(policy, request), client, request, !auth.enforces)
}
