// Creates the forward stage: compiles upstreams and routes to the functions that forward admitted requests.
import type { FastifyRequest } from 'fastify'

import type { Answer } from '../accept/answer.ts'
import type { Authentication } from '../authenticate/authentication.ts'
import type { Clock, Schedule } from '../clock.ts'
import type { FailureCode } from '../failure.ts'
import type { ClientOf } from '../message/client-address.ts'
import type { PeerTrust } from '../message/trusted-proxies.ts'
import type { Config } from '../options/config.ts'
import type { UpstreamConfig } from '../options/upstreams.ts'
import type { Revocation } from '../revoke/revocation.ts'
import type { ForwardPolicy } from './forward.ts'
import type { Assertions } from './headers/assertion.ts'
import { claimHeaderNames, compileClaimHeaderSets } from './headers/claim-headers.ts'
import { placesOf } from './headers/claim-fields.ts'
import { changedInRequests, createEditsOf } from './headers/edits/header-edits.ts'
import { createHeaderFilter, type HeaderFilter } from './headers/headers.ts'
import { authoritiesOf } from './headers/location.ts'
import { compileRewrite } from './headers/rewrite.ts'
import type { BodyLimits } from './streams/request-body.ts'
import type { StreamRenewalPolicy } from './streams/stream-renewal.ts'
import { createStreamWatch, type StreamWatch } from './streams/stream-watch.ts'
import { createTransport } from './transport/create-transport.ts'
import { createUpstream, type Upstream, type UpstreamEvents } from './upstream/upstream.ts'
import { readUpstreamTls, type UpstreamTls } from './upstream/upstream-tls.ts'
import { createWebSocketMount, type AdmittedUpgrade } from './websocket/websocket.ts'

type RouteConfig = Config['routes'][number]
type ForwardConfig = Pick<
  Config,
  'upstreams' | 'limits' | 'authResult' | 'claimHeaders' | 'assertion' | 'headers' | 'routes' | 'proxy'
>

export interface ForwardingEvents extends UpstreamEvents {
  /** The gateway answered a request that it could not forward. `cause` is for the log only. */
  onNotForwarded(requestId: string, route: string, upstream: string, code: FailureCode, cause: string): void
}

export interface ForwardingParts {
  readonly clock: Clock
  readonly schedule: Schedule
  readonly random: () => number
  readonly isTrusted: PeerTrust
  readonly clientOf: ClientOf
  readonly answer: Answer
  readonly authentication: Pick<Authentication, 'tokenHeaders' | 'clearCookies'>
  readonly revocation: Pick<Revocation, 'policyOf'>
  /** Of all generations of this process, see watchStreams. */
  readonly watch: StreamWatch
  /** Returns the upstream of another generation where these facts are the same, or what `create` makes; closes it in the end. */
  /** The assertions of another generation where the keys are the same; undefined for none. */
  readonly assertions: Assertions | undefined
  readonly takeUpstream: (name: string, facts: unknown, create: () => Upstream) => Upstream
  readonly renewals: {
    readonly onDelivered: ForwardPolicy['onRenewed']
    readonly successorOnStream: StreamRenewalPolicy['successorOnStream'] | undefined
  }
  /** Headers that only the gateway may set, in lower case. */
  readonly reserved: readonly string[]
  readonly events: ForwardingEvents
}

export type WebSocketMount = (
  upgradeOf: (request: FastifyRequest) => AdmittedUpgrade,
) => ReturnType<typeof createWebSocketMount>

export interface Forwarding {
  /** Returns the policy of a route; undefined when the gateway answers the route itself (`action`). */
  policyOf(route: RouteConfig): ForwardPolicy | undefined
  /** Upstreams by name. */
  readonly upstreams: ReadonlyMap<string, Upstream>
  /** The assertions of callers, where upstreams get them. */
  readonly assertions: Assertions | undefined
  /** Starts the active health checks that do not run yet. */
  start(): void
}

/** An upstream outlives the generation that made it, and holds nothing of that one. */
function makeUpstream(
  name: string,
  {
    upstream,
    ...rest
  }: { readonly upstream: UpstreamConfig; readonly maxHeadBytes: number; readonly tls?: UpstreamTls },
  { clock, schedule, random, events }: Pick<ForwardingParts, 'clock' | 'schedule' | 'random' | 'events'>,
): Upstream {
  return createUpstream(name, upstream, {
    ...{ clock, schedule, random, events },
    createTransport: (target, options) =>
      createTransport(target, options, { clock, schedule, tls: undefined, ...rest }),
  })
}

function createUpstreams(config: ForwardConfig, parts: ForwardingParts): ReadonlyMap<string, Upstream> {
  return new Map(
    Object.entries(config.upstreams).map(([name, upstream]) => {
      const tls = readUpstreamTls(name, upstream)
      const maxHeadBytes = config.limits.responseHeaderBytes
      const facts = { upstream, maxHeadBytes, ...(tls === undefined ? {} : { tls }) }
      return [name, parts.takeUpstream(name, facts, () => makeUpstream(name, facts, parts))]
    }),
  )
}

