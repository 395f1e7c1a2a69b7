// Sends a request through the real stages, without an upstream, and reports what they decided and why.
import { pino } from 'pino'

import { assumeKeys, type AssumedKeys } from './assumed-keys.ts'
import { onlyFailed, reportsOf, type CheckReport, type Unknowns } from './explain-checks.ts'
import { renewalReport, type RenewalReport } from './explain-renewal.ts'
import { createTokenReader, headerAsSent, type UnverifiedToken } from '../../authenticate/token/token-shape.ts'
import type { Claims, RenewedToken } from '../../authenticate/auth-result.ts'
import { createTokenLocation } from '../../authenticate/locations/create-location.ts'
import { createTokenFinder } from '../../authenticate/locations/find-token.ts'
import type { TokenLocation } from '../../authenticate/locations/location.ts'
import type { KeySourceParts } from '../../authenticate/keys/key-source.ts'
import { systemClock } from '../../clock.ts'
import type { Config } from '../../options/config.ts'
import { AUTH_MODES } from '../../options/route/auth-modes.ts'
import { chooseIssuer } from '../../authenticate/keys/choose-keys.ts'
import type { TrustedIssuer } from '../../authenticate/issuers.ts'
import { readExactJson } from '../../message/json/exact-json.ts'
import { DecisionTrace } from '../../message/decision-trace.ts'
import { Failure, failureRule, isFailureCode, type CheckName } from '../../failure.ts'
import { buildServer } from '../../gateway/gateway.ts'
import type { Gateway } from '../../gateway/generation.ts'

export interface ExplainedRequest {
  readonly method: string
  /** Path with query. */
  readonly target: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
}

/** An answer of the gateway: a refusal, or what it answers itself (a preflight, published keys, a log-out). */
export interface OwnAnswer {
  readonly status: number
  /** As in x-tollgate; undefined of a log-out. */
  readonly code: string | undefined
  readonly challenge: string | undefined
}

export interface Explanation {
  /** `not known`: what only the gateway that runs, or the network, can tell decides. */
  readonly verdict: 'passes' | 'refused' | 'not known'
  readonly passes: boolean
  readonly route: Config['routes'][number] | undefined
  /** `header authorization`; undefined where no token was found. */
  readonly foundIn: string | undefined
  readonly token: { readonly header: Readonly<Record<string, unknown>>; readonly claims: Claims } | undefined
  readonly checks: readonly CheckReport[]
  /** Whether the answer would carry a successor of the token; undefined where its issuer's tokens are not renewed. */
  readonly renewal: RenewalReport | undefined
  /** What the upstream would get; undefined where the request would not come to it, or no header is sent. */
  readonly upstreamHeader: { readonly name: string; readonly value: string; readonly decoded: unknown } | undefined
  /** What the client would see; undefined where the answer is the upstream's. */
  readonly answer: OwnAnswer | undefined
}

export interface ExplainParts {
  readonly nowMs: number
  /** Undefined: nothing is fetched, and what that leaves open is not known. */
  readonly fetchJson: KeySourceParts['fetchJson'] | undefined
}

const OFFLINE = 'the keys are at a URL, and --offline fetches nothing'

interface Capture {
  readonly trace: DecisionTrace
  route: Config['routes'][number] | undefined
  refusal: Failure | undefined
  authResult: string | undefined
  successor: RenewedToken | undefined
  reached: boolean
}

/** The issuer that the route chose; undefined where it chose none. */
function issuerOf(token: UnverifiedToken, { issuers }: Gateway, route: Capture['route']): TrustedIssuer | undefined {
  const chosen = chooseIssuer(
    token,
    issuers.filter(({ name }) => route?.issuers?.includes(name) ?? true),
  )
  return chosen instanceof Failure ? undefined : chosen
}

function lookAtToken(
  config: Config,
  request: ExplainedRequest,
): { readonly token: UnverifiedToken | undefined; readonly location: TokenLocation | undefined } {
  const found = createTokenFinder(config.tokens.from.map(createTokenLocation))({
    headers: request.headers,
    url: request.target,
  })
  if (found === undefined || found instanceof Failure) return { token: undefined, location: undefined }
  const token = createTokenReader(config.limits.tokenBytes)(found.token)
  return { token: token instanceof Failure ? undefined : token, location: found.location }
}

