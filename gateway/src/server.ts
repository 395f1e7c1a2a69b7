// The stages wired together: what a config becomes, in the order in which a request meets it.
import { fastify, type FastifyInstance } from 'fastify'
import { readFileSync } from 'node:fs'

import { createClientErrorHandler } from './accept/client-error.ts'
import { createFailureLimit } from './accept/failure-limit.ts'
import { canonicalTarget } from './accept/path.ts'
import { createRequestIds } from './accept/request-id.ts'
import { registerRoutes, type CompiledRoute } from './accept/routes.ts'
import { createAnswer } from './answer.ts'
import { createAuthenticator, type Authenticator } from './authenticate/authenticate.ts'
import { compileIssuers, type TrustedIssuer } from './authenticate/issuers.ts'
import type { KeySourceParts } from './authenticate/key-source.ts'
import type { TokenLocation } from './authenticate/token-location.ts'
import { systemClock, systemSchedule } from './clock.ts'
import { compileRenewals } from './compile-renewals.ts'
import { createRouteCompiler } from './compile-route.ts'
import type { Config } from './config.ts'
import { createAuthResultEncoder } from './forward/auth-result-header.ts'
import { createHeaderFilter } from './forward/headers.ts'
import { createStreamWatch } from './forward/stream-watch.ts'
import { createTrust } from './forward/trusted-proxies.ts'
import { createUndiciTransport, type UpstreamConfig } from './forward/undici-transport.ts'
import { createUpstream, type Upstream } from './forward/upstream.ts'
import type { Readiness } from './operate/admin.ts'
import { createKeyEvents, keyStatus } from './operate/key-events.ts'
import type { Log } from './operate/log.ts'
import { createMetrics, type Metrics } from './operate/metrics.ts'
import { createRenewalEvents } from './operate/renewal-events.ts'
import { createUpstreamEvents } from './operate/upstream-events.ts'
import type { AskIssuer } from './renew/endpoint.ts'
import { publishKeys } from './renew/publish-keys.ts'
import { RENEWED_TOKEN_HEADER } from './renew/renew.ts'
import type { BlockList } from './revoke/block-list.ts'
import { createBlockList } from './revoke/memory-list.ts'

/** What comes from outside the config; tests put their own clock in. */
export interface ServerParts extends Partial<Pick<KeySourceParts, 'clock' | 'schedule' | 'random'>> {
  readonly log: Log
  readonly version: string
  readonly fetchJson: KeySourceParts['fetchJson']
  /** Left out: issuers are not asked for successors. */
  readonly askIssuer?: AskIssuer
  /** Stands between the router and a compiled route: `explain` looks on without forwarding. */
  readonly wrapRoute?: (
    route: CompiledRoute<TokenLocation>,
    config: Config['routes'][number],
  ) => CompiledRoute<TokenLocation>
}

export interface Gateway {
  readonly app: FastifyInstance
  readonly metrics: Metrics
  readonly readiness: Readiness
  readonly authenticator: Authenticator
  readonly issuers: readonly TrustedIssuer[]
  readonly blockList: BlockList
  /** Fetches the keys of all issuers; settles when each fetch ended, well or not. */
  loadKeys(): Promise<void>
  /** Serves what is under way, then lets go of upstreams and timers. */
  close(): Promise<void>
}

// No route can match it and no client can ask for it: it does not start with a slash.
const UNSAFE_TARGET = '!unsafe'

// Longer than any path that fits into the headers: the router shall not have a limit of its own.
const MAX_PARAMETER_LENGTH = 1_048_576

const NO_QUERY = Object.freeze({})

/** Queries are the upstream's business: nobody here reads a parsed one. */
function leaveQuery(): Record<string, never> {
  return NO_QUERY
}

function createApp({ listen, limits, errors }: Config, log: Log): FastifyInstance {
  const newRequestId = createRequestIds()
  const answer = createAnswer(errors)
  const app = fastify({
    logger: false,
    genReqId: ({ headers }) => newRequestId(headers['x-request-id']),
    rewriteUrl: ({ url = '' }) => canonicalTarget(url) ?? UNSAFE_TARGET,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH, querystringParser: leaveQuery },
    requestTimeout: limits.requestTimeout,
    return503OnClosing: false,
    exposeHeadRoutes: false,
    clientErrorHandler: createClientErrorHandler(errors, () => newRequestId(undefined)),
    http: { maxHeaderSize: limits.headerBytes, connectionsCheckingInterval: 1000, requireHostHeader: false },
    ...(listen.tls === undefined
      ? {}
      : {
          https: {
            cert: readFileSync(listen.tls.cert),
            key: readFileSync(listen.tls.key),
            maxHeaderSize: limits.headerBytes,
          },
        }),
  }) as FastifyInstance

  app.setNotFoundHandler((request, reply) => {
    reply.hijack()
    answer(reply.raw, request.raw.url === UNSAFE_TARGET ? 'path_unsafe' : 'route_not_found', request.id)
  })
  app.setErrorHandler((error, request, reply) => {
    log.error({ requestId: request.id, error }, 'internal error')
    reply.hijack()
    if (reply.raw.headersSent) reply.raw.destroy()
    else answer(reply.raw, 'internal_error', request.id)
  })
  // RFC 9110 section 10.1.1: the only expectation there is, is 100-continue.
  app.server.on('checkExpectation', (_request, response) => {
    answer(response, 'request_invalid', newRequestId(undefined), { close: true })
  })
  // The client is told to go on when the upstream is ready to read, not before it is known whether it may.
  app.server.on('checkContinue', (request, response) => app.server.emit('request', request, response))
  return app
}

