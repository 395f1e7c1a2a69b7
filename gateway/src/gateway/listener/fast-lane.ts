// Opens the fast lane of the listener: plain requests are served without node:http, by the same router and the same steps.
import { openLane } from '../../accept/lane/lane.ts'
import type { Schedule } from '../../clock.ts'
import type { App } from './app.ts'
import type { Route } from '../route.ts'
import type { InFlight } from '../serve.ts'
import type { RawRequest } from '../steps.ts'
import type { Current } from './serving.ts'

export interface FastLaneParts extends Pick<
  App,
  'app' | 'connections' | 'requestIdOf' | 'headLimits' | 'parsers' | 'onLost'
> {
  readonly serving: Current
  readonly inFlight: Pick<InFlight, 'limit'>
  readonly schedule: Schedule
}

export function openFastLane(parts: FastLaneParts): { readonly held: number } {
  const { app, connections, requestIdOf, headLimits, parsers, onLost, serving, inFlight, schedule } = parts

  return openLane<Route>(app.server, {
    schedule,
    maxHeadBytes: headLimits.bytes,
    headersTimeoutMs: headLimits.timeoutMs,
    counts: parsers,
    maxWaiting: () => inFlight.limit,
    onLost,
    isRetired: () => connections.retired,
    serve(placed, response) {
      const { router, serve } = serving.current
      const request: RawRequest = placed as RawRequest
      request.refusal = router.assign(request)
      const route = request.entry?.route
      if (route?.isForLane === false) return false
      parsers.lane += 1
      serve({ request, response, requestId: requestIdOf(request) })
      return true
    },
  })
}
