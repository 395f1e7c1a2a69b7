// One route of the config, compiled: its admission, its forwarding, and how it refuses.
import { createAdmission } from './accept/admit.ts'
import { corsHeaders } from './accept/cors.ts'
import type { FailureLimit } from './accept/failure-limit.ts'
import type { CompiledRoute } from './accept/routes.ts'
import type { Answer } from './answer.ts'
import { anonymousResult } from './authenticate/auth-result.ts'
import type { Authenticator } from './authenticate/authenticate.ts'
import type { TrustedIssuer } from './authenticate/issuers.ts'
import { createTokenFinder, createTokenLocation, type TokenLocation } from './authenticate/token-location.ts'
import { compileRequirement, scopesToAskFor } from './authorize/authorize.ts'
import type { Config } from './config.ts'
import { createForward } from './forward/forward.ts'
import type { HeaderFilter } from './forward/headers.ts'
import { compileRewrite } from './forward/rewrite.ts'
import { createStripToken, type StripToken } from './forward/strip-token.ts'
import type { Transport } from './forward/transport.ts'
import type { Log } from './operate/log.ts'
import type { Metrics } from './operate/metrics.ts'
import { createObserve } from './operate/observe.ts'
import { storyLine } from './operate/story.ts'

type RouteConfig = Config['routes'][number]

export interface RouteCompilerParts {
  readonly config: Config
  readonly authenticator: Authenticator
  readonly issuers: readonly TrustedIssuer[]
  readonly transports: ReadonlyMap<string, Transport>
  readonly filter: HeaderFilter
  readonly anonymousHeader: string | undefined
  readonly failureLimit: FailureLimit | undefined
  readonly answer: Answer
  readonly metrics: Metrics
  readonly log: Log
}

export function createRouteCompiler(parts: RouteCompilerParts): (route: RouteConfig) => CompiledRoute<TokenLocation> {
  const { config, authenticator, issuers, transports, filter, answer, metrics, log } = parts
  const locations = config.tokens.from.map(createTokenLocation)
  const findToken = createTokenFinder(locations)
  const strips = new Map<TokenLocation, StripToken | undefined>(
    locations.map((location) => [location, createStripToken(location, config.tokens.forward)]),
  )
  const anonymous = anonymousResult(parts.anonymousHeader)
  const accessLog = config.log.access === 'on' ? log : undefined

  return function compileRoute(route) {
    const tally = metrics.route(route.path)
    const accepted = issuers.filter(({ name }) => route.issuers === undefined || route.issuers.includes(name))
    const upstream = config.upstreams[route.upstream]
    const transport = transports.get(route.upstream)
    if (upstream === undefined || transport === undefined) throw new Error(`route ${route.path} names no upstream`)

    const admit = createAdmission({
      auth: route.auth,
      encodedSlashes: route.encodedSlashes === 'allow',
      findToken,
      authenticate: (token) => authenticator.authenticate(token, accepted),
      isRemembered: authenticator.cache.has,
      failureLimit: parts.failureLimit,
      authorize: route.require === undefined ? undefined : compileRequirement(route.require),
      anonymous,
      onDecision: (decision, enforced) => {
        tally.countDecision(decision, enforced)
      },
    })
    const forward = createForward({
      upstream: route.upstream,
      transport,
      filter,
      rewrite: compileRewrite(route.path, route.rewrite),
      headersTimeoutMs: route.timeouts?.headers ?? upstream.timeouts.headers,
      idleTimeoutMs: route.timeouts?.idle ?? upstream.timeouts.idle,
      maxBodyBytes: config.limits.bodyBytes,
      answer,
      onFailure: (requestId, code, cause) => {
        log.warn({ requestId, route: route.path, upstream: route.upstream, code, cause }, 'not forwarded to its end')
      },
    })
    const cors = route.cors ?? config.cors
    const scopes = route.require === undefined ? [] : scopesToAskFor(route.require)

    return {
      path: route.path,
      methods: route.methods,
      hosts: route.hosts,
      cors,
      observe: createObserve(tally, accessLog),
      admit,
      forward: (request, reply, { caller, location }) => {
        forward({
          request,
          response: reply.raw,
          requestId: reply.request.id,
          target: request.url,
          authResult: caller?.headerValue,
          strip: location === undefined ? undefined : strips.get(location),
          extraHeaders: cors === undefined ? undefined : corsHeaders(reply),
        })
      },
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
