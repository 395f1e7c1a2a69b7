// Serves a request that the router has placed: counts it, bounds how many are under way, admits it, and concludes it.
import type { Admission } from '../accept/admit.ts'
import type { Answer } from '../accept/answer.ts'
import { answerPreflight, type CorsByPath } from '../accept/origins/cors-by-path.ts'
import { SERVER_OPTIONS, type Router } from '../accept/routes/router.ts'
import { Failure } from '../failure.ts'
import type { GatewayRequest } from '../message/client-exchange.ts'
import { isBodyLeft } from '../message/connection/unread-body.ts'
import type { Log } from '../observe/log.ts'
import type { Observer } from '../observe/observe.ts'
import type { Exchanges } from './change/exchanges.ts'
import type { Route } from './route.ts'
import type { ClientExchange, Steps } from './steps.ts'

/** Bounds the requests that are served at once. */
export interface InFlight {
  limit: number
  count: number
  /** Set at the cut of a shutdown: called for each response that closes after it. */
  onCut: ((request: GatewayRequest, requestId: string, route: string) => void) | undefined
}

export interface ServeParts {
  readonly steps: Pick<Steps, 'admit' | 'refuse' | 'conclude'>
  readonly inFlight: InFlight
  readonly exchanges: Exchanges
  readonly answer: Answer
  readonly cors: CorsByPath
  readonly observer: Observer
  readonly log: Pick<Log, 'error'>
}

/** `proceed` takes over what was admitted, where it is not to be concluded as usual. */
export type Serve = (exchange: ClientExchange, proceed?: Steps['conclude']) => void

function overloaded({ count, limit }: InFlight): Failure {
  return new Failure('overloaded', `${count} requests are under way, allowed are ${limit} (limits.inFlight)`)
}

function isFirst(name: string, index: number, names: readonly string[]): boolean {
  return names.indexOf(name) === index
}

/** Answers requests that no route takes. */
function createRefuse(methods: readonly string[], { answer, cors }: Pick<ServeParts, 'answer' | 'cors'>) {
  const serverOptions = ['allow', [...methods, 'OPTIONS'].filter(isFirst).join(', '), 'x-tollgate', SERVER_OPTIONS]
  return function refuse({ request, response, requestId }: ClientExchange): void {
    const { entry, refusal } = request
    if (refusal === SERVER_OPTIONS) {
      response.writeHead(204, [...serverOptions, 'x-request-id', requestId])
      response.end()
      return
    }
    const readable = cors.headersOf(request) ?? []
    const close = isBodyLeft(request.headers)
    if (entry === undefined) answer(response, refusal ?? 'route_not_found', requestId, { headers: readable, close })
    else {
      const allow = entry.allow.join(', ')
      const detail = `the path takes ${allow}`
      answer(response, 'method_not_allowed', requestId, { headers: ['allow', allow, ...readable], close, detail })
    }
  }
}

/** For what a stage throws. Here and not in Fastify, to which the request is out of its hands. */
function createFail({ answer, cors, log }: Pick<ServeParts, 'answer' | 'cors' | 'log'>) {
  return function fail({ request, response, requestId }: ClientExchange, error: unknown): void {
    log.error({ requestId, error }, 'internal error')
    const close = isBodyLeft(request.headers)
    if (response.headersSent) response.destroy()
    else answer(response, 'internal_error', requestId, { headers: cors.headersOf(request), close })
  }
}

/** The same for every request, whoever read it from its connection. */
export function createServe({ methods }: Pick<Router<Route>, 'methods'>, parts: ServeParts): Serve {
  const { steps, inFlight, exchanges, cors, observer } = parts
  const [refuse, fail] = [createRefuse(methods, parts), createFail(parts)]

  function settle(
    route: Route,
    exchange: ClientExchange,
    decision: Admission | Failure,
    proceed: Steps['conclude'],
  ): void {
    if (decision instanceof Failure) steps.refuse(route, decision, exchange)
    else proceed(route, exchange, decision)
  }

  function serveUnguarded(exchange: ClientExchange, proceed: Steps['conclude']): void {
    const { request, response, requestId } = exchange
    const route = request.entry?.route
    const onOver = observer.begin(request, response, requestId, route?.tally)
    const told = request.method === 'OPTIONS' ? cors.preflightHeaders(request) : undefined
    if (told !== undefined || route === undefined) {
      response.once('close', onOver)
      if (told === undefined) refuse(exchange)
      else answerPreflight(response, requestId, told)
      return
    }
    inFlight.count += 1
    exchanges.count += 1
    // One listener for all that ends with the response.
    response.once('close', () => {
      inFlight.count -= 1
      inFlight.onCut?.(request, requestId, route.tally.route)
      onOver()
      exchanges.over()
    })
    const decision = inFlight.count > inFlight.limit ? overloaded(inFlight) : steps.admit(route, request)
    if (!(decision instanceof Promise)) {
      settle(route, exchange, decision, proceed)
      return
    }
    decision
      .then((late) => {
        // If the client has disconnected meanwhile, no `close` event would end the upstream's side.
        if (!response.destroyed) settle(route, exchange, late, proceed)
      })
      .catch((error: unknown) => {
        fail(exchange, error)
      })
  }

  return function serve(exchange, proceed = steps.conclude) {
    try {
      serveUnguarded(exchange, proceed)
    } catch (error) {
      fail(exchange, error)
    }
  }
}
