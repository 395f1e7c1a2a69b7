// One exchange: passes a response from the upstream to the client, and ends each side when the other has ended.
import type { Duplex } from 'node:stream'

import type { Admitted } from './admitted.ts'
import { breakOff, endWith, sendInformation, writeHead } from './streams/client-response.ts'
import { hasBody } from './streams/request-body.ts'
import { responseKind, type ResponseKind } from './streams/long-lived-response.ts'
import { responseHeaders, type ResponsePolicy } from './headers/response-headers.ts'
import type { LongLived, StreamWatch } from './streams/stream-watch.ts'
import type { ResponseReceiver } from './transport/transport.ts'
import { isUpstreamsFault, TimedOut, upstreamFailure } from './upstream/upstream-failure.ts'
import type { Answer } from '../accept/answer.ts'
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { Clock } from '../clock.ts'
import { grpcTimeoutMs } from '../message/fields/grpc-call.ts'
import type { FailureCode } from '../failure.ts'

/** What a route sets for its exchanges, compiled once. `upstream` is a name in the config. */
export interface ExchangePolicy extends ResponsePolicy {
  readonly upstream: string
  /** Longest pause in a response body, and in an event stream. 0: no limit. */
  readonly idleTimeoutMs: number
  readonly eventStreamIdleTimeoutMs: number
  /** Longest time for the whole exchange; undefined: no limit. */
  readonly totalTimeoutMs: number | undefined
  readonly clock: Clock
  readonly watch: StreamWatch
  /** False when the caller's token has expired or is blocked. Undefined: streams may outlive the token. */
  readonly isStillGood: ((caller: AuthResult, wallMs: number) => boolean) | undefined
  readonly answer: Answer
  /** The exchange failed. `cause` is for the log only. */
  readonly onFailure: (requestId: string, code: FailureCode, cause: string) => void
}

/** Receives the response to one request. Long-lived responses are checked by the stream watch. */
export class Exchange implements ResponseReceiver, LongLived {
  readonly #policy: ExchangePolicy
  readonly #admitted: Admitted
  readonly #startedAtMs: number | undefined
  readonly #deadlineMs: number
  #abort: (() => void) | undefined
  #resume: (() => void) | undefined
  /** The chunk that arrived in the tick of the head: usually the whole body. */
  #firstChunk: Buffer | undefined
  #rawHead: readonly string[] | undefined
  /** Headers for the client until they are written. Until then an error can still become a failure response. */
  #headers: string[] | undefined
  #status = 0
  #reason = ''
  #kind: ResponseKind | undefined
  #waited = false
  #continued = false
  /** Bytes have passed since the last check. */
  #moved = true
  #movedAtMs = 0
  #ended = false

