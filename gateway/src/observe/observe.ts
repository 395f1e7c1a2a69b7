// Counts each request once and writes its access line, however the request ends.
import type { Socket } from 'node:net'

import { createCallerFields } from './caller-fields.ts'
import { createLineLimit } from './line-limit.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics/metrics.ts'
import { UNROUTED, type RouteTally } from './metrics/route-tally.ts'
import { answeredWith } from '../accept/answer.ts'
import { RequestRecord, type RecordedRequest } from '../accept/request-record.ts'
import type { ConnectionFault } from '../accept/listen/client-error.ts'
import type { Clock } from '../clock.ts'
import type { GatewayResponse } from '../message/client-exchange.ts'
import type { ClientOf } from '../message/client-address.ts'
import { shortText } from '../message/shown-value.ts'
import { withoutTokens } from '../message/told-text.ts'
import { peerAddressOf } from '../message/trusted-proxies.ts'
import type { Config } from '../options/config.ts'
import { failureRule, type FailureCode } from '../failure.ts'

/** A request with its original target: Fastify replaces `url` when no route matches. */
export type ObservedRequest = RecordedRequest & { readonly originalUrl?: string | undefined }

const AUTHORITY = /^https?:\/\/[^/?#]*/i

/** Returns the path without authority and query: a query may hold tokens and personal data, an authority a password. */
function pathOf({ originalUrl, url }: ObservedRequest, hasRoute: boolean): string {
  const target = (hasRoute ? url : (originalUrl ?? url)) ?? ''
  const path = target.startsWith('/') ? target : target.replace(AUTHORITY, '')
  const queryAt = path.indexOf('?')
  return withoutTokens(queryAt === -1 ? path : path.slice(0, queryAt))
}

/** Removes userinfo before an @: an absolute target may hold a password there. */
function hostOf(host: string | undefined): string | undefined {
  return host?.slice(host.lastIndexOf('@') + 1)
}

/** W3C Trace Context, section 3.2: version, trace id, parent id, flags. */
const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/

function traceIdOf(traceparent: string | string[] | undefined): string | undefined {
  return typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent)?.[1] : undefined
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

/** nginx's status for a client that closed the connection before the response. It is only used in log and metrics. */
const CLIENT_CLOSED = 499

/** A 101 is written directly to the connection, so the response object does not show it. */
const SWITCHED = 101

function statusOf(response: GatewayResponse): number {
  const { statusCode } = response
  const isAnswered = response.headersSent || statusCode === SWITCHED || answeredWith(response) !== undefined
  return isAnswered ? statusCode : CLIENT_CLOSED
}

export interface ObserverParts {
  readonly log: Pick<Log, 'info' | 'isLevelEnabled'>
  readonly clientOf: ClientOf
  readonly metrics: Pick<Metrics, 'route'>
  readonly clock: Clock
}

export interface Observer {
  /**
   * Called when a request arrives. The returned function is called when its response has ended. `tally` is that of the route;
   * undefined without a route.
   */
  begin(
    request: ObservedRequest,
    response: GatewayResponse,
    requestId: string,
    tally: RouteTally | undefined,
  ): () => void
  /**
   * Reports a request without a response object: the client closed the connection while the request waited, or the gateway
   * refused it with `code`.
   */
  onUnserved(request: ObservedRequest, requestId: string, code?: FailureCode): void
  /** Reports a request that could not be parsed. All are counted; the log lines are limited (line-limit.ts). */
  onFault(socket: Socket, fault: ConnectionFault): void
}

/** Creates the observer. Requests are counted also when no access lines are written. */
export function createObserver(options: Config['log'], { log, clientOf, metrics, clock }: ObserverParts): Observer {
  const isWritten = options.access === 'on' && log.isLevelEnabled('info')
  const callerFields = createCallerFields(options)
  const unrouted = metrics.route(UNROUTED)
  const { route } = unrouted
  const faultLimit = createLineLimit(clock)

  return {
    begin(request, response, requestId, tally = unrouted) {
      if (!isWritten) {
        const startedAtMs = performance.now()
        return () => {
          tally.countRequest(statusOf(response), (performance.now() - startedAtMs) / 1000)
        }
      }
      const record = new RequestRecord()
      request.record = record
      return () => {
        const durationMs = performance.now() - record.startedAtMs
        const status = statusOf(response)
        tally.countRequest(status, durationMs / 1000)
        const { headers, socket } = request
        const host = hostOf(headers.host)
        const userAgent = headers['user-agent']
        const answered = answeredWith(response)
        const { subject, issuer, kid, claims } = callerFields(record.caller)
        // A WebSocket is counted by the bytes of its socket; the record holds minus the bytes of earlier requests.
        const isSwitched = status === SWITCHED
        log.info(
          {
            requestId,
            method: request.method,
            path: pathOf(request, tally !== unrouted),
            route: tally.route,
            status,
            code: answered?.code,
            detail: answered?.detail,
            complete: response.writableFinished ? undefined : false,
            durationMs: rounded(durationMs),
            client: clientOf(request),
            host: host === undefined ? undefined : shortText(host),
            protocol: `HTTP/${request.httpVersion}`,
            userAgent: userAgent === undefined ? undefined : shortText(userAgent),
            traceId: traceIdOf(headers['traceparent']),
            subject,
            issuer,
            kid,
            claims,
            upstream: record.upstream,
            target: record.target,
            tries: record.tries === 0 ? undefined : record.tries,
            upstreamMs: record.headAtMs === 0 ? undefined : rounded(record.headAtMs - record.sentAtMs),
            bytesIn: isSwitched ? record.bytesIn + socket.bytesRead : record.bytesIn,
            bytesOut: isSwitched ? record.bytesOut + socket.bytesWritten : record.bytesOut,
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
