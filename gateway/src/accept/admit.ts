// The one hook: may this request pass? Either it goes on with the result of that decision, or it is answered here.
import type { IncomingMessage } from 'node:http'

import { hasHiddenHeaders, repeatedHeader } from './listen/single-headers.ts'
import { isWebSocketUpgrade } from './routes/upgrades.ts'
import type { FailureLimit } from './failure-limit.ts'
import type { RecordedRequest, RequestRecord } from './request-record.ts'
import type { OriginGuard } from './origins/origin-guard.ts'
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { TrustedIssuer } from '../authenticate/issuers.ts'
import type { TokenLocation } from '../authenticate/locations/location.ts'
import type { ClientOf } from '../message/client-address.ts'
import { Failure, failureRule, type FailureCode } from '../failure.ts'
import type { AuthMode } from '../options/route/routes.ts'

/** Of a location of tokens: the name of its cookie. */
type OfCookie = Pick<TokenLocation, 'cookie'>

/** A token, and where it was found: the forward stage may have to take it away. */
export interface FoundToken<Location> {
  readonly token: string
  readonly location: Location
  /** Where several cookies hold a token: all of them. */
  readonly rivals: readonly FoundToken<Location>[] | undefined
}

/** What all routes ask. Compiled once. */
export interface AdmissionParts<Location> {
  readonly findToken: (request: IncomingMessage & { url: string }) => FoundToken<Location> | Failure | undefined
  /** Which of several cookies counts. */
  readonly settle: (
    rivals: readonly FoundToken<Location>[],
    issuers: readonly TrustedIssuer[],
  ) => FoundToken<Location> | Failure
  readonly authenticate: (token: string, issuers: readonly TrustedIssuer[]) => AuthResult | Failure
  /** Whether the token was verified before: such a one costs nothing, whoever sends it. */
  readonly isCached: (token: string) => boolean
  /** Undefined: no limit on failed tokens. */
  readonly failureLimit: FailureLimit | undefined
  readonly clientOf: ClientOf
  /** How a request without a token goes on, where that is allowed. */
  readonly anonymous: Admission<Location> & { readonly caller: AuthResult }
}

/** What one route asks. Compiled once: data alone, as requests come to many routes in turn, and each closure is one more place in memory. */
export interface AdmissionPolicy<Location> {
  readonly parts: AdmissionParts<Location>
  readonly auth: AuthMode
  readonly websocket: boolean
  readonly issuers: readonly TrustedIssuer[]
  readonly authorize: ((caller: AuthResult) => Failure | undefined) | undefined
  /** Asked about tokens from cookies: a browser sends those for any page. */
  readonly originGuard: OriginGuard
  readonly tally: DecisionTally
}

/** What decides whom a route lets pass. */
export type Demands = Pick<AdmissionPolicy<unknown>, 'auth' | 'issuers' | 'authorize'>

/** Whether some caller would be refused by these demands whom the others let pass. Equal requirements are compiled once. */
export function asksMore({ auth, issuers, authorize }: Demands, than: Demands): boolean {
  if (auth !== 'required') return false
  if (than.auth !== 'required' || than.issuers.some((issuer) => !issuers.includes(issuer))) return true
  return authorize !== undefined && authorize !== than.authorize
}

/** Counts decisions: `accepted`, `anonymous`, or why it was refused (or would have been). */
export interface DecisionTally {
  countDecision(decision: 'accepted' | 'anonymous' | FailureCode, enforced: boolean): void
}

/** A request that may pass. `caller` is undefined on routes that do not ask who calls. */
export interface Admission<Location> {
  readonly caller: AuthResult | undefined
  readonly location: Location | undefined
}

const FOREIGN_PAGE = new Failure(
  'origin_forbidden',
  'a page of another site, and the token is in a cookie (origins of the route)',
)

const UNAUTHENTICATED = Object.freeze({ caller: undefined, location: undefined })

/** `pathFault`: what the router found in its path that this route does not take. */
type AdmittableRequest = RecordedRequest & { url: string; readonly pathFault?: string | undefined }

/** What the request itself gets wrong, whoever sends it. */
function checkRequest(request: AdmittableRequest, websocket: boolean): Failure | undefined {
  if (request.pathFault !== undefined) return new Failure('path_unsafe', request.pathFault)
  if (hasHiddenHeaders(request.rawHeaders)) return new Failure('headers_too_large', 'a thousand headers or more')
  const repeated = repeatedHeader(request.rawHeaders)
  if (repeated !== undefined) {
    return repeated === 'authorization'
      ? new Failure('token_ambiguous', 'two headers authorization')
      : new Failure('request_invalid', `two headers ${repeated}`)
  }
  // Only one coding is understood, chunked; passing on another as if it were plain would send other bytes than came.
  const coding = request.headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return new Failure('request_invalid', 'a transfer-encoding other than chunked')
  return isWebSocketUpgrade(request) && !(websocket && request.method === 'GET')
    ? new Failure('request_invalid', 'a WebSocket where none is taken (websocket of the route)')
    : undefined
}

