// Creates the Fastify application without routes: strict parsing, one check of targets, and the gateway's own responses.
import { fastify, type FastifyInstance } from 'fastify'
import { once } from 'node:events'
import type { Server as TlsServer } from 'node:https'

import { createClientErrorHandler, type HeadLimits } from '../../accept/listen/client-error.ts'
import { superviseConnections, type Connections } from '../../accept/listen/connections.ts'
import { createRequestIds, type RequestIdOf } from '../../accept/listen/request-id.ts'
import { ParserCounts } from '../../accept/lane/parser-counts.ts'
import type { InFlight } from '../serve.ts'
import type { RawRequest } from '../steps.ts'
import { readCertificate, watchCertificate } from '../watch/watch-certificate.ts'
import { createFileWatch } from '../watch/watch-files.ts'
import { shouldUpgradeCallback } from '../../accept/routes/upgrades.ts'
import { rawAnswer } from '../../accept/answer.ts'
import type { Schedule } from '../../clock.ts'
import type { Config } from '../../options/config.ts'
import type { GatewayRequest } from '../../message/client-exchange.ts'
import { endLingering } from '../../message/connection/lingering-close.ts'
import type { Log } from '../../observe/log.ts'
import type { Current } from './serving.ts'

// Longer than any path that fits into the headers, so that Fastify's router adds no limit.
const MAX_PARAMETER_LENGTH = 1_048_576

/** Node's own default. */
const MAX_HEADERS_TIME_MS = 60_000

const NO_QUERY = Object.freeze({})

/** The gateway reads no parsed query, so Fastify does not parse it. */
function leaveQuery(): Record<string, never> {
  return NO_QUERY
}

export interface App {
  readonly app: FastifyInstance
  readonly connections: Connections
  readonly requestIdOf: RequestIdOf
  /** What the head of a request may be, whoever reads it. */
  readonly headLimits: HeadLimits
  /** Who read how many requests. */
  readonly parsers: ParserCounts
  /** Why the watched certificate cannot be used any more; undefined where none is watched. */
  readonly certificateProblem: (() => string | undefined) | undefined
  /** Reads the certificate of its files anew; what is returned has new connections get it. Throws CannotStart. */
  readonly readCertificate: () => () => void
  /** Stops timers and watchers. */
  readonly stop: () => void
  /** Called for a pipelined request whose connection closed before its turn. */
  readonly onLost: (request: GatewayRequest) => void
}

export interface AppParts {
  readonly log: Log
  readonly schedule: Schedule
  readonly serving: Current
  readonly inFlight: Pick<InFlight, 'limit'>
  /** The raw target of an injected request: Fastify's test client normalizes targets before the router sees them. */
  readonly injectedTarget?: string | undefined
}

/** Creates the application. It parses strictly and has no routes yet. */
export function createApp(
  { listen, limits, watch }: Config,
  { log, schedule, serving, inFlight, injectedTarget }: AppParts,
): App {
  const requestIdOf = createRequestIds()
  const parsers = new ParserCounts()
  const headLimits = { bytes: limits.headerBytes, timeoutMs: Math.min(MAX_HEADERS_TIME_MS, limits.requestTimeout) }
  const parsing = {
    maxHeaderSize: headLimits.bytes,
    connectionsCheckingInterval: 1000,
    requireHostHeader: false,
    shouldUpgradeCallback,
    // The timeout of heads. forward/streams/request-body.ts applies the timeouts of bodies.
    headersTimeout: headLimits.timeoutMs,
    requestTimeout: 0,
    allowHalfOpen: true,
  }
  const app = fastify({
    logger: false,
    genReqId: requestIdOf,
    // Called for requests, upgrades and injected requests before Fastify routes them. The router stores the route in the
    // request, and Fastify then matches every path.
    rewriteUrl: (message) => {
      const request = message as RawRequest
      if (injectedTarget !== undefined) request.url = injectedTarget
      const refusal = serving.current.router.assign(request)
      if (refusal === undefined) return request.url
      request.refusal = refusal
      return '/'
    },
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH, querystringParser: leaveQuery },
    return503OnClosing: false,
    exposeHeadRoutes: false,
    clientErrorHandler: createClientErrorHandler({
      serving,
      headLimits,
      requestIdOf,
      isHeld: (socket) => connections.readAhead.isHeld(socket),
      onFault: (socket, fault) => {
        serving.current.observer.onFault(socket, fault)
      },
    }),
    http: parsing,
    ...(listen.tls === undefined
      ? {}
      : {
          https: {
            ...readCertificate(listen.tls),
            ...parsing,
          },
        }),
  }) as FastifyInstance

  app.setErrorHandler((error, request, reply) => {
    log.error({ requestId: request.id, error }, 'internal error')
    reply.hijack()
    const { answer, cors } = serving.current
    if (reply.raw.headersSent) reply.raw.destroy()
    else answer(reply.raw, 'internal_error', request.id, { headers: cors.headersOf(request.raw) })
  })

  function onLost(request: GatewayRequest): void {
    serving.current.observer.onUnserved(request, requestIdOf(request))
  }
  const connections = superviseConnections(app.server, {
    maxWaiting: () => inFlight.limit,
    schedule,
    refuse(request, response, code) {
      const { observer, answer, cors } = serving.current
      const id = requestIdOf(request)
      response.once('close', observer.begin(request, response, id, undefined))
      answer(response, code, id, { close: true, headers: cors.headersOf(request) })
    },
    refuseRaw(request, socket, code) {
      const { observer, errors } = serving.current
      const id = requestIdOf(request)
      socket.resume()
      socket.write(rawAnswer(code, errors, id))
      endLingering(socket)
      observer.onUnserved(request, id, code)
    },
    onLost,
    onRequest: (socket) => {
      parsers.countNode(socket)
    },
  })
  const certificate =
    watch && listen.tls !== undefined
      ? watchCertificate(app.server as unknown as TlsServer, listen.tls, createFileWatch(schedule), log)
      : undefined
  return {
    ...{ app, connections, requestIdOf, headLimits, parsers, onLost },
    readCertificate: () => renewCertificate(app, listen),
    certificateProblem: certificate?.problem,
    stop: () => certificate?.stop(),
  }
}

function renewCertificate({ server }: FastifyInstance, { tls }: Pick<Config['listen'], 'tls'>): () => void {
  if (tls === undefined) return () => undefined
  const pair = readCertificate(tls)
  return () => {
    ;(server as unknown as TlsServer).setSecureContext(pair)
  }
}

const IDLE_CHECK_MS = 50

/** Closes the application. Node closes idle connections once, so connections that become idle later are closed here. */
export async function closeApp({ app, connections, stop }: Pick<App, 'app' | 'connections' | 'stop'>): Promise<void> {
  stop()
  connections.retire()
  // With several workers, the primary may have closed the server first. Requests in flight are waited for all the same.
  const ended = app.server.listening ? once(app.server, 'close') : undefined
  const closing = app.close()
  const sweep = setInterval(() => {
    app.server.closeIdleConnections()
  }, IDLE_CHECK_MS)
  await closing
  await ended
  clearInterval(sweep)
}
