// The steps of a request with a route, in order: the same functions for all routes.
import { admit, type Admission } from '../accept/admit.ts'
import type { Answer } from '../accept/answer.ts'
import type { SERVER_OPTIONS, RoutedRequest } from '../accept/routes/router.ts'
import type { Authentication } from '../authenticate/authentication.ts'
import type { StripToken, TokenLocation } from '../authenticate/locations/location.ts'
import { offeredTokenProtocol } from '../authenticate/locations/subprotocol.ts'
import type { Failure, FailureCode } from '../failure.ts'
import type { Admitted } from '../forward/admitted.ts'
import { forward } from '../forward/forward.ts'
import type { AdmittedUpgrade } from '../forward/websocket/websocket.ts'
import type { GatewayResponse } from '../message/client-exchange.ts'
import { DecisionTrace } from '../message/decision-trace.ts'
import { isBodyLeft } from '../message/connection/unread-body.ts'
import type { Log } from '../observe/log.ts'
import type { Route } from './route.ts'

/** A request with the router's result: its entry, or the reason why there is none. */
export type RawRequest = RoutedRequest<Route> & { refusal?: FailureCode | typeof SERVER_OPTIONS | undefined }

/** A request and the response to its client. */
export interface ClientExchange {
  readonly request: RawRequest
  readonly response: GatewayResponse
  readonly requestId: string
}

export interface Steps {
  admit(route: Route, request: RawRequest): ReturnType<typeof admit>
  refuse(route: Route, failure: Failure, exchange: ClientExchange): void
  /** Forwards an admitted request, or answers it. */
  conclude(route: Route, exchange: ClientExchange, admission: Admission): void
  /** Returns what the forward stage needs of an admitted upgrade; undefined when the route opens no WebSocket. */
  readonly upgrade: ((exchange: ClientExchange, admission: Admission) => AdmittedUpgrade) | undefined
}

export interface StepsParts {
  readonly log: Log
  readonly answer: Answer
  readonly authentication: Pick<Authentication, 'locations' | 'strip' | 'stripSuperseded'>
}

/** Strips the token, and with several token cookies also those that were not chosen. */
function createStripOf({ strip, stripSuperseded }: StepsParts['authentication']) {
  return function stripOf(location: TokenLocation | undefined): StripToken | undefined {
    if (location?.superseded === undefined) return strip
    const others = stripSuperseded(location.superseded)
    return (headers, target) => {
      const left = others(headers, target)
      return strip === undefined ? left : strip(headers, left)
    }
  }
}

export function createSteps({ log, answer, authentication }: StepsParts): Steps {
  const { locations } = authentication
  const stripOf = createStripOf(authentication)

  function admittedOf(
    { admission: { cors } }: Route,
    { request, response, requestId }: ClientExchange,
    { caller, location }: Admission,
  ): Admitted {
    return {
      request,
      response,
      requestId,
      target: request.url,
      caller,
      location,
      strip: stripOf(location),
      extraHeaders: cors?.responseHeaders(request.headers.origin),
    }
  }

  return {
    admit(route, request) {
      if (log.isLevelEnabled('debug')) request.trace ??= new DecisionTrace()
      return admit(route.admission, request)
    },
    refuse({ admission, scopes }, failure, { request, response, requestId }) {
      if (log.isLevelEnabled('debug')) {
        const { code, detail } = failure
        request.trace?.failed(failure)
        log.debug({ requestId, route: admission.path, code, detail, trace: String(request.trace ?? '') }, 'refused')
      }
      answer(response, failure.code, requestId, {
        scopes,
        detail: failure.detail,
        headers: admission.cors?.responseHeaders(request.headers.origin),
        close: isBodyLeft(request.headers),
      })
    },
    conclude(route, exchange, admission) {
      const admitted = admittedOf(route, exchange, admission)
      if (route.forwarding === undefined) route.ownAnswer?.(admitted)
      else forward(route.forwarding, admitted)
    },
    upgrade(exchange, admission) {
      const { request } = exchange
      const route = request.entry?.route
      if (route?.forwarding === undefined) throw new Error('an upgrade without a route was admitted')
      return {
        ...admittedOf(route, exchange, admission),
        policy: route.forwarding,
        tokenProtocol: offeredTokenProtocol(locations, request),
      }
    },
  }
}
