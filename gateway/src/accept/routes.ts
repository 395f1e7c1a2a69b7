// Where Fastify meets the stages: one hook that admits, one handler that forwards, for each route of the table.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Admission } from './admit.ts'
import { corsConfig, registerCors, type CorsConfig } from './cors.ts'
import { hostNameConstraint } from './host-constraint.ts'
import { routeUpgrades, upgradeConstraint } from './upgrades.ts'
import {
  buildRouteTable,
  commonMethodsFirst,
  FORWARDED_METHODS,
  type Routable,
  type TableEntry,
} from './route-table.ts'
import type { Answer } from '../answer.ts'
import { Failure } from '../failure.ts'

export type RawRequest = IncomingMessage & { url: string }

/** Where the router takes requests that ask to switch to WebSocket. */
export interface UpgradePlace {
  readonly url: string
  readonly constraints: Readonly<Record<string, string>>
}

/** A route, compiled: the stages it consists of. */
export interface CompiledRoute<Location> extends Routable {
  readonly cors: CorsConfig | undefined
  /** Mounts the WebSockets of the route; undefined where it takes none. */
  readonly mountWebSocket: ((scope: FastifyInstance, place: UpgradePlace) => void) | undefined
  /** Told of each request that comes to this route, before anything else; what it returns is told of its end. */
  observe(request: RawRequest, response: ServerResponse, requestId: string): () => void
  admit(request: RawRequest): Admission<Location> | Failure | Promise<Admission<Location> | Failure>
  refuse(failure: Failure, reply: FastifyReply): void
  forward(request: RawRequest, reply: FastifyReply, admission: Admission<Location>): void
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

const OVERLOADED = new Failure('overloaded', 'limits.inFlight is reached')

/** The two places where Fastify touches a route. Both see one scope: it is one more thing to fetch for each request. */
function stagesOf<Location>(route: CompiledRoute<Location>, inFlight: InFlight) {
  function onRequest(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    const raw = request.raw as RawRequest
    inFlight.count += 1
    const onOver = route.observe(raw, reply.raw, request.id)
    // One listener for all that ends with the response.
    reply.raw.on('close', () => {
      inFlight.count -= 1
      onOver()
    })

    function conclude(decision: Admission<Location> | Failure): void {
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
    reply.hijack()
    route.forward(request.raw as RawRequest, reply, request.admission as Admission<Location>)
  }

  return { onRequest, handler }
}

type OnRequest = ReturnType<typeof stagesOf>['onRequest']

/** A connection that was to be switched serves nothing else, whatever is answered. */
function asLastRequest(hook: OnRequest): OnRequest {
  return (request, reply, done) => {
    reply.raw.shouldKeepAlive = false
    hook(request, reply, done)
  }
}

/** Registers every route with the router. Bodies are the upstream's business: to Fastify no method has one. */
export function registerRoutes<Location>(
  app: FastifyInstance,
  routes: readonly CompiledRoute<Location>[],
  inFlight: InFlight,
  answer: Answer,
): void {
  type Entry = TableEntry<CompiledRoute<Location>>
  for (const method of FORWARDED_METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  if (routes.some(({ hosts }) => hosts !== undefined)) app.addConstraintStrategy(hostNameConstraint)
  app.decorateRequest('admission', null)
  if (routes.some(({ mountWebSocket }) => mountWebSocket !== undefined)) {
    app.addConstraintStrategy(upgradeConstraint)
    app.addHook('onReady', (done) => {
      routeUpgrades(app.server)
      done()
    })
  }

  const constraintsOf = ({ host }: Entry) => (host === undefined ? {} : { hostName: host })

  function register(scope: FastifyInstance, entry: Entry): void {
    const { path, methods, route, allow, siblings } = entry
    const cors = siblings.find((sibling) => sibling.cors !== undefined)?.cors
    const place = { url: path, method: [...methods], constraints: constraintsOf(entry), config: corsConfig(cors) }
    if (route === undefined) {
      scope.route({ ...place, handler: refuseMethod(allow, answer) })
      return
    }
    scope.route({ ...place, ...stagesOf(route, inFlight) })
  }

  function mountWebSocket(scope: FastifyInstance, entry: Entry): void {
    const { path, route } = entry
    if (route?.mountWebSocket === undefined) return
    const { mountWebSocket: mount } = route
    void scope.register((inner, _options, done) => {
      inner.addHook('onRequest', asLastRequest(stagesOf(route, inFlight).onRequest))
      mount(inner, { url: path, constraints: { ...constraintsOf(entry), upgrade: 'websocket' } })
      done()
    })
  }

  function registerAll(scope: FastifyInstance, entries: readonly Entry[]): void {
    for (const entry of entries) mountWebSocket(scope, entry)
    for (const entry of commonMethodsFirst(entries)) register(scope, entry)
  }

  const isCors = ({ siblings }: Entry) => siblings.some(({ cors }) => cors !== undefined)
  const table = buildRouteTable(routes)
  registerAll(
    app,
    table.filter((entry) => !isCors(entry)),
  )
  if (!table.some(isCors)) return
  void app.register(async (scope) => {
    await registerCors(scope)
    registerAll(scope, table.filter(isCors))
  })
}

function refuseMethod(allow: readonly string[], answer: Answer) {
  const headers = ['allow', allow.join(', ')]
  return (request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack()
    answer(reply.raw, 'method_not_allowed', request.id, { headers })
  }
}
