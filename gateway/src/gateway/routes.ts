// Mounts the routes in Fastify: one hook that admits and one handler that forwards, the same for all routes.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'

import type { Admission } from '../accept/admit.ts'
import { laneStrategy, WEBSOCKET_LANE } from '../accept/routes/lanes.ts'
import { answerPreflight, type CorsByPath } from '../accept/origins/cors-by-path.ts'
import { FORWARDED_METHODS } from '../accept/routes/route-table.ts'
import { SERVER_OPTIONS, type Router } from '../accept/routes/router.ts'
import { routeUpgrades } from '../accept/routes/upgrades.ts'
import type { Answer } from '../accept/answer.ts'
import { Failure } from '../failure.ts'
import type { UpgradeMount } from '../forward/websocket/websocket.ts'
import type { Observer } from '../observe/observe.ts'
import { isBodyLeft } from '../message/unread-body.ts'
import type { Route } from './route.ts'
import type { RawRequest, Steps } from './steps.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The admission, stored by the hook for the handler. */
    admission: unknown
  }
}

/** Limits the requests in flight. */
export interface InFlight {
  readonly limit: number
  count: number
  /** Set at the cut of a shutdown: called for each response that closes after it. */
  onCut: ((request: IncomingMessage, requestId: string, route: string) => void) | undefined
}

export interface RoutesParts {
  readonly steps: Pick<Steps, 'admit' | 'refuse' | 'conclude'>
  readonly inFlight: InFlight
  readonly answer: Answer
  readonly cors: CorsByPath
  readonly observer: Observer
  /** Called for a pipelined request whose connection closed before its turn. */
  readonly onLost: (request: IncomingMessage) => void
  /** Mounts the WebSocket routes. */
  readonly mountWebSockets: ((scope: FastifyInstance, mount: UpgradeMount) => void) | undefined
}

function overloaded({ count, limit }: InFlight): Failure {
  return new Failure('overloaded', `${count} requests are under way, allowed are ${limit} (limits.inFlight)`)
}

/** Creates the Fastify hook and the handler of all routes. */
function createStages({ methods }: Router<Route>, { steps, inFlight, answer, cors, observer }: RoutesParts) {
  const serverOptions = ['allow', [...methods, 'OPTIONS'].filter(isFirst).join(', '), 'x-tollgate', SERVER_OPTIONS]

  /** Answers a request without a route. */
  function refuse(raw: RawRequest, reply: FastifyReply): void {
    const { entry, refusal } = raw
    const { id } = reply.request
    reply.hijack()
    if (refusal === SERVER_OPTIONS) {
      reply.raw.writeHead(204, [...serverOptions, 'x-request-id', id]).end()
      return
    }
    const readable = cors.headersOf(raw) ?? []
    const close = isBodyLeft(raw.headers)
    if (entry === undefined) answer(reply.raw, refusal ?? 'route_not_found', id, { headers: readable, close })
    else answer(reply.raw, 'method_not_allowed', id, { headers: ['allow', entry.allow.join(', '), ...readable], close })
  }

  function answerOptions(reply: FastifyReply, told: readonly string[]): void {
    reply.hijack()
    answerPreflight(reply.raw, reply.request.id, told)
  }

  function onRequest(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    const raw = request.raw as RawRequest
    const route = raw.entry?.route
    const onOver = observer.begin(raw, reply.raw, request.id, route?.tally)
    const told = raw.method === 'OPTIONS' ? cors.preflightHeaders(raw) : undefined
    if (told !== undefined || route === undefined) {
      reply.raw.on('close', onOver)
      if (told === undefined) refuse(raw, reply)
      else answerOptions(reply, told)
      return
    }
    inFlight.count += 1
    // One listener for all that ends with the response.
    reply.raw.on('close', () => {
      inFlight.count -= 1
      inFlight.onCut?.(raw, request.id, route.tally.route)
      onOver()
    })

    const conclude = (decision: Admission | Failure): void => {
      if (decision instanceof Failure) {
        steps.refuse(route, decision, reply)
        return
      }
      request.admission = decision
      done()
    }

    if (inFlight.count > inFlight.limit) {
      conclude(overloaded(inFlight))
      return
    }
    const decision = steps.admit(route, raw)
    if (!(decision instanceof Promise)) conclude(decision)
    else
      void decision.then((late) => {
        // If the client has disconnected meanwhile, no `close` event would end the upstream's side.
        if (!reply.raw.destroyed) conclude(late)
      })
  }

  function handler(request: FastifyRequest, reply: FastifyReply): void {
    const raw = request.raw as RawRequest
    reply.hijack()
    const route = raw.entry?.route
    if (route !== undefined) steps.conclude(route, raw, reply, request.admission as Admission)
  }

  return { onRequest, handler }
}

function isFirst(name: string, index: number, names: readonly string[]): boolean {
  return names.indexOf(name) === index
}

type OnRequest = ReturnType<typeof createStages>['onRequest']

/** Sends `Connection: close` with any answer: a connection that requested an upgrade carries no further request. */
function asLastRequest(hook: OnRequest): OnRequest {
  return (request, reply, done) => {
    reply.raw.shouldKeepAlive = false
    hook(request, reply, done)
  }
}

/**
 * Registers a wildcard route with Fastify for every method, because the router has chosen the route already. Fastify parses no
 * bodies: the forward stage streams them.
 */
export function registerRoutes(app: FastifyInstance, router: Router<Route>, parts: RoutesParts): void {
  for (const method of FORWARDED_METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  app.decorateRequest('admission', null)
  const stages = createStages(router, parts)
  const everyPath = { url: '/*', method: [...FORWARDED_METHODS] }
  const { mountWebSockets } = parts
  if (mountWebSockets === undefined || !router.table.some(({ route }) => route?.admission.websocket === true)) {
    app.route({ ...everyPath, ...stages })
    return
  }
  app.addConstraintStrategy(laneStrategy)
  app.route({ ...everyPath, ...stages })
  app.addHook('onReady', (done) => {
    routeUpgrades(app.server, parts.onLost)
    done()
  })
  void app.register((scope, _options, done) => {
    scope.addHook('onRequest', asLastRequest(stages.onRequest))
    mountWebSockets(scope, { url: '/*', constraints: { lane: WEBSOCKET_LANE } })
    done()
  })
}