const IDLE_CHECK_MS = 50

/** A connection that falls idle after the close began would hold it for the whole keep-alive time: Node looks only once. */
async function closeApp(app: FastifyInstance): Promise<void> {
  const closing = app.close()
  const sweep = setInterval(() => {
    app.server.closeIdleConnections()
  }, IDLE_CHECK_MS)
  await closing
  clearInterval(sweep)
}

/** Throws KeysNotUsable when keys that are here already cannot be used. Nothing listens and nothing is fetched yet. */
export function buildServer(config: Config, parts: ServerParts): Gateway {
  const { log, version, clock = systemClock, schedule = systemSchedule, random = Math.random, fetchJson } = parts
  const encoder = createAuthResultEncoder(config.authResult)
  const blockList = createBlockList()
  const authenticator = createAuthenticator({
    blockList,
    maxTokenBytes: config.limits.tokenBytes,
    cache: config.tokens.cache,
    clock,
    encodeResult: encoder.encode,
  })
  const inFlight = { limit: config.limits.inFlight, count: 0 }
  const metrics: Metrics = createMetrics(
    {
      ...authenticator,
      inFlight,
      keys: () => keyStatus(issuers, clock),
      upstreams: () => [...upstreams.values()],
    },
    version,
  )
  const renewalReports = createRenewalEvents(log, metrics)
  const renewals = compileRenewals(config, {
    clock,
    blockList,
    askIssuer: parts.askIssuer ?? (() => Promise.reject(new Error('issuers are not asked here'))),
    verify: (token, issuer) =>
      authenticator.verify(
        token,
        issuers.filter(({ name }) => name === issuer),
        clock.now() / 1000,
      ),
    events: renewalReports,
  })
  const issuers: readonly TrustedIssuer[] = compileIssuers(config.issuers, {
    renewals: renewals.byIssuer,
    fetchJson,
    clock,
    schedule,
    random,
    events: createKeyEvents(log, metrics),
  })
  const upstreamParts = {
    clock,
    schedule,
    random,
    createTransport: (target: string, upstream: UpstreamConfig) => createUndiciTransport(target, upstream, { schedule }),
    events: createUpstreamEvents(log, metrics),
  }
  const upstreams = new Map<string, Upstream>(
    Object.entries(config.upstreams).map(([name, upstream]) => [name, createUpstream(name, upstream, upstreamParts)]),
  )
  const filter = createHeaderFilter({
    authResultHeader: config.authResult.header.toLowerCase(),
    reserved: ['x-tollgate', RENEWED_TOKEN_HEADER],
    underscores: config.proxy.underscores,
    via: config.proxy.via,
  })
  const answer = createAnswer(config.errors)

  const app = createApp(config, log)
  const watch = createStreamWatch(clock, schedule)
  blockList.onChange(({ entry, change }) => {
    if (change === 'added' && entry.reason !== 'renewed') watch.check()
  })
  const compileRoute = createRouteCompiler({
    blockList,
    config,
    authenticator,
    issuers,
    upstreams,
    filter,
    clock,
    watch,
    onRenewed: renewalReports.onDelivered,
    isTrusted: createTrust(config.proxy.trustedProxies),
    anonymousHeader: encoder.anonymous,
    failureLimit:
      config.limits.authFailures === undefined ? undefined : createFailureLimit(config.limits.authFailures, clock),
    answer,
    metrics,
    log,
  })
  publishKeys(app, renewals.published)
  const { wrapRoute = (route) => route } = parts
  registerRoutes(
    app,
    config.routes.map((route) => wrapRoute(compileRoute(route), route)),
    inFlight,
    answer,
  )

  let closed: Promise<void> | undefined
  async function close(): Promise<void> {
    for (const { keys } of issuers) keys.remote?.stop()
    await closeApp(app)
    await Promise.all([...upstreams.values()].map((upstream) => upstream.close()))
  }

  return {
    app,
    metrics,
    authenticator,
    issuers,
    blockList,
    readiness: () =>
      keyStatus(issuers, clock)
        .filter(({ count }) => count === 0)
        .map(({ issuer, problem }) => ({ part: `keys of issuer ${issuer}`, reason: problem ?? 'not fetched yet' })),
    async loadKeys() {
      for (const upstream of upstreams.values()) upstream.start()
      await Promise.all(issuers.flatMap(({ keys }) => (keys.remote === undefined ? [] : [keys.remote.start()])))
    },
    close: () => (closed ??= close()),
  }
}