  constructor(policy: ExchangePolicy, admitted: Admitted) {
    this.#policy = policy
    this.#admitted = admitted
    admitted.response.on('close', () => {
      this.#onClientGone()
    })
    this.#deadlineMs = Math.min(policy.totalTimeoutMs ?? Infinity, grpcTimeoutMs(admitted.request))
    if (this.#deadlineMs === Infinity) return
    this.#startedAtMs = policy.clock.monotonic()
    policy.watch.add(this)
  }

  get ended(): boolean {
    return this.#ended
  }

  onTry(target: string): void {
    this.#admitted.request.record?.onTry(this.#policy.upstream, target)
  }

  onSent(abort: () => void): void {
    this.#abort = abort
    const { request, response } = this.#admitted
    if (this.#ended) abort()
    else if (request.headers.expect !== undefined && request.httpVersion !== '1.0' && !this.#continued) {
      this.#continued = true
      response.writeContinue()
    }
  }

  onInfo(status: number, rawHeaders: readonly string[]): void {
    const { request, response, requestId } = this.#admitted
    if (request.httpVersion === '1.0' || response.headersSent) return
    sendInformation(response, status, this.#policy.filter.toClient(rawHeaders, requestId, undefined))
  }

  onHead(status: number, statusText: string, rawHeaders: readonly string[], resume: () => void): void {
    this.#admitted.request.record?.onHead()
    this.#rawHead = rawHeaders
    this.#resume = resume
    this.#headers = responseHeaders(this.#policy, this.#admitted, status, rawHeaders)
    this.#status = status
    this.#reason = statusText
    // The head is written with a chunk that arrives in this tick, in one write, or else alone.
    process.nextTick(flush, this)
  }

  onBody(chunk: Buffer): boolean {
    this.#moved = true
    const { request, response } = this.#admitted
    if (request.record !== undefined) request.record.bytesOut += chunk.length
    if (!this.#waited && this.#firstChunk === undefined) {
      this.#firstChunk = chunk
      return true
    }
    this.#writeFirstChunk()
    if (response.write(chunk)) return true
    response.once('drain', () => {
      this.#moved = true
      this.#resume?.()
    })
    return false
  }

  onEnd(rawTrailers: readonly string[]): void {
    if (this.#ended) return
    this.#finish()
    this.#writeHead()
    const { response } = this.#admitted
    if (rawTrailers.length > 0 && response.chunkedEncoding)
      response.addTrailers(this.#policy.filter.trailersToClient(rawTrailers))
    endWith(response, this.#firstChunk)
    this.#firstChunk = undefined
  }

  onError(error: Error): void {
    if (this.#ended) return
    this.#finish()
    const { response, request, requestId, extraHeaders } = this.#admitted
    const code = upstreamFailure(error)
    this.#policy.onFailure(requestId, code, error.message)
    // The response is incomplete: a proper end would make it look complete (RFC 9112 section 8).
    if (response.headersSent) {
      this.#writeFirstChunk()
      response.destroy()
    } else {
      const close = !isUpstreamsFault(error) || (hasBody(request) && !request.complete)
      this.#policy.answer(response, code, requestId, { headers: extraHeaders, detail: error.message, close })
    }
  }

  onUpgrade(rawHeaders: readonly string[], connection: Duplex): void {
    if (this.#ended) {
      connection.destroy()
      return
    }
    const { onUpgrade = () => new Error('protocols were switched though nobody asked') } = this.#admitted
    const problem = onUpgrade(rawHeaders, connection)
    if (problem === undefined) this.#finish()
    else {
      connection.destroy()
      this.onError(problem)
    }
  }

  /** Runs after the tick of the head: writes what has arrived, and starts the checks if the response has not ended. */
  flush(): void {
    this.#waited = true
    if (this.#ended || this.#admitted.response.destroyed) return
    this.#writeHead()
    if (this.#firstChunk === undefined) this.#admitted.response.flushHeaders()
    else this.#writeFirstChunk()
    this.#policy.watch.add(this)
  }

  /** Ends the exchange when a timeout has expired, the token has ended, or the process shuts down (LongLived). */
  check(nowMs: number, wallMs: number, leaveMs: number): void {
    if (this.#moved) this.#movedAtMs = nowMs
    this.#moved = false
    const { idleTimeoutMs, eventStreamIdleTimeoutMs, isStillGood } = this.#policy
    if (nowMs - (this.#startedAtMs ?? nowMs) >= this.#deadlineMs) {
      this.#timeOut(`the whole exchange took more than ${this.#deadlineMs} ms (timeouts.total or grpc-timeout)`)
      return
    }
    if (this.#rawHead === undefined) return
    const kind = (this.#kind ??= responseKind(this.#rawHead))
    const { caller } = this.#admitted
    const mustLeave = kind === 'events' && this.#movedAtMs <= leaveMs
    if (mustLeave || (kind !== 'bounded' && caller !== undefined && isStillGood?.(caller, wallMs) === false)) {
      this.#endEarly(kind)
      return
    }
    const idleMs = kind === 'events' ? eventStreamIdleTimeoutMs : idleTimeoutMs
    if (idleMs > 0 && nowMs - this.#movedAtMs >= idleMs) this.#timeOut(`the body stood still for ${idleMs} ms`)
  }

  #endEarly(kind: ResponseKind): void {
    this.#finish()
    this.#writeHead()
    this.#abort?.()
    breakOff(this.#admitted, kind)
  }

  #timeOut(message: string): void {
    const abort = this.#abort
    this.onError(new TimedOut(message))
    abort?.()
  }

  #writeHead(): void {
    const headers = this.#headers
    if (headers === undefined) return
    this.#headers = undefined
    writeHead(this.#admitted.response, this.#status, this.#reason, headers)
  }

  #writeFirstChunk(): void {
    const chunk = this.#firstChunk
    if (chunk === undefined) return
    this.#firstChunk = undefined
    this.#writeHead()
    this.#admitted.response.write(chunk)
  }

  #onClientGone(): void {
    if (this.#ended) return
    this.#finish()
    this.#abort?.()
  }

  #finish(): void {
    this.#ended = true
    this.#policy.watch.delete(this)
  }
}

function flush(exchange: Exchange): void {
  exchange.flush()
}
