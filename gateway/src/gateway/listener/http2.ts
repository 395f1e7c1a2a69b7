// Opens HTTP/2 on a listener: its streams are served by the same router and the same steps.
import type { Server } from 'node:http'

import { openHttp2 } from '../../accept/http2/open-http2.ts'
import type { Connections } from '../../accept/listen/connections.ts'
import type { ListenerOptions } from '../../options/listen/listen.ts'
import type { Route } from '../route.ts'
import type { RawRequest } from '../steps.ts'
import type { App } from './app.ts'
import type { FastLaneParts } from './fast-lane.ts'

export interface Http2ListenerParts extends FastLaneParts, Pick<App, 'supervision'> {
  readonly connections: Connections
}

/** Over TLS for who chose it, else for who begins with it; nothing where the listener takes none. */
export function openHttp2Listener(server: Server, options: ListenerOptions, parts: Http2ListenerParts): void {
  const { tls, http2: isOffered, h2c, streams: maxStreams } = options
  if (!(tls === undefined ? h2c : isOffered)) return
  const { connections, requestIdOf, headLimits, parsers, serving, schedule, supervision } = parts
  const http2 = openHttp2<Route>(server, {
    ...{ schedule, headLimits, maxStreams, h2c },
    refuse: supervision.refuse,
    note: (socket) => {
      connections.note(socket)
    },
    isRetired: () => connections.retired,
    serve(placed, response) {
      const { router, serve } = serving.current
      const request: RawRequest = placed as RawRequest
      request.refusal = router.assign(request)
      parsers.http2 += 1
      serve({ request, response, requestId: requestIdOf(request) })
    },
    onFault(socket, reason) {
      const told = { requestId: requestIdOf(undefined), code: 'request_invalid', isAnswered: true } as const
      serving.current.observer.onFault(socket, { ...told, reason, bytes: undefined })
    },
  })
  connections.onRetire(() => {
    http2.retire()
  })
}
