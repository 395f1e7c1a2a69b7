// What is counted and written about each request, when its response is over.
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Log } from './log.ts'
import type { RouteTally } from './metrics/route-tally.ts'
import { answeredWith } from '../accept/answer.ts'
import type { ClientOf } from '../message/client-address.ts'
import { failureRule, type FailureCode } from '../failure.ts'

/** The path alone: a query may hold tokens and personal data. */
function pathOf(url: string | undefined = ''): string {
  const queryAt = url.indexOf('?')
  return queryAt === -1 ? url : url.slice(0, queryAt)
}

/** nginx's code for a client that went away before the answer: never sent, but told apart in log and metrics. */
const CLIENT_CLOSED = 499

/** Written past the response, straight to the connection. */
const SWITCHED = 101

export interface AccessLog {
  readonly log: Log
  readonly clientOf: ClientOf
}

/** Called when a request comes; the returned function when its response is over. `accessLog` is undefined where no access lines are written. */
export function observe(
  tally: RouteTally,
  accessLog: AccessLog | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): () => void {
  const startedAt = performance.now()
  // A connection that is closed by then does not tell any more.
  const client = accessLog?.clientOf(request)
  return () => {
    const durationMs = performance.now() - startedAt
    const code = answeredWith(response)
    const isAnswered = response.headersSent || response.statusCode === SWITCHED || code !== undefined
    const status = isAnswered ? response.statusCode : CLIENT_CLOSED
    tally.countRequest(status, durationMs / 1000)
    if (accessLog === undefined) return
    const complete = response.writableFinished ? undefined : false
    accessLog.log.info(
      {
        requestId,
        method: request.method,
        path: pathOf(request.url),
        route: tally.route,
        status,
        code,
        complete,
        durationMs: Math.round(durationMs * 1000) / 1000,
        client,
      },
      'request',
    )
  }
}

/** The line of a request that no route was asked about. */
export function tellUnrouted(
  accessLog: AccessLog | undefined,
  request: IncomingMessage,
  requestId: string,
  code: FailureCode,
): void {
  if (accessLog === undefined) return
  const { method, url } = request
  const { status } = failureRule(code)
  const client = accessLog.clientOf(request)
  accessLog.log.info({ requestId, method, path: pathOf(url), status, code, client }, 'request')
}
