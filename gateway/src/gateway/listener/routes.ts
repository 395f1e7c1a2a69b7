// Mounts the routes in Fastify: one hook that serves every request, and the WebSockets of all routes.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import { laneStrategy, WEBSOCKET_LANE } from '../../accept/routes/lanes.ts'
import { FORWARDED_METHODS } from '../../accept/routes/route-table.ts'
import type { WebSocketMount } from '../../forward/forwarding.ts'
import type { AdmittedUpgrade } from '../../forward/websocket/websocket.ts'
import type { ClientExchange, RawRequest } from '../steps.ts'
import type { Current } from './serving.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the generation that admitted a WebSocket handshake made of it, for the handler. */
    admittedUpgrade: AdmittedUpgrade
  }
}

export interface RoutesParts {
  readonly serving: Current
  readonly webSocketMount: WebSocketMount
}

function exchangeOf(request: FastifyRequest, reply: FastifyReply): ClientExchange {
  return { request: request.raw as RawRequest, response: reply.raw, requestId: request.id }
}

function unreachable(): never {
  throw new Error('the hook serves every request')
}

/**
 * Registers every path with Fastify, which chooses nothing: the router did, before it. Bodies are the upstream's business: to
 * Fastify no method has one.
 */
export function registerRoutes(app: FastifyInstance, parts: RoutesParts): void {
  const { serving } = parts
  for (const method of FORWARDED_METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  app.decorateRequest('admittedUpgrade')

  const everyPath = {
    url: '/*',
    method: [...FORWARDED_METHODS],
    onRequest(request: FastifyRequest, reply: FastifyReply): void {
      reply.hijack()
      serving.current.serve(exchangeOf(request, reply))
    },
    handler: unreachable,
  }
  // Whether a route takes WebSockets may change with each generation.
  if (serving.current.upgrade === undefined) {
    app.route(everyPath)
    return
  }
  app.addConstraintStrategy(laneStrategy)
  app.route(everyPath)
  void app.register((scope, _options, done) => {
    scope.addHook('onRequest', (request, reply, proceed) => {
      // A connection that was to be switched serves nothing else, whatever is answered.
      reply.raw.shouldKeepAlive = false
      const { serve, upgrade } = serving.current
      serve(exchangeOf(request, reply), (_route, exchange, admission) => {
        if (upgrade === undefined) throw new Error('a gateway without WebSockets admitted one')
        request.admittedUpgrade = upgrade(exchange, admission)
        proceed()
      })
    })
    const mountWebSockets = parts.webSocketMount((request) => request.admittedUpgrade)
    mountWebSockets(scope, { url: '/*', constraints: { lane: WEBSOCKET_LANE } })
    done()
  })
}
