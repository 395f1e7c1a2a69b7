// Creates the Fastify application without routes: it listens nowhere, and serves what the servers of the listeners read.
import { fastify, type FastifyInstance } from 'fastify'
import type { ServerOptions } from 'node:http'

import { createClientErrorHandler, type HeadLimits } from '../../accept/listen/client-error.ts'
import type { ConnectionParts } from '../../accept/listen/connections.ts'
import { createReadAhead } from '../../accept/listen/read-ahead.ts'
import { createRequestIds, type RequestIdOf } from '../../accept/listen/request-id.ts'
import { ParserCounts } from '../../accept/lane/parser-counts.ts'
import type { InFlight } from '../serve.ts'
import type { RawRequest } from '../steps.ts'
import { shouldUpgradeCallback } from '../../accept/routes/upgrades.ts'
import { rawAnswer } from '../../accept/answer.ts'
import type { Schedule } from '../../clock.ts'
import type { Config } from '../../options/config.ts'
import type { FailureCode } from '../../failure.ts'
import type { GatewayRequest, GatewayResponse } from '../../message/client-exchange.ts'
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
  /** How strictly each server parses. */
  readonly parsing: ServerOptions
  readonly onClientError: ReturnType<typeof createClientErrorHandler>
  readonly supervision: ConnectionParts & Refusals
  readonly requestIdOf: RequestIdOf
  /** What the head of a request may be, whoever reads it. */
  readonly headLimits: HeadLimits
  /** Who read how many requests. */
  readonly parsers: ParserCounts
  /** Connections of the fast lanes on which requests wait for others. */
  readonly held: { count: number }
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

function createFastify({ log, serving, injectedTarget }: AppParts, requestIdOf: RequestIdOf): FastifyInstance {
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
  })
  app.setErrorHandler((error, request, reply) => {
    log.error({ requestId: request.id, error }, 'internal error')
    reply.hijack()
    const { answer, cors } = serving.current
    if (reply.raw.headersSent) reply.raw.destroy()
    else answer(reply.raw, 'internal_error', request.id, { headers: cors.headersOf(request.raw) })
  })
  return app
}

interface Refusals extends Pick<ConnectionParts, 'refuseRaw'> {
  readonly refuse: (request: GatewayRequest, response: GatewayResponse, code: FailureCode) => void
}

function createRefusals({ serving }: AppParts, requestIdOf: RequestIdOf): Refusals {
  return {
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
  }
}

/** Creates the application, which has no routes yet, and what its servers have in common. */
export function createApp({ limits }: Pick<Config, 'limits'>, parts: AppParts): App {
  const { schedule, serving, inFlight } = parts
  const requestIdOf = createRequestIds()
  const parsers = new ParserCounts()
  const headLimits = { bytes: limits.headerBytes, timeoutMs: Math.min(MAX_HEADERS_TIME_MS, limits.requestTimeout) }

  function onLost(request: GatewayRequest): void {
    serving.current.observer.onUnserved(request, requestIdOf(request))
  }
  const readAhead = createReadAhead(() => inFlight.limit, schedule, onLost)
  return {
    ...{ app: createFastify(parts, requestIdOf), requestIdOf, headLimits, parsers, onLost, held: { count: 0 } },
    parsing: {
      maxHeaderSize: headLimits.bytes,
      connectionsCheckingInterval: 1000,
      requireHostHeader: false,
      shouldUpgradeCallback,
      // The timeout of heads. forward/streams/request-body.ts applies the timeouts of bodies.
      headersTimeout: headLimits.timeoutMs,
      requestTimeout: 0,
    } as ServerOptions,
    onClientError: createClientErrorHandler({
      ...{ serving, headLimits, requestIdOf },
      isHeld: (socket) => readAhead.isHeld(socket),
      onFault: (socket, fault) => {
        serving.current.observer.onFault(socket, fault)
      },
    }),
    supervision: {
      ...{ readAhead, schedule, onLost },
      ...createRefusals(parts, requestIdOf),
      onRequest: (socket) => {
        parsers.countNode(socket)
      },
    },
  }
}
