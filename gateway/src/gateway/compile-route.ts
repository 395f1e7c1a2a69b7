// One route of the config, compiled: what it asks of a request, and how it forwards.
import type { FailureLimit } from '../accept/failure-limit.ts'
import type { AdmissionParts, AdmissionPolicy } from '../accept/admit.ts'
import { compileCors } from '../accept/origins/cors.ts'
import { createOriginGuard, type OriginGuardParts } from '../accept/origins/origin-guard.ts'
import type { Answer } from '../accept/answer.ts'
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { Authentication, Identification } from '../authenticate/authentication.ts'
import type { TokenLocation } from '../authenticate/locations/location.ts'
import { compileRequirement, scopesToAskFor } from '../authorize/authorize.ts'
import type { ClientOf } from '../message/client-address.ts'
import type { Clock, Schedule } from '../clock.ts'
import type { Config } from '../options/config.ts'
import type { Renewals } from '../renew/renewals.ts'
import type { ForwardPolicy } from '../forward/forward.ts'
import { authoritiesOf } from '../forward/headers/location.ts'
import type { HeaderFilter } from '../forward/headers/headers.ts'
import { compileRewrite } from '../forward/headers/rewrite.ts'
import type { StreamWatch } from '../forward/streams/stream-watch.ts'
import type { Upstream } from '../forward/upstream/upstream.ts'
import { GatewayRoute, type RouteParts } from './route.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics/metrics.ts'
import type { RouteTally } from '../observe/metrics/route-tally.ts'
import { createLogOut, type LogOutParts } from '../revoke/log-out.ts'
import type { Revocation } from '../revoke/revocation.ts'
import { createStreamCheck } from '../revoke/stream-check.ts'

type RouteConfig = Config['routes'][number]
type OriginRules = Omit<OriginGuardParts, 'isTrusted'>

export interface RouteCompilerParts {
  readonly config: Config
  readonly authentication: Authentication
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly filter: HeaderFilter
  readonly clock: Clock
  readonly revocation: Revocation
  readonly renewalOf: LogOutParts['renewalOf']
  readonly schedule: Schedule
  readonly onRenewed: (caller: AuthResult) => void
  readonly successorOnStream: Renewals['successorOnStream']
  readonly watch: StreamWatch
  /** Whether a peer is a proxy whose word about the client counts. */
  readonly isTrusted: (address: string) => boolean
  readonly clientOf: ClientOf
  readonly failureLimit: FailureLimit | undefined
  readonly answer: Answer
  readonly metrics: Metrics
  readonly log: Log
}