function createFilter(config: ForwardConfig, parts: ForwardingParts): HeaderFilter {
  const { authResult, assertion, proxy } = config
  return createHeaderFilter({
    authResultHeader: authResult.header.toLowerCase(),
    assertionHeader: assertion?.header.toLowerCase(),
    reserved: [...parts.reserved, ...claimHeaderNames(config)],
    changed: changedInRequests(config),
    tokenHeaders: parts.authentication.tokenHeaders,
    underscores: proxy.underscores,
    via: proxy.via,
  })
}

/** Which claims a route sends, and what it changes. */
function compileHeaders(config: ForwardConfig, { clientOf, isTrusted }: ForwardingParts) {
  const placeOf = placesOf(config)
  const claimHeadersOf = compileClaimHeaderSets(config, placeOf)
  const editsOf = createEditsOf(config, { clientOf, isTrusted, placeOf })
  return (route: RouteConfig) => ({ claimHeaders: claimHeadersOf(route), edits: editsOf(route) })
}

/** The limits of request bodies. */
function bodyLimitsOf(route: RouteConfig, { limits }: ForwardConfig, watch: StreamWatch): BodyLimits {
  return {
    maxBytes: route.bodyBytes ?? limits.bodyBytes,
    timeoutMs: route.timeouts?.body ?? limits.requestTimeout,
    minBytesPerSec: route.bodyRate ?? limits.bodyRate,
    watch,
  }
}

/** Creates the watch of a process. It looks at once when something was revoked; a renewed token ends no stream. */
export function watchStreams(
  list: Pick<Revocation['list'], 'onChange'>,
  clock: Clock,
  schedule: Schedule,
): StreamWatch {
  const watch = createStreamWatch(clock, schedule)
  list.onChange(({ entry, change }) => {
    if (change === 'added' && entry.reason !== 'renewed') watch.check()
  })
  return watch
}

/** Creates the function that mounts the WebSockets of all routes. They are of the process; the policy comes with each handshake. */
export function webSocketMountOf({ limits }: Pick<Config, 'limits'>): WebSocketMount {
  return (upgradeOf) => createWebSocketMount(limits.messageBytes, upgradeOf)
}

export function createForwarding(config: ForwardConfig, parts: ForwardingParts): Forwarding {
  const { clock, isTrusted, answer, authentication, renewals, events, watch } = parts
  const upstreams = createUpstreams(config, parts)
  const filter = createFilter(config, parts)
  const headersOf = compileHeaders(config, parts)
  const vary = authentication.tokenHeaders.join(', ')
  const { onDelivered: onRenewed, successorOnStream } = renewals
  const streams = successorOnStream === undefined ? undefined : { successorOnStream, onRenewed }

  /** Names each member in one literal, so that all policies share a hidden class (decision 0018). */
  function policyOf(route: RouteConfig): ForwardPolicy | undefined {
    if (route.action !== undefined) return undefined
    const name = route.upstream ?? ''
    const upstream = config.upstreams[name]
    const transport = upstreams.get(name)
    if (upstream === undefined || transport === undefined) throw new Error(`route ${route.path} names no upstream`)
    const { claimHeaders, edits } = headersOf(route)
    return {
      upstream: name,
      transport,
      filter,
      rewrite: compileRewrite(route.path, route.rewrite),
      authorities: authoritiesOf(upstream.targets),
      connectTimeoutMs: route.timeouts?.connect ?? upstream.timeouts.connect,
      headersTimeoutMs: route.timeouts?.headers ?? upstream.timeouts.headers,
      idleTimeoutMs: route.timeouts?.idle ?? upstream.timeouts.idle,
      eventStreamIdleTimeoutMs: route.timeouts?.idle ?? 0,
      totalTimeoutMs: route.timeouts?.total ?? upstream.timeouts.total,
      bodyLimits: bodyLimitsOf(route, config, watch),
      grpcBodyLimits: { ...bodyLimitsOf(route, config, watch), timeoutMs: 0 },
      preserveHost: upstream.preserveHost,
      claimHeaders,
      editRequest: edits.request,
      editResponse: edits.response,
      assert: parts.assertions?.forUpstream(name),
      isTrusted,
      isStillGood: parts.revocation.policyOf(route).isStillGood,
      closeCode: route.closeCode,
      watch,
      clock,
      vary,
      onRenewed,
      clearCookies: authentication.clearCookies,
      streams,
      answer,
      onFailure: (requestId, code, cause) => {
        events.onNotForwarded(requestId, route.path, name, code, cause)
      },
    }
  }

  return {
    policyOf,
    upstreams,
    assertions: parts.assertions,
    start() {
      for (const upstream of upstreams.values()) upstream.start()
    },
  }
}
