// Sends a request through the real stages, without an upstream, and reports what they decided and why.
import { pino } from 'pino'

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
import { CHECKS, Failure, failureRule, isFailureCode, type CheckName } from '../../failure.ts'
import { buildServer } from '../../gateway/gateway.ts'
import type { Gateway } from '../../gateway/generation.ts'

export interface CheckReport {
  readonly check: CheckName
  readonly outcome: 'passed' | 'failed' | 'not reached'
  /** In plain words; no claim value, no token. '' where there is nothing to say. */
  readonly text: string
}

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
  /** Undefined: nothing is fetched, and issuers with remote keys have none. */
  readonly fetchJson: KeySourceParts['fetchJson'] | undefined
}

const OFFLINE = 'the keys are at a URL, and nothing is fetched without --online'

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
    await gateway.loadKeys()
    // What could be fetched is here, and no timer runs that could bring more: nothing is waited for.
    for (const { keys } of gateway.issuers) keys.stop()
    const response = await gateway.app.inject({
      method: request.method as 'GET',
      url: '/',
      headers: request.headers,
    })
    const { 'x-tollgate': code, 'www-authenticate': challenge } = response.headers as Record<string, string | undefined>
    const ownAnswer: OwnAnswer = { status: response.statusCode, code, challenge }
    const { token, location } = lookAtToken(config, request)
    const refusal = capture.refusal ?? (capture.reached ? undefined : routingFailure(code))
    const isLogOut = capture.reached && capture.route?.action !== undefined
    const shown =
      refusal?.code === 'keys_unavailable' && fetchJson === undefined ? new Failure(refusal.code, OFFLINE) : refusal
    const asked = capture.route !== undefined && AUTH_MODES[capture.route.auth].readsToken
    const issuer = asked && token !== undefined ? issuerOf(token, gateway, capture.route) : undefined
    return {
      passes: capture.reached || (refusal === undefined && response.statusCode < 400),
      route: capture.route,
      foundIn: asked ? location?.name : undefined,
      token:
        asked && token !== undefined ? { header: headerAsSent(token), claims: token.signedClaims().claims } : undefined,
      checks:
        asked && (token !== undefined || shown !== undefined) ? reportsOf(capture.trace, shown) : onlyFailed(shown),
      renewal:
        token === undefined || issuer === undefined || isLogOut
          ? undefined
          : renewalReport({
              options: config.issuers.find(({ name }) => name === issuer.name)?.renewal,
              claims: token.signedClaims().claims,
              nowSec: nowMs / 1000,
              refusal: capture.reached ? undefined : shown,
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

const NOT_ASKED = 'not asked: the block list is in the gateway that runs, see GET /api/revocations'

/** The checks of the trace, then the one that failed, then those that were not reached. */
function reportsOf({ checks }: DecisionTrace, refusal: Failure | undefined): readonly CheckReport[] {
  const failed = refusal === undefined ? undefined : failureRule(refusal.code).check
  return CHECKS.filter((check) => check !== 'upstream').map((check): CheckReport => {
    if (check === failed) return { check, outcome: 'failed', text: refusal?.detail ?? '' }
    const passed = checks.find((traced) => traced.check === check && traced.outcome === 'passed')
    if (passed === undefined) return { check, outcome: 'not reached', text: '' }
    return { check, outcome: 'passed', text: check === 'revocation' ? NOT_ASKED : passed.text }
  })
}

function onlyFailed(refusal: Failure | undefined): readonly CheckReport[] {
  return refusal === undefined
    ? []
    : [{ check: failureRule(refusal.code).check, outcome: 'failed', text: refusal.detail }]
}

function describeHeader(name: string, value: string): NonNullable<Explanation['upstreamHeader']> {
  return { name, value, decoded: readExactJson(Buffer.from(value, 'base64url').toString('utf8')) }
}