export function createRouteCompiler(parts: RouteCompilerParts): (route: RouteConfig) => GatewayRoute {
  const { config, authentication, upstreams, revocation, answer, metrics, log } = parts
  const { clearCookies } = authentication
  const anonymous = Object.freeze({ caller: authentication.anonymous, location: undefined })
  const partsOf = compileOnce(
    (identification: Identification): AdmissionParts<TokenLocation> => ({
      ...identification,
      failureLimit: parts.failureLimit,
      clientOf: parts.clientOf,
      anonymous,
    }),
    (identification) => identification,
  )
  const routeParts: RouteParts = {
    log,
    answer,
    strip: authentication.strip,
    stripSuperseded: authentication.stripSuperseded,
    locations: authentication.locations,
    logOut: createLogOut({
      ...parts,
      clearCookies,
      callerOf: (token) => authentication.callerOf(token),
      onLogOut: ({ issuer }, requestId) => {
        log.info({ requestId, issuer }, 'token revoked by its user')
      },
    }),
  }
  const vary = authentication.tokenHeaders.join(', ')
  const { successorOnStream, onRenewed } = parts
  const streams = successorOnStream === undefined ? undefined : { successorOnStream, onRenewed }
  const streamChecks = {
    close: createStreamCheck(revocation.list, 'close'),
    keep: createStreamCheck(revocation.list, 'keep'),
  }
  // Of many routes, most ask for the same: then it is also the same place in memory.
  const requirementOf = compileOnce(compileRequirement)
  const corsOf = compileOnce(compileCors)
  const originGuardOf = compileOnce((rules: OriginRules) => createOriginGuard({ ...rules, isTrusted: parts.isTrusted }))

  function admissionOf(route: RouteConfig, tally: RouteTally): AdmissionPolicy<TokenLocation> {
    const { auth, issuers, identification } = authentication.policyOf(route)
    return {
      parts: partsOf(identification),
      auth,
      websocket: route.websocket,
      issuers,
      authorize: route.require === undefined ? undefined : requirementOf(route.require),
      originGuard: originGuardOf(originRulesOf(route)),
      tally,
    }
  }

  function originRulesOf(route: RouteConfig): OriginRules {
    const cors = route.cors ?? config.cors
    return { origins: route.origins, credentialed: cors?.credentials === true ? cors.origins : [] }
  }

  function forwardingOf(route: RouteConfig): ForwardPolicy {
    const upstream = config.upstreams[route.upstream ?? '']
    const transport = upstreams.get(route.upstream ?? '')
    if (upstream === undefined || transport === undefined) throw new Error(`route ${route.path} names no upstream`)
    return {
      upstream: route.upstream ?? '',
      transport,
      filter: parts.filter,
      rewrite: compileRewrite(route.path, route.rewrite),
      authorities: authoritiesOf(upstream.targets),
      connectTimeoutMs: route.timeouts?.connect ?? upstream.timeouts.connect,
      headersTimeoutMs: route.timeouts?.headers ?? upstream.timeouts.headers,
      idleTimeoutMs: route.timeouts?.idle ?? upstream.timeouts.idle,
      eventStreamIdleTimeoutMs: route.timeouts?.idle ?? 0,
      totalTimeoutMs: route.timeouts?.total ?? upstream.timeouts.total,
      bodyLimits: {
        maxBytes: route.bodyBytes ?? config.limits.bodyBytes,
        timeoutMs: route.timeouts?.body ?? config.limits.requestTimeout,
        minBytesPerSec: route.bodyRate ?? config.limits.bodyRate,
        watch: parts.watch,
      },
      preserveHost: upstream.preserveHost,
      isTrusted: parts.isTrusted,
      isStillGood: streamChecks[route.onExpiry],
      watch: parts.watch,
      clock: parts.clock,
      vary,
      onRenewed: parts.onRenewed,
      clearCookies,
      streams,
      answer,
      onFailure: (requestId, code, cause) => {
        log.warn({ requestId, route: route.path, upstream: route.upstream, code, cause }, 'not forwarded to its end')
      },
    }
  }

  return function compileRoute(route) {
    const tally = metrics.route(route.path)
    const cors = route.cors ?? config.cors
    const forwarding = route.action === 'revoke' ? undefined : forwardingOf(route)
    return new GatewayRoute(
      {
        path: route.path,
        methods: route.methods,
        hosts: route.hosts,
        encodedSlashes: route.encodedSlashes === 'allow',
        emptySegments: route.emptySegments === 'allow',
        cors: cors === undefined ? undefined : corsOf(cors),
        tally,
        admission: admissionOf(route, tally),
        logOut: route,
        scopes: route.require === undefined ? [] : scopesToAskFor(route.require),
        forwarding,
        webSocket:
          forwarding === undefined || !route.websocket
            ? undefined
            : {
                ...forwarding,
                closeCode: route.closeCode,
              },
      },
      routeParts,
    )
  }
}

/** Sources that say the same are compiled once. The schema lets in nothing that JSON cannot tell apart (no NaN, no null). */
function compileOnce<Source, Compiled>(
  compile: (source: Source) => Compiled,
  keyOf: (source: Source) => unknown = JSON.stringify,
): (source: Source) => Compiled {
  const compiled = new Map<unknown, Compiled>()
  return (source) => {
    const key = keyOf(source)
    const known = compiled.get(key)
    if (known !== undefined) return known
    const made = compile(source)
    compiled.set(key, made)
    return made
  }
}
