// A gateway of the real stages for one request, which notes what they decide, forwards nothing and serves nobody.
import { pino } from 'pino'

import type { ExplainedRequest } from './explained-request.ts'
import type { RenewedToken } from '../../authenticate/auth-result.ts'
import type { KeySourceParts } from '../../authenticate/keys/key-source.ts'
import { systemClock } from '../../clock.ts'
import type { Failure } from '../../failure.ts'
import { buildServer } from '../../gateway/gateway.ts'
import type { Gateway } from '../../gateway/generation.ts'
import type { Steps } from '../../gateway/steps.ts'
import { DecisionTrace } from '../../message/decision-trace.ts'
import type { Config } from '../../options/config.ts'

/** What the stages decided. */
export interface Seen {
  readonly trace: DecisionTrace
  route: Config['routes'][number] | undefined
  refusal: Failure | undefined
  authResult: string | undefined
  successor: RenewedToken | undefined
  /** Whether it would be forwarded, or was answered as its route says. */
  reached: boolean
}

export interface LookingGateway extends Gateway {
  readonly seen: Seen
}

export interface LookingParts {
  readonly nowMs: number
  readonly fetchJson: KeySourceParts['fetchJson']
}

/** Between the router and the stages. */
function notingIn(seen: Seen): (steps: Steps) => Steps {
  return (steps) => ({
    admit(route, rawRequest) {
      seen.route = route.config
      rawRequest.trace = seen.trace
      return steps.admit(route, rawRequest)
    },
    refuse(route, failure, reply) {
      seen.refusal = failure
      steps.refuse(route, failure, reply)
    },
    conclude(route, rawRequest, reply, admission) {
      if (route.config === undefined) {
        // The gateway answers itself: with its published keys.
        steps.conclude(route, rawRequest, reply, admission)
        return
      }
      seen.reached = true
      seen.authResult = admission.caller?.headerValue
      seen.successor = admission.caller?.renewal?.successor
      reply.raw.end()
    },
    upgrade: undefined,
  })
}

/** Nothing is fetched yet. Throws CannotStart as a start would. */
export function buildLookingGateway(
  config: Config,
  request: ExplainedRequest,
  { nowMs, fetchJson }: LookingParts,
): LookingGateway {
  const seen: Seen = {
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
    fetchJson,
    wrapSteps: notingIn(seen),
  })
  return { ...gateway, seen }
}
