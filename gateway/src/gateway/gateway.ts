// The stages wired together: what a config becomes, in the order in which a request meets it.
import type { FastifyInstance } from 'fastify'

import { createFailureLimit } from '../accept/failure-limit.ts'
import { compileCors } from '../accept/origins/cors.ts'
import { createCorsPlaces } from '../accept/origins/cors-places.ts'
import { createRouter } from '../accept/routes/router.ts'
import { admittedUpgradeOf, registerRoutes, type CompiledRoute } from './routes.ts'
import { createAnswer } from '../accept/answer.ts'
import { closeApp, createApp } from './app.ts'
import type { Authenticator } from '../authenticate/authenticate.ts'
import { createAuthentication, type Authentication } from '../authenticate/authentication.ts'
import type { TrustedIssuer } from '../authenticate/issuers.ts'
import type { KeySourceParts } from '../authenticate/keys/key-source.ts'
import type { TokenLocation } from '../authenticate/locations/location.ts'
import { boundTokenCache } from './bound-token-cache.ts'
import { createClientOf } from '../message/client-address.ts'
import { systemClock, systemSchedule } from '../clock.ts'
import { createRouteCompiler } from './compile-route.ts'
import type { Config } from '../options/config.ts'
import { createAuthResultEncoder } from '../forward/headers/auth-result-header.ts'
import { createTransport } from '../forward/transport/create-transport.ts'
import { createHeaderFilter } from '../forward/headers/headers.ts'
import { createStreamWatch } from '../forward/streams/stream-watch.ts'
import type { UpstreamConfig } from '../options/upstreams.ts'
import { createUpstream, type Upstream } from '../forward/upstream/upstream.ts'
import { createWebSocketMount } from '../forward/websocket/websocket.ts'
import { heapLimitBytes } from './heap-limit.ts'
import { createFindings } from '../observe/readiness/findings.ts'
import { watchReadiness, type Readiness } from '../observe/readiness/readiness.ts'
import { createKeyEvents, keyStatus } from '../observe/events/key-events.ts'
import type { Log } from '../observe/log.ts'
import { createObserver } from '../observe/observe.ts'
import { createMetrics, type Metrics } from '../observe/metrics/metrics.ts'
import { meetingPlaceOf } from './redis-meeting-place.ts'
import { createRenewalEvents } from '../observe/events/renewal-events.ts'
import { createRevocationEvents, leastTolerance } from '../observe/events/revocation-events.ts'
import { createUpstreamEvents } from '../observe/events/upstream-events.ts'
import { createPublishedRoute } from './published-route.ts'
import type { AskIssuer } from '../renew/endpoint.ts'
import { createRenewals } from '../renew/renewals.ts'
import { RENEWED_TOKEN_HEADER } from '../renew/delivery.ts'
import type { BlockList } from '../revoke/block-list.ts'
import { renewalFactsOf, type RenewalFacts } from '../revoke/entries-for.ts'
import { createRevocation, type Revocation, type RevocationParts } from '../revoke/revocation.ts'
import { createFileWatch } from './watch-files.ts'
import { createTrust } from '../message/trusted-proxies.ts'

/** What comes from outside the config; tests put their own clock in. */
export interface ServerParts extends Partial<Pick<KeySourceParts, 'clock' | 'schedule' | 'random'>> {
  readonly log: Log
  readonly version: string
  readonly fetchJson: KeySourceParts['fetchJson']
  /** How much may last in the heap, the token cache included. Default what this process may keep. */
  readonly heapBytes?: number
  /** Left out: issuers are not asked for successors. */
  readonly askIssuer?: AskIssuer
  /** See RevocationParts. */
  readonly storeOf?: RevocationParts['storeOf']
  /** See AppParts. */
  readonly injectedTarget?: string
  /** Stands between the router and a compiled route: `explain` looks on without forwarding. */
  readonly wrapRoute?: (
    route: CompiledRoute<TokenLocation>,
    config: Config['routes'][number],
  ) => CompiledRoute<TokenLocation>
}

export interface Gateway {
  readonly app: FastifyInstance
  readonly metrics: Metrics
  /** Whether requests had better go elsewhere; and what does not work though they are served. */
  readonly readiness: () => Readiness
  readonly authenticator: Authenticator
  readonly issuers: readonly TrustedIssuer[]
  readonly issuerTimeSec: Authenticator['issuerTimeSec']
  readonly blockList: BlockList
  readonly revocation: Revocation
  /** How an issuer, by its name, renews tokens; undefined where it does not. */
  readonly renewalOf: (issuerName: string) => RenewalFacts | undefined
  /** Fetches the keys of all issuers; settles when each fetch ended, well or not. */
  loadKeys(): Promise<void>
  /** From now on each answer ends its connection, so that clients go elsewhere; all is served as before. */
  retire(): void
  /** Serves what is under way, then lets go of upstreams and timers. */
  close(): Promise<void>
}

