// Opens the fast lane of a listener: plain requests are served without node:http, by the same router and the same steps.
import type { Server } from 'node:http'

import { openLane } from '../../accept/lane/lane.ts'
import type { Connections } from '../../accept/listen/connections.ts'
import type { Schedule } from '../../clock.ts'
import type { App } from './app.ts'
import type { Route } from '../route.ts'
import type { InFlight } from '../serve.ts'
import type { RawRequest } from '../steps.ts'
import type { Current } from './serving.ts'

export interface FastLaneParts extends Pick<App, 'requestIdOf' | 'headLimits' | 'parsers' | 'onLost' | 'held'> {
  readonly serving: Current
  readonly inFlight: Pick<InFlight, 'limit'>
  readonly schedule: Schedule
}

export function openFastLane(server: Server, connections: Pick<Connections, 'retired'>, parts: FastLaneParts): void {
  const { requestIdOf, headLimits, parsers, onLost, held, serving, inFlight, schedule } = parts

  openLane<Route>(server, {
    schedule,
    held,
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
