// One route of the config, compiled: its admission, its forwarding, and how it refuses.
import type { FastifyReply } from 'fastify'

import { createAdmission, type Admission } from './accept/admit.ts'
import { corsHeaders } from './accept/cors.ts'
import type { FailureLimit } from './accept/failure-limit.ts'
import type { CompiledRoute, RawRequest } from './accept/routes.ts'
import type { Answer } from './answer.ts'
import { anonymousResult, type AuthResult } from './authenticate/auth-result.ts'
import type { Authenticator } from './authenticate/authenticate.ts'
import type { TrustedIssuer } from './authenticate/issuers.ts'
import { createTokenFinder, createTokenLocation, type TokenLocation } from './authenticate/token-location.ts'
import { compileRequirement, scopesToAskFor } from './authorize/authorize.ts'
import type { Clock, Schedule } from './clock.ts'
import type { Config } from './config.ts'
import { createForward, type ForwardPolicy } from './forward/forward.ts'
import { authoritiesOf } from './forward/location.ts'
import type { HeaderFilter } from './forward/headers.ts'
import { compileRewrite } from './forward/rewrite.ts'
import { createStripToken, type StripToken } from './forward/strip-token.ts'
import type { StreamWatch } from './forward/stream-watch.ts'
import type { Upstream } from './forward/upstream.ts'
import { createWebSocketMount } from './forward/websocket.ts'
import type { Log } from './operate/log.ts'
import type { Metrics } from './operate/metrics.ts'
import { createObserve } from './operate/observe.ts'
import { storyLine } from './operate/story.ts'
import { createLogOut, type LogOutParts } from './revoke/log-out.ts'
import type { Revocation } from './revoke/revocation.ts'
import { createStreamCheck } from './revoke/stream-check.ts'

type RouteConfig = Config['routes'][number]

export interface RouteCompilerParts {
  readonly config: Config
  readonly authenticator: Authenticator
  readonly issuers: readonly TrustedIssuer[]
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly filter: HeaderFilter
  readonly clock: Clock
  readonly revocation: Revocation
  readonly renewalOf: LogOutParts['renewalOf']
  readonly schedule: Schedule
  readonly onRenewed: (caller: AuthResult) => void
  readonly watch: StreamWatch
  /** Whether a peer is a proxy whose word about the client counts. */
  readonly isTrusted: (address: string) => boolean
  readonly anonymousHeader: string | undefined
  readonly failureLimit: FailureLimit | undefined
  readonly answer: Answer
  readonly metrics: Metrics
  readonly log: Log
}