/** Throws CannotStart when keys that are here already cannot be used. Nothing listens and nothing is fetched yet. */
export function buildServer(config: Config, parts: ServerParts): Gateway {
  const { log, version, clock = systemClock, schedule = systemSchedule, random = Math.random, fetchJson } = parts
  const { wrapRoute = (route) => route } = parts
  const encoder = createAuthResultEncoder(config.authResult)
  const revocation = createRevocation({
    options: config.revocation,
    clock,
    schedule,
    events: createRevocationEvents(log, leastTolerance(config.issuers)),
    ...(parts.storeOf === undefined ? {} : { storeOf: parts.storeOf }),
  })
  const blockList = revocation.list
  const renewalOf = renewalFactsOf(config.issuers)
  const inFlight = { limit: config.limits.inFlight, count: 0 }
  const metrics: Metrics = createMetrics(
    {
      version,
      tokens: () => authentication.authenticator,
      inFlight,
      revocation,
      waiting: () => connections.readAhead.waiting,
      keys: () => keyStatus(authentication.issuers, clock),
      upstreams: () => [...upstreams.values()],
    },
    config.admin.metrics,
  )
  const meetingPlace = meetingPlaceOf(config, { clock, schedule })
  const renewals = createRenewals(config, {
    clock,
    meeting: meetingPlace === undefined ? undefined : { place: meetingPlace, schedule },
    blockList: revocation.kept,
    askIssuer: parts.askIssuer ?? (() => Promise.reject(new Error('issuers are not asked here'))),
    verify: (token, issuer) => authentication.verify(token, issuer),
    events: createRenewalEvents(log, metrics.count),
  })
  const isTrusted = createTrust(config.proxy.trustedProxies)
  const authentication: Authentication = createAuthentication(
    boundTokenCache(config, parts.heapBytes ?? heapLimitBytes(), log),
    {
      blockList,
      renewals: renewals.byIssuer,
      renewedCookies: renewals.cookies,
      encodeResult: encoder.encode,
      anonymousHeader: encoder.anonymous,
      refusal: config.revocation.onStoreDown === 'serve' ? undefined : () => revocation.refusal(),
      isTrusted,
      watchFiles: config.watch ? createFileWatch(schedule) : undefined,
      fetchJson,
      clock,
      schedule,
      random,
      events: createKeyEvents(log, metrics.count),
    },
  )
  const { authenticator, issuers } = authentication
  const upstreamParts = {
    clock,
    schedule,
    random,
    createTransport: (target: string, upstream: UpstreamConfig) =>
      createTransport(target, upstream, { clock, schedule, maxHeadBytes: config.limits.responseHeaderBytes }),
    events: createUpstreamEvents(log, metrics.count),
  }
  const upstreams = new Map<string, Upstream>(
    Object.entries(config.upstreams).map(([name, upstream]) => [name, createUpstream(name, upstream, upstreamParts)]),
  )
  const filter = createHeaderFilter({
    authResultHeader: config.authResult.header.toLowerCase(),
    reserved: ['x-tollgate', RENEWED_TOKEN_HEADER],
    tokenHeaders: authentication.tokenHeaders,
    underscores: config.proxy.underscores,
    via: config.proxy.via,
  })
  const answer = createAnswer(config.errors)
  const clientOf = createClientOf({ isTrusted, from: config.proxy.clientAddress })
  const observer = createObserver(config.log, { log, clientOf, metrics, clock })
  const watch = createStreamWatch(clock, schedule)
  blockList.onChange(({ entry, change }) => {
    if (change === 'added' && entry.reason !== 'renewed') watch.check()
  })
  const compileRoute = createRouteCompiler({
    revocation,
    renewalOf,
    schedule,
    config,
    authentication,
    upstreams,
    filter,
    clock,
    watch,
    onRenewed: renewals.onDelivered,
    successorOnStream: renewals.successorOnStream,
    isTrusted,
    clientOf,
    failureLimit:
      config.limits.authFailures === undefined ? undefined : createFailureLimit(config.limits.authFailures, clock),
    answer,
    metrics,
    log,
  })
  const router = createRouter<CompiledRoute<TokenLocation>>([
    ...renewals.published.map((keys) => createPublishedRoute(keys, answer, metrics.route(keys.path))),
    ...config.routes.map((route) => wrapRoute(compileRoute(route), route)),
  ])
  const cors = createCorsPlaces(router, config.cors === undefined ? undefined : compileCors(config.cors))
  const listener = createApp(config, {
    log,
    cors,
    observer,
    schedule,
    router,
    injectedTarget: parts.injectedTarget,
  })
  const { app, connections, onLost } = listener
  const mountWebSockets = createWebSocketMount(config.limits.messageBytes, admittedUpgradeOf)
  registerRoutes(app, router, { inFlight, answer, cors, observer, onLost, mountWebSockets })
  const readinessWatch = watchReadiness(
    createFindings({ config, issuers, upstreams, revocation, clock }),
    clock,
    schedule,
  )
  let closed: Promise<void> | undefined
  async function close(): Promise<void> {
    authentication.stop()
    readinessWatch.stop()
    await closeApp(listener)
    meetingPlace?.close()
    // What was revoked by the last requests is written first.
    await Promise.all([revocation.close(), ...[...upstreams.values()].map((upstream) => upstream.close())])
  }

  return {
    app,
    metrics,
    authenticator,
    issuers,
    issuerTimeSec: authenticator.issuerTimeSec,
    blockList,
    revocation,
    renewalOf,
    readiness: () => readinessWatch.readiness(),
    async loadKeys() {
      readinessWatch.start()
      for (const upstream of upstreams.values()) upstream.start()
      await authentication.loadKeys()
    },
    retire() {
      connections.retire()
    },
    close: () => (closed ??= close()),
  }
}
