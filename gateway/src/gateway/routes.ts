// Where Fastify meets the stages: one hook that admits, one handler that forwards, the same for the routes of all paths.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'

import type { Admission } from '../accept/admit.ts'
import { laneStrategy, WEBSOCKET_LANE } from '../accept/routes/lanes.ts'
import type { CorsPolicy } from '../accept/origins/cors.ts'
import { answerPreflight, type CorsPlaces } from '../accept/origins/cors-places.ts'
import { FORWARDED_METHODS } from '../accept/routes/route-table.ts'
import { SERVER_OPTIONS, type RoutedRequest, type RoutableRoute, type Router } from '../accept/routes/router.ts'
import { routeUpgrades } from '../accept/routes/upgrades.ts'
import type { Answer } from '../accept/answer.ts'
import { Failure, type FailureCode } from '../failure.ts'
import type { AdmittedUpgrade } from '../forward/websocket/websocket.ts'
import type { Observer } from '../observe/observe.ts'
import type { RouteTally } from '../observe/metrics/route-tally.ts'
import { isBodyLeft } from '../message/unread-body.ts'

/** What the router found out: the entry that answers, or why none does. */
export type RawRequest<Location> = RoutedRequest<CompiledRoute<Location>> & {
  refusal?: FailureCode | typeof SERVER_OPTIONS
}

/** Where the framework takes requests that ask to switch to WebSocket. */
export interface UpgradePlace {
  readonly url: string
  readonly constraints: Readonly<Record<string, string>>
}

/** A route, compiled: the stages it consists of. */
export interface CompiledRoute<Location> extends RoutableRoute {
  readonly cors: CorsPolicy | undefined
  readonly takesWebSockets: boolean
  /** Its counts. */
  readonly tally: RouteTally
  admit(request: RawRequest<Location>): Admission<Location> | Failure | Promise<Admission<Location> | Failure>
  refuse(failure: Failure, reply: FastifyReply): void
  forward(request: RawRequest<Location>, reply: FastifyReply, admission: Admission<Location>): void
  /** What the forward stage needs of an admitted upgrade; only of routes that take WebSockets. */
  admittedUpgrade(request: FastifyRequest, reply: FastifyReply): AdmittedUpgrade
}

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
}

export interface RoutesParts {
  readonly inFlight: InFlight
  readonly answer: Answer
  readonly cors: CorsPlaces
  readonly observer: Observer
  /** A request whose connection ended before it was its turn. */
  readonly onLost: (request: IncomingMessage) => void
  /** Mounts the WebSockets of all routes that take some. */
  readonly mountWebSockets: (scope: FastifyInstance, place: UpgradePlace) => void
}

const OVERLOADED = new Failure('overloaded', 'limits.inFlight is reached')

/** The two places where Fastify touches a route. */
function createStages<Location>(
  { methods }: Router<CompiledRoute<Location>>,
  { inFlight, answer, cors, observer }: RoutesParts,
) {
  const serverOptions = ['allow', [...methods, 'OPTIONS'].filter(isFirst).join(', '), 'x-tollgate', SERVER_OPTIONS]

  /** No route takes the request. */
  function refuse(raw: RawRequest<Location>, reply: FastifyReply): void {
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
    const raw = request.raw as RawRequest<Location>
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
      onOver()
    })

    const conclude = (decision: Admission<Location> | Failure): void => {
      if (decision instanceof Failure) {
        route.refuse(decision, reply)
        return
      }
      request.admission = decision
      done()
    }

    if (inFlight.count > inFlight.limit) {
      conclude(OVERLOADED)
      return
    }
    const decision = route.admit(raw)
    if (!(decision instanceof Promise)) conclude(decision)
    else
      void decision.then((late) => {
        // The client may have left meanwhile: nobody would tell the upstream's side of it.
        if (!reply.raw.destroyed) conclude(late)
      })
  }

  function handler(request: FastifyRequest, reply: FastifyReply): void {
    const raw = request.raw as RawRequest<Location>
    reply.hijack()
    raw.entry?.route?.forward(raw, reply, request.admission as Admission<Location>)
  }

  return { onRequest, handler }
}

export function admittedUpgradeOf(request: FastifyRequest, reply: FastifyReply): AdmittedUpgrade {
  const { entry } = request.raw as RawRequest<unknown>
  if (entry?.route === undefined) throw new Error('an upgrade without a route was admitted')
  return entry.route.admittedUpgrade(request, reply)
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
export function registerRoutes<Location>(
  app: FastifyInstance,
  router: Router<CompiledRoute<Location>>,
  parts: RoutesParts,
): void {
  for (const method of FORWARDED_METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  app.decorateRequest('admission', null)
  const stages = createStages(router, parts)
  const everyPath = { url: '/*', method: [...FORWARDED_METHODS] }
  if (!router.table.some(({ route }) => route?.takesWebSockets === true)) {
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
    parts.mountWebSockets(scope, { url: '/*', constraints: { lane: WEBSOCKET_LANE } })
    done()
  })
}