/** Nothing is sent to an upstream, nothing is remembered. Throws CannotStart as a start would. */
export async function explain(
  config: Config,
  request: ExplainedRequest,
  { nowMs, fetchJson }: ExplainParts,
): Promise<Explanation> {
  const capture: Capture = {
    trace: new DecisionTrace(),
    route: undefined,
    refusal: undefined,
    authResult: undefined,
    successor: undefined,
    reached: false,
  }
  // The real list is in the process that runs, and its store may be locked by it.
  const alone: Config = { ...config, revocation: { ...config.revocation, store: 'memory', onStoreDown: 'serve' } }
  const gateway = buildServer(alone, {
    log: pino({ level: 'silent' }),
    version: '',
    clock: { now: () => nowMs, monotonic: () => systemClock.monotonic() },
    schedule: () => () => undefined,
    injectedTarget: request.target,
    fetchJson: fetchJson ?? (() => Promise.reject(new Error(OFFLINE))),
    wrapSteps: (steps) => ({
      admit(route, rawRequest) {
        capture.route = route.config
        rawRequest.trace = capture.trace
        return steps.admit(route, rawRequest)
      },
      refuse(route, failure, reply) {
        capture.refusal = failure
        steps.refuse(route, failure, reply)
      },
      conclude(route, rawRequest, reply, admission) {
        if (route.config === undefined) {
          // The gateway answers itself: with its published keys.
          steps.conclude(route, rawRequest, reply, admission)
          return
        }
        capture.reached = true
        capture.authResult = admission.caller?.headerValue
        capture.successor = admission.caller?.renewal?.successor
        reply.raw.end()
      },
      upgrade: undefined,
    }),
  })
  try {
    // Without a token no key is asked for: nobody waits for an issuer that is down.
    const { token, location } = lookAtToken(config, request)
    if (fetchJson !== undefined && token !== undefined) await gateway.loadKeys()
    const assumed = fetchJson === undefined ? assumeKeys(gateway.issuers) : undefined
    // What could be fetched is here, and no timer runs that could bring more: nothing is waited for.
    for (const { keys } of gateway.issuers) keys.stop()
    const response = await gateway.app.inject({
      method: request.method as 'GET',
      url: '/',
      headers: request.headers,
    })
    const { 'x-tollgate': code, 'www-authenticate': challenge } = response.headers as Record<string, string | undefined>
    const ownAnswer: OwnAnswer = { status: response.statusCode, code, challenge }
    const refusal = capture.refusal ?? (capture.reached ? undefined : routingFailure(code))
    const isLogOut = capture.reached && capture.route?.action !== undefined
    const { readsToken: asked, enforces } = AUTH_MODES[capture.route?.auth ?? 'none']
    const issuer = asked && token !== undefined ? issuerOf(token, gateway, capture.route) : undefined
    const checks =
      asked && (token !== undefined || refusal !== undefined)
        ? reportsOf(capture.trace, refusal, unknownsOf(config, assumed))
        : onlyFailed(refusal)
    const verdict =
      capture.reached || (refusal === undefined && response.statusCode < 400)
        ? verdictOfPassing(checks, fetchJson !== undefined || !enforces)
        : 'refused'
    return {
      verdict,
      passes: verdict === 'passes',
      route: capture.route,
      foundIn: asked ? location?.name : undefined,
      token:
        asked && token !== undefined ? { header: headerAsSent(token), claims: token.signedClaims().claims } : undefined,
      checks,
      renewal:
        token === undefined || issuer === undefined || isLogOut
          ? undefined
          : renewalReport({
              options: config.issuers.find(({ name }) => name === issuer.name)?.renewal,
              claims: token.signedClaims().claims,
              nowSec: nowMs / 1000,
              refusal: capture.reached ? undefined : refusal,
              successor: capture.successor,
              location,
            }),
      upstreamHeader:
        capture.authResult === undefined || isLogOut
          ? undefined
          : describeHeader(config.authResult.header, capture.authResult),
      answer: isLogOut ? LOGGED_OUT : capture.reached ? undefined : ownAnswer,
    }
  } finally {
    await gateway.close()
  }
}

const LOGGED_OUT: OwnAnswer = { status: 204, code: undefined, challenge: undefined }

/** What the router refuses itself: the public title says all there is to say. Undefined where it answers and refuses nothing. */
function routingFailure(code: string | undefined): Failure | undefined {
  return code !== undefined && isFailureCode(code) ? new Failure(code, failureRule(code).title) : undefined
}

const IN_GATEWAY = 'it is in the gateway that runs'

/** What cannot be told without the network, and without the gateway that runs. */
function unknownsOf({ limits }: Config, assumed: AssumedKeys | undefined): Unknowns {
  const unknowns = new Map<CheckName, string>([['revocation', `the block list: ${IN_GATEWAY} (GET /api/revocations)`]])
  if (limits.authFailures !== undefined) unknowns.set('limit', `the count of failed tokens: ${IN_GATEWAY}`)
  if (assumed?.wereUsed === true) unknowns.set('key', OFFLINE).set('signature', OFFLINE)
  return unknowns
}

/** `asStarted`: as a gateway decides that starts now, with an empty block list. */
function verdictOfPassing(checks: readonly CheckReport[], asStarted: boolean): Explanation['verdict'] {
  return !asStarted && checks.some(({ outcome }) => outcome === 'not known') ? 'not known' : 'passes'
}

function describeHeader(name: string, value: string): NonNullable<Explanation['upstreamHeader']> {
  return { name, value, decoded: readExactJson(Buffer.from(value, 'base64url').toString('utf8')) }
}