export function createRouteCompiler(parts: RouteCompilerParts): (route: RouteConfig) => CompiledRoute<TokenLocation> {
  const { config, authenticator, issuers, upstreams, filter, revocation, answer, metrics, log } = parts
  const logOut = createLogOut({
    ...parts,
    onLogOut: ({ issuer }, requestId) => {
      log.info({ requestId, issuer }, 'token revoked by its user')
    },
  })
  const locations = config.tokens.from.map(createTokenLocation)
  const findToken = createTokenFinder(locations)
  const strips = new Map<TokenLocation, StripToken | undefined>(
    locations.map((location) => [location, createStripToken(location, config.tokens.forward)]),
  )
  const vary = [
    ...new Set(locations.map(({ header, cookie }) => header ?? (cookie === undefined ? 'authorization' : 'cookie'))),
  ]
  const anonymous = anonymousResult(parts.anonymousHeader)
  const accessLog = config.log.access === 'on' ? log : undefined

  return function compileRoute(route) {
    const tally = metrics.route(route.path)
    const accepted = issuers.filter(({ name }) => route.issuers === undefined || route.issuers.includes(name))
    const admit = createAdmission({
      auth: route.auth,
      encodedSlashes: route.encodedSlashes === 'allow',
      websocket: route.websocket,
      findToken,
      authenticate:
        config.revocation.onStoreDown === 'serve'
          ? (token) => authenticator.authenticate(token, accepted)
          : (token) => revocation.refusal() ?? authenticator.authenticate(token, accepted),
      isRemembered: authenticator.cache.has,
      failureLimit: parts.failureLimit,
      authorize: route.require === undefined ? undefined : compileRequirement(route.require),
      anonymous,
      onDecision: (decision, enforced) => {
        tally.countDecision(decision, enforced)
      },
    })
    const cors = route.cors ?? config.cors

    function admittedOf(request: RawRequest, reply: FastifyReply, { caller, location }: Admission<TokenLocation>) {
      return {
        request,
        response: reply.raw,
        requestId: reply.request.id,
        target: request.url,
        caller,
        place: location,
        strip: location === undefined ? undefined : strips.get(location),
        extraHeaders: cors === undefined ? undefined : corsHeaders(reply),
      }
    }
    const scopes = route.require === undefined ? [] : scopesToAskFor(route.require)

    const admitted = {
      path: route.path,
      methods: route.methods,
      hosts: route.hosts,
      cors,
      observe: createObserve(tally, accessLog),
      admit,
      refuse: (failure, _request, reply) => {
        const { code, detail } = failure
        if (log.isLevelEnabled('debug')) {
          log.debug(
            { requestId: reply.request.id, route: route.path, code, detail, story: storyLine(failure) },
            'refused',
          )
        }
        reply.hijack()
        answer(reply.raw, code, reply.request.id, {
          scopes,
          headers: cors === undefined ? undefined : corsHeaders(reply),
          ...closing(reply.request.raw.headers),
        })
      },
    } satisfies Partial<CompiledRoute<TokenLocation>>

    if (route.action === 'revoke') {
      return {
        ...admitted,
        mountWebSocket: undefined,
        forward: (request, reply, admission) => {
          logOut(admittedOf(request, reply, admission))
        },
      }
    }
    const upstream = config.upstreams[route.upstream ?? '']
    const transport = upstreams.get(route.upstream ?? '')
    if (upstream === undefined || transport === undefined) throw new Error(`route ${route.path} names no upstream`)
    const policy: ForwardPolicy = {
      transport,
      filter,
      rewrite: compileRewrite(route.path, route.rewrite),
      authorities: authoritiesOf(upstream.targets),
      connectTimeoutMs: route.timeouts?.connect ?? upstream.timeouts.connect,
      headersTimeoutMs: route.timeouts?.headers ?? upstream.timeouts.headers,
      idleTimeoutMs: route.timeouts?.idle ?? upstream.timeouts.idle,
      eventStreamIdleTimeoutMs: route.timeouts?.idle ?? 0,
      totalTimeoutMs: route.timeouts?.total ?? upstream.timeouts.total,
      maxBodyBytes: route.bodyBytes ?? config.limits.bodyBytes,
      preserveHost: upstream.preserveHost,
      isTrusted: parts.isTrusted,
      isStillGood: createStreamCheck(revocation.list, route.onExpiry),
      watch: parts.watch,
      clock: parts.clock,
      vary: vary.join(', '),
      onRenewed: parts.onRenewed,
      answer,
      onFailure: (requestId, code, cause) => {
        log.warn({ requestId, route: route.path, upstream: route.upstream, code, cause }, 'not forwarded to its end')
      },
    }
    const forward = createForward(policy)
    const mountWebSocket = !route.websocket
      ? undefined
      : createWebSocketMount(
          {
            ...policy,
            origins: route.origins,
            closeCode: route.closeCode,
            maxMessageBytes: config.limits.messageBytes,
          },
          (request, reply) => {
            const admission = request.admission as Admission<TokenLocation>
            return {
              ...admittedOf(request.raw as RawRequest, reply, admission),
              byCookie: admission.location?.cookie !== undefined,
              tokenProtocol: admission.location?.websocketProtocol,
            }
          },
        )

    return {
      ...admitted,
      mountWebSocket,
      forward: (request, reply, admission) => {
        forward(admittedOf(request, reply, admission))
      },
    }
  }
}

/** A body of a refused request is not waited for: a small one is read and dropped, a large one ends the connection. */
const DROPPED_BODY_BYTES = 65_536

function closing(headers: {
  readonly expect?: string | undefined
  readonly 'content-length'?: string | undefined
  readonly 'transfer-encoding'?: string | undefined
}): { readonly close: boolean } {
  return {
    close:
      headers.expect !== undefined ||
      headers['transfer-encoding'] !== undefined ||
      Number(headers['content-length'] ?? 0) > DROPPED_BODY_BYTES,
  }
}
