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
    /** What the hook found out, for the handler. */
    admission: unknown
  }
}

/** Bounds the requests that are served at once. */
export interface InFlight {
  readonly limit: number
  count: number
  /** Set when what is left is cut: told of each request whose response closes from then on. */
  onCut: ((request: IncomingMessage, requestId: string, route: string) => void) | undefined
}

export interface RoutesParts {
  readonly steps: Pick<Steps, 'admit' | 'refuse' | 'conclude'>
  readonly inFlight: InFlight
  readonly answer: Answer
  readonly cors: CorsByPath
  readonly observer: Observer
  /** A request whose connection ended before it was its turn. */
  readonly onLost: (request: IncomingMessage) => void
  /** Mounts the WebSockets of all routes that take some. */
  readonly mountWebSockets: ((scope: FastifyInstance, mount: UpgradeMount) => void) | undefined
}

function overloaded({ count, limit }: InFlight): Failure {
  return new Failure('overloaded', `${count} requests are under way, allowed are ${limit} (limits.inFlight)`)
}

/** The two places where Fastify touches a route. */
function createStages({ methods }: Router<Route>, { steps, inFlight, answer, cors, observer }: RoutesParts) {
  const serverOptions = ['allow', [...methods, 'OPTIONS'].filter(isFirst).join(', '), 'x-tollgate', SERVER_OPTIONS]

  /** No route takes the request. */
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
        // The client may have left meanwhile: nobody would tell the upstream's side of it.
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

/** A connection that was to be switched serves nothing else, whatever is answered. */
function asLastRequest(hook: OnRequest): OnRequest {
  return (request, reply, done) => {
    reply.raw.shouldKeepAlive = false
    hook(request, reply, done)
  }
}

/**
 * Registers every path with Fastify, which chooses nothing: the router did, before it. Bodies are the upstream's business: to
 * Fastify no method has one.
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
