// Mounts the routes in Fastify: one hook that serves every request, and the WebSockets of all routes.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'

import type { Admission } from '../../accept/admit.ts'
import { laneStrategy, WEBSOCKET_LANE } from '../../accept/routes/lanes.ts'
import { FORWARDED_METHODS } from '../../accept/routes/route-table.ts'
import type { Router } from '../../accept/routes/router.ts'
import { routeUpgrades } from '../../accept/routes/upgrades.ts'
import type { Forwarding } from '../../forward/forwarding.ts'
import type { Route } from '../route.ts'
import type { Serve } from '../serve.ts'
import type { ClientExchange, RawRequest, Steps } from '../steps.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The admission of a WebSocket handshake, for its handler. */
    admission: Admission
  }
}

export interface RoutesParts {
  readonly serve: Serve
  /** Called for a pipelined request whose connection closed before its turn. */
  readonly onLost: (request: IncomingMessage) => void
  readonly upgrade: Steps['upgrade']
  readonly webSocketMount: Forwarding['webSocketMount']
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
export function registerRoutes(app: FastifyInstance, router: Router<Route>, parts: RoutesParts): void {
  const { serve, upgrade } = parts
  for (const method of FORWARDED_METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  app.decorateRequest('admission')

  const everyPath = {
    url: '/*',
    method: [...FORWARDED_METHODS],
    onRequest(request: FastifyRequest, reply: FastifyReply): void {
      reply.hijack()
      serve(exchangeOf(request, reply))
    },
    handler: unreachable,
  }
  if (upgrade === undefined || !router.table.some(({ route }) => route?.admission.websocket === true)) {
    app.route(everyPath)
    return
  }
  app.addConstraintStrategy(laneStrategy)
  app.route(everyPath)
  app.addHook('onReady', (done) => {
    routeUpgrades(app.server, parts.onLost)
    done()
  })
  void app.register((scope, _options, done) => {
    scope.addHook('onRequest', (request, reply, proceed) => {
      // A connection that was to be switched serves nothing else, whatever is answered.
      reply.raw.shouldKeepAlive = false
      serve(exchangeOf(request, reply), (_route, _exchange, admission) => {
        request.admission = admission
        proceed()
      })
    })
    const mountWebSockets = parts.webSocketMount((request, reply) =>
      upgrade(exchangeOf(request, reply), request.admission),
    )
    mountWebSockets(scope, { url: '/*', constraints: { lane: WEBSOCKET_LANE } })
    done()
  })
}
