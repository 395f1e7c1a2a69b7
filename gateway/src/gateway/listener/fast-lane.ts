// Opens the fast lane of the listener: plain requests are served without node:http, by the same router and the same steps.
import type { CorsByPath } from '../../accept/origins/cors-by-path.ts'
import type { Answer } from '../../accept/answer.ts'
import { openLane } from '../../accept/lane/lane.ts'
import type { Router } from '../../accept/routes/router.ts'
import type { Schedule } from '../../clock.ts'
import type { Log } from '../../observe/log.ts'
import type { Config } from '../../options/config.ts'
import type { App } from './app.ts'
import type { Route } from '../route.ts'
import type { Serve } from '../serve.ts'
import type { RawRequest } from '../steps.ts'

/** Node's own default. */
const MAX_HEADERS_TIME_MS = 60_000

export interface FastLaneParts extends Pick<App, 'app' | 'connections' | 'requestIdOf' | 'parsers' | 'onLost'> {
  readonly router: Pick<Router<Route>, 'assign'>
  readonly serve: Serve
  readonly cors: Pick<CorsByPath, 'headersOf'>
  readonly answer: Answer
  readonly schedule: Schedule
  readonly log: Pick<Log, 'error'>
}

export function openFastLane({ limits, upstreams }: Config, parts: FastLaneParts): { readonly held: number } {
  const { app, connections, requestIdOf, parsers, onLost, router, serve, cors, answer, schedule, log } = parts

  /** undici decodes names and values, so that they may hold what Node alone would refuse to write. */
  function isForLane({ config }: Route): boolean {
    return config?.upstream === undefined || upstreams[config.upstream]?.transport !== 'undici'
  }

  return openLane<Route>(app.server, {
    schedule,
    maxHeadBytes: limits.headerBytes,
    headersTimeoutMs: Math.min(MAX_HEADERS_TIME_MS, limits.requestTimeout),
    counts: parsers,
    maxWaiting: limits.inFlight,
    onLost,
    isRetired: () => connections.retired,
    serve(placed, response) {
      const request: RawRequest = placed as RawRequest
      request.refusal = router.assign(request)
      const route = request.entry?.route
      if (route !== undefined && !isForLane(route)) return false
      parsers.lane += 1
      const requestId = requestIdOf(request)
      try {
        serve({ request, response, requestId })
      } catch (error) {
        log.error({ requestId, error }, 'internal error')
        if (response.headersSent) response.destroy()
        else answer(response, 'internal_error', requestId, { headers: cors.headersOf(request) })
      }
      return true
    },
  })
}
