// A route as the router gets it: what the stages decide by, as data, and in which order they are asked.
import type { FastifyReply, FastifyRequest } from 'fastify'

import { admit, type Admission, type AdmissionPolicy, type Demands } from '../accept/admit.ts'
import type { CorsPolicy } from '../accept/origins/cors.ts'
import type { CompiledRoute, RawRequest as RoutedRequest } from './routes.ts'
import type { Answer } from '../accept/answer.ts'
import type { StripToken, TokenLocation } from '../authenticate/locations/location.ts'
import { offeredTokenProtocol } from '../authenticate/locations/subprotocol.ts'
import type { Failure } from '../failure.ts'
import type { Admitted } from '../forward/admitted.ts'
import { forward, type ForwardPolicy } from '../forward/forward.ts'
import type { AdmittedUpgrade, WebSocketPolicy } from '../forward/websocket/websocket.ts'
import type { Log } from '../observe/log.ts'
import type { RouteTally } from '../observe/metrics/route-tally.ts'
import { storyLine } from '../observe/story.ts'
import type { LogOutOptions } from '../revoke/log-out.ts'
import { isBodyLeft } from '../message/unread-body.ts'

type RawRequest = RoutedRequest<TokenLocation>

/** What all routes have in common. */
export interface RouteParts {
  readonly log: Log
  readonly answer: Answer
  /** Takes tokens out of what goes on; undefined where they stay. */
  readonly strip: StripToken | undefined
  readonly stripSuperseded: (superseded: readonly string[]) => StripToken
  /** Where tokens are looked for. */
  readonly locations: readonly TokenLocation[]
  /** Answers routes with `action: revoke`. */
  readonly logOut: (admitted: Admitted, options: LogOutOptions) => void
}

/** What one route says. */
export interface RoutePolicy {
  readonly path: string
  readonly methods: readonly string[] | undefined
  readonly hosts: readonly string[] | undefined
  readonly encodedSlashes: boolean
  readonly emptySegments: boolean
  readonly cors: CorsPolicy | undefined
  readonly tally: RouteTally
  readonly admission: AdmissionPolicy<TokenLocation>
  /** How it is answered where it logs out. */
  readonly logOut: LogOutOptions
  /** Scopes to ask for in a challenge. */
  readonly scopes: readonly string[]
  /** Undefined: the route logs out instead. */
  readonly forwarding: ForwardPolicy | undefined
  /** Undefined: the route takes no WebSockets. */
  readonly webSocket: WebSocketPolicy | undefined
}

/** Its methods are the same functions for every route: what is one route's own is data, in few places (decision 0018). */
export class GatewayRoute implements CompiledRoute<TokenLocation> {
  readonly path: string
  readonly methods: readonly string[] | undefined
  readonly hosts: readonly string[] | undefined
  readonly encodedSlashes: boolean
  readonly emptySegments: boolean
  readonly demands: Demands
  readonly cors: CorsPolicy | undefined
  readonly takesWebSockets: boolean
  readonly #parts: RouteParts
  readonly tally: RouteTally
  readonly #admission: AdmissionPolicy<TokenLocation>
  readonly #forwarding: ForwardPolicy | undefined
  readonly #webSocket: WebSocketPolicy | undefined
  readonly #scopes: readonly string[]
  readonly #logOut: LogOutOptions

  constructor(policy: RoutePolicy, parts: RouteParts) {
    this.path = policy.path
    this.methods = policy.methods
    this.hosts = policy.hosts
    this.encodedSlashes = policy.encodedSlashes
    this.emptySegments = policy.emptySegments
    this.demands = policy.admission
    this.cors = policy.cors
    this.takesWebSockets = policy.webSocket !== undefined
    this.#parts = parts
    this.tally = policy.tally
    this.#admission = policy.admission
    this.#forwarding = policy.forwarding
    this.#webSocket = policy.webSocket
    this.#scopes = policy.scopes
    this.#logOut = policy.logOut
  }

  admit(request: RawRequest): ReturnType<typeof admit<TokenLocation>> {
    return admit(this.#admission, request)
  }

  refuse(failure: Failure, reply: FastifyReply): void {
    const { log, answer } = this.#parts
    const { id, raw } = reply.request
    if (log.isLevelEnabled('debug')) {
      const { code, detail } = failure
      log.debug({ requestId: id, route: this.path, code, detail, story: storyLine(failure) }, 'refused')
    }
    reply.hijack()
    answer(reply.raw, failure.code, id, {
      scopes: this.#scopes,
      headers: this.cors?.answerHeaders(raw.headers.origin),
      close: isBodyLeft(raw.headers),
    })
  }

  forward(request: RawRequest, reply: FastifyReply, admission: Admission<TokenLocation>): void {
    const admitted = this.#admitted(request, reply, admission)
    if (this.#forwarding === undefined) this.#parts.logOut(admitted, this.#logOut)
    else forward(this.#forwarding, admitted)
  }

  #admitted(request: RawRequest, reply: FastifyReply, { caller, location }: Admission<TokenLocation>): Admitted {
    return {
      request,
      response: reply.raw,
      requestId: reply.request.id,
      target: request.url,
      caller,
      location,
      strip: this.#stripOf(location),
      extraHeaders: this.cors?.answerHeaders(request.headers.origin),
    }
  }

  #stripOf(location: TokenLocation | undefined): StripToken | undefined {
    const { strip, stripSuperseded } = this.#parts
    if (location?.superseded === undefined) return strip
    const others = stripSuperseded(location.superseded)
    return (headers, target) => {
      const left = others(headers, target)
      return strip === undefined ? left : strip(headers, left)
    }
  }

  /** A request that was admitted, of a route that takes WebSockets. */
  admittedUpgrade(request: FastifyRequest, reply: FastifyReply): AdmittedUpgrade {
    const admission = request.admission as Admission<TokenLocation>
    return {
      ...this.#admitted(request.raw as RawRequest, reply, admission),
      policy: this.#webSocket as WebSocketPolicy,
      tokenProtocol: offeredTokenProtocol(this.#parts.locations, request.raw),
    }
  }
}
