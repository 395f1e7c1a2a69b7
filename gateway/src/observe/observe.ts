// What is counted and written about each request, however it ends: one count and one line.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import { createLineLimit } from './line-limit.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics/metrics.ts'
import { UNROUTED, type RouteTally } from './metrics/route-tally.ts'
import { answeredWith } from '../accept/answer.ts'
import type { ConnectionFault } from '../accept/listen/client-error.ts'
import type { Clock } from '../clock.ts'
import type { ClientOf } from '../message/client-address.ts'
import { peerAddressOf } from '../message/trusted-proxies.ts'
import type { Config } from '../options/config.ts'
import { failureRule, type FailureCode } from '../failure.ts'

/** A request as it came: the framework is given another target where no route answers. */
export type ObservedRequest = IncomingMessage & { readonly originalUrl?: string | undefined }

const AUTHORITY = /^https?:\/\/[^/?#]*/i

/** The path alone: a query may hold tokens and personal data, an authority a password. */
function pathOf({ originalUrl, url }: ObservedRequest, hasRoute: boolean): string {
  const target = (hasRoute ? url : (originalUrl ?? url)) ?? ''
  const path = target.startsWith('/') ? target : target.replace(AUTHORITY, '')
  const queryAt = path.indexOf('?')
  return queryAt === -1 ? path : path.slice(0, queryAt)
}

/** nginx's code for a client that went away before the answer: never sent, but told apart in log and metrics. */
const CLIENT_CLOSED = 499

/** Written past the response, straight to the connection. */
const SWITCHED = 101

export interface ObserverParts {
  readonly log: Pick<Log, 'info'>
  readonly clientOf: ClientOf
  readonly metrics: Pick<Metrics, 'route'>
  readonly clock: Clock
}

export interface Observer {
  /** Called when a request comes; the returned function when its response is over. `tally` is that of its route, if it has one. */
  begin(
    request: ObservedRequest,
    response: ServerResponse,
    requestId: string,
    tally: RouteTally | undefined,
  ): () => void
  /** A request that had no response: its client left before it was its turn, or it was answered without (`code`). */
  onUnserved(request: ObservedRequest, requestId: string, code?: FailureCode): void
  /** What could not be parsed. Each is counted; of a flood of them, some are written. */
  onFault(socket: Socket, fault: ConnectionFault): void
}

export function createObserver(
  { access }: Pick<Config['log'], 'access'>,
  { log, clientOf, metrics, clock }: ObserverParts,
): Observer {
  const isWritten = access === 'on'
  const unrouted = metrics.route(UNROUTED)
  const { route } = unrouted
  const faultLimit = createLineLimit(clock)

  return {
    begin(request, response, requestId, tally = unrouted) {
      const startedAt = performance.now()
      return () => {
        const durationMs = performance.now() - startedAt
        const code = answeredWith(response)
        const isAnswered = response.headersSent || response.statusCode === SWITCHED || code !== undefined
        const status = isAnswered ? response.statusCode : CLIENT_CLOSED
        tally.countRequest(status, durationMs / 1000)
        if (!isWritten) return
        const complete = response.writableFinished ? undefined : false
        log.info(
          {
            requestId,
            method: request.method,
            path: pathOf(request, tally !== unrouted),
            route: tally.route,
            status,
            code,
            complete,
            durationMs: Math.round(durationMs * 1000) / 1000,
            client: clientOf(request),
          },
          'request',
        )
      }
    },
    onUnserved(request, requestId, code) {
      const status = code === undefined ? CLIENT_CLOSED : failureRule(code).status
      unrouted.countRequest(status, 0)
      if (!isWritten) return
      const { method } = request
      const complete = code === undefined ? false : undefined
      const client = clientOf(request)
      log.info({ requestId, method, path: pathOf(request, false), route, status, code, complete, client }, 'request')
    },
    onFault(socket, { requestId, code, isAnswered, reason, bytes }) {
      const status = isAnswered ? failureRule(code).status : CLIENT_CLOSED
      unrouted.countRequest(status, 0)
      if (!isWritten) return
      const suppressed = faultLimit()
      if (suppressed === undefined) return
      log.info(
        {
          ...{ requestId, route, status, code, reason, bytes },
          complete: isAnswered ? undefined : false,
          suppressed: suppressed === 0 ? undefined : suppressed,
          client: peerAddressOf({ socket }),
        },
        'request',
      )
    },
  }
}