/** The token of the request, unless it came in a cookie that a page of another site had sent. */
function findOwnToken<Location extends OfCookie>(
  { parts, originGuard }: AdmissionPolicy<Location>,
  request: IncomingMessage & { url: string },
): FoundToken<Location> | Failure | undefined {
  const found = parts.findToken(request)
  if (found === undefined || found instanceof Failure || found.location.cookie === undefined) return found
  return originGuard(request) ? found : FOREIGN_PAGE
}

const TOO_MANY_FAILED = new Failure('rate_limited', 'too many tokens of this client failed (limits.authFailures)')

type Found<Location> = FoundToken<Location> | Failure | undefined

function isLimited<Location>(
  { failureLimit, isCached }: AdmissionParts<Location>,
  tokens: readonly FoundToken<Location>[],
  client: string,
): boolean {
  return failureLimit?.isReached(client) === true && !tokens.every(({ token }) => isCached(token))
}

function settle<Location>(
  { parts, issuers }: AdmissionPolicy<Location>,
  rivals: readonly FoundToken<Location>[],
  client: string,
): FoundToken<Location> | Failure {
  if (isLimited(parts, rivals, client)) return TOO_MANY_FAILED
  const settled = parts.settle(rivals, issuers)
  // As invalid tokens are counted that come alone.
  if (settled instanceof Failure && settled.wait === undefined) parts.failureLimit?.count(client)
  return settled
}

function identify<Location>(
  { parts, auth, issuers, authorize }: AdmissionPolicy<Location>,
  found: Found<Location>,
  client: string,
  record: RequestRecord | undefined,
): AuthResult | Failure {
  const { authenticate, failureLimit, isCached, anonymous } = parts
  if (found === undefined)
    return auth === 'optional' ? anonymous.caller : new Failure('token_missing', 'no token was sent')
  if (found instanceof Failure) return found
  if (failureLimit?.isReached(client) === true && !isCached(found.token)) return TOO_MANY_FAILED
  const caller = authenticate(found.token, issuers)
  if (caller instanceof Failure) return caller
  if (record !== undefined) record.caller = caller
  return authorize?.(caller) ?? caller
}

function conclude<Location>(
  { parts, auth, tally }: AdmissionPolicy<Location>,
  outcome: AuthResult | Failure,
  location: Location | undefined,
  client: string,
): Admission<Location> | Failure {
  if (outcome instanceof Failure) {
    // Here and not where the token was looked at: one that passes after a fetch of keys did not fail, nor has one that is not waited for.
    const isOpen = auth === 'report-only' && outcome.wait !== undefined
    if (location !== undefined && !isOpen && failureRule(outcome.code).challenge === 'invalid_token')
      parts.failureLimit?.count(client)
    tally.countDecision(outcome.code, auth !== 'report-only')
    return auth === 'report-only' ? parts.anonymous : outcome
  }
  tally.countDecision(outcome.authenticated ? 'accepted' : 'anonymous', true)
  return outcome.authenticated ? { caller: outcome, location } : parts.anonymous
}

/** `isLast`: what may yet come is not waited for. */
function decide<Location>(
  policy: AdmissionPolicy<Location>,
  found: Found<Location>,
  client: string,
  record: RequestRecord | undefined,
  isLast: boolean,
): Admission<Location> | Failure | Promise<Admission<Location> | Failure> {
  const one =
    found === undefined || found instanceof Failure || found.rivals === undefined
      ? found
      : settle(policy, found.rivals, client)
  const outcome = identify(policy, one, client, record)
  if (outcome instanceof Failure && outcome.wait !== undefined && !isLast)
    return outcome.wait.then(() => decide(policy, found, client, record, true))
  return conclude(policy, outcome, one instanceof Failure ? undefined : one?.location, client)
}

/**
 * Decides about a request of a route. The answer comes at once, unless keys are being fetched that the token may need:
 * then it is a promise, and the question is asked once more when they are here.
 */
export function admit<Location extends OfCookie>(
  policy: AdmissionPolicy<Location>,
  request: AdmittableRequest,
): Admission<Location> | Failure | Promise<Admission<Location> | Failure> {
  const { parts, auth, tally } = policy
  const invalid = checkRequest(request, policy.websocket)
  if (invalid !== undefined) {
    tally.countDecision(invalid.code, true)
    return invalid
  }
  if (auth === 'none') return UNAUTHENTICATED
  const client = parts.failureLimit === undefined ? '' : parts.clientOf(request)
  return decide(policy, findOwnToken(policy, request), client, request.record, auth === 'report-only')
}
