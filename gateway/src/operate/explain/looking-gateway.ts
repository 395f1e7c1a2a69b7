// Builds a gateway of the real stages for one explanation: it records their decisions, forwards nothing and serves nobody.
import { pino } from 'pino'

import type { ExplainedRequest } from './explained-request.ts'
import type { RenewedToken } from '../../authenticate/auth-result.ts'
import type { KeySourceParts } from '../../authenticate/keys/key-source.ts'
import { systemClock } from '../../clock.ts'
import type { Failure } from '../../failure.ts'
import { sayClaims, type ClaimHeaderSet, type ClaimValues } from '../../forward/headers/claim-headers.ts'
import { buildServer } from '../../gateway/gateway.ts'
import type { Gateway } from '../../gateway/running.ts'
import type { Lent } from '../../gateway/lent.ts'
import type { Steps } from '../../gateway/steps.ts'
import { DecisionTrace } from '../../message/decision-trace.ts'
import type { Config } from '../../options/config.ts'

/** The recorded decisions of the stages. */
export interface Seen {
  readonly trace: DecisionTrace
  route: Config['routes'][number] | undefined
  refusal: Failure | undefined
  authResult: string | undefined
  /** Headers with single claims, as alternating names and values. */
  claimHeaders: readonly string[]
  successor: RenewedToken | undefined
  /** True when the request would be forwarded, or answered by the action of its route. */
  reached: boolean
}

export interface LookingGateway extends Gateway {
  readonly seen: Seen
}

export interface LookingParts {
  readonly nowMs: number
  readonly fetchJson: KeySourceParts['fetchJson']
  /** The state of the running gateway in this process; undefined for a gateway that starts now. */
  readonly lent: Lent | undefined
}

/** Wraps the steps of the gateway to record the decisions of the stages. `isTls` treats the request as one over TLS. */
function notingIn(seen: Seen, isTls: boolean): (steps: Steps) => Steps {
  return (steps) => ({
    admit(route, rawRequest) {
      if (isTls) Object.assign(rawRequest.socket, { encrypted: true })
      seen.route = route.config
      rawRequest.trace = seen.trace
      return steps.admit(route, rawRequest)
    },
    refuse(route, failure, exchange) {
      seen.refusal = failure
      steps.refuse(route, failure, exchange)
    },
    conclude(route, exchange, admission) {
      if (route.config === undefined) {
        // The gateway answers this route itself, with its published keys.
        steps.conclude(route, exchange, admission)
        return
      }
      seen.reached = true
      seen.authResult = admission.caller?.headerValue
      seen.claimHeaders = claimHeadersFor(route.forwarding?.claimHeaders, admission.caller?.claimValues)
      seen.successor = admission.caller?.renewal?.successor
      exchange.response.end()
    },
    upgrade: undefined,
  })
}

function claimHeadersFor(set: ClaimHeaderSet | undefined, values: ClaimValues | undefined): readonly string[] {
  const headers: string[] = []
  if (set !== undefined && values !== undefined) sayClaims(headers, set, values)
  return headers
}

/** Replaces the store by memory: the block list belongs to the running process, which may have locked its store. */
function withoutStore({ revocation }: Config, onStoreDown: Config['revocation']['onStoreDown']) {
  return { revocation: { ...revocation, store: 'memory', onStoreDown } } as const
}

function withoutTls<Options extends { readonly tls?: unknown }>({ tls: _tls, ...rest }: Options): Omit<Options, 'tls'> {
  return rest
}

/** The config beside a running gateway: reads no files, which may have changed since, and reserves no cache memory. */
function beside(config: Config): Config {
  const { tokens, listen, upstreams, revocation } = config
  const cache = { ...tokens.cache, maxTokens: 1 }
  return {
    ...config,
    ...withoutStore(config, revocation.onStoreDown),
    watch: false,
    tokens: { ...tokens, cache },
    listen: listen.map(withoutTls),
    upstreams: Object.fromEntries(Object.entries(upstreams).map(([name, upstream]) => [name, withoutTls(upstream)])),
  }
}

/** Keeps the count of failed tokens only when the request names its client: the count is kept by client address. */
function withoutOthers(lent: Lent | undefined, { client }: ExplainedRequest): Lent | undefined {
  const failureLimit = lent?.parts.failureLimit
  if (lent === undefined || failureLimit === undefined || client !== undefined) return lent
  return { ...lent, parts: { ...lent.parts, failureLimit: { ...failureLimit, isReached: () => false } } }
}

/** Builds the gateway without fetching keys. Throws CannotStart as a start would. */
export function buildLookingGateway(
  config: Config,
  request: ExplainedRequest,
  { nowMs, fetchJson, lent }: LookingParts,
): LookingGateway {
  const seen: Seen = {
    trace: new DecisionTrace(),
    route: undefined,
    refusal: undefined,
    authResult: undefined,
    claimHeaders: [],
    successor: undefined,
    reached: false,
  }
  const clock = lent?.clock ?? systemClock
  const looking = lent === undefined ? { ...config, ...withoutStore(config, 'serve') } : beside(config)
  const gateway = buildServer(looking, {
    log: pino({ level: 'silent' }),
    version: '',
    clock: { now: () => nowMs, monotonic: () => clock.monotonic() },
    schedule: () => () => undefined,
    injectedTarget: request.target,
    fetchJson,
    wrapSteps: notingIn(seen, config.listen[0]?.tls !== undefined),
    lent: withoutOthers(lent, request),
  })
  return { ...gateway, seen }
}
