// The request body on its way to the upstream: applies the limits of size and speed, with backpressure.
import { Readable } from 'node:stream'

import type { LongLived, StreamWatch } from './stream-watch.ts'
import type { RecordedRequest } from '../../accept/request-record.ts'
import type { OutgoingBody } from '../transport/transport.ts'
import type { GatewayRequest } from '../../message/client-exchange.ts'

export class BodyTooLarge extends Error {}
export class BodyTooSlow extends Error {}
export class ClientGone extends Error {}

/** Limits of request bodies for a route. Compiled once. */
export interface BodyLimits {
  readonly maxBytes: number
  /** Longest pause between two pieces, and grace time before `minBytesPerSec` applies. 0: no limit. */
  readonly timeoutMs: number
  /** Least average speed after the grace time. 0: no limit. */
  readonly minBytesPerSec: number
  readonly watch: StreamWatch
}

/** True when the request has a body, by Content-Length or Transfer-Encoding (RFC 9112 section 6). */
export function hasBody({ headers }: GatewayRequest): boolean {
  if (headers['transfer-encoding'] !== undefined) return true
  const length = headers['content-length']
  return length !== undefined && length !== '0'
}

/**
 * A copy of the client's message stream. A transport destroys its stream when the exchange fails, and destroying the message
 * itself would close the client's connection before the gateway can answer.
 */
export class RequestBody extends Readable implements LongLived {
  readonly #source: RecordedRequest
  readonly #limits: BodyLimits
  #bytes = 0
  #attached = false
  #moved = false
  #movedAtMs = 0
  /** Time in which the client could send, without the time in which the upstream caused backpressure. */
  #tookMs = 0
  #lookedAtMs: number | undefined

  constructor(source: RecordedRequest, limits: BodyLimits) {
    super()
    this.#source = source
    this.#limits = limits
  }

  override _read(): void {
    if (this.#attached) {
      this.#source.resume()
      return
    }
    this.#attached = true
    this.#limits.watch.add(this)
    this.#source.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#limits.watch.delete(this)
    this.#source.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose)
    // After an early response or an error, the rest of the body must be read before the client's next request. After a fault of
    // the client the gateway answers and closes the connection instead.
    if (this.#attached && !this.#source.complete && !isTheClients(error)) this.#source.on('data', this.#onRest).resume()
    callback(error)
  }

  check(nowMs: number): void {
    const { timeoutMs, minBytesPerSec } = this.#limits
    const passedMs = nowMs - (this.#lookedAtMs ?? nowMs)
    this.#lookedAtMs = nowMs
    // Paused by backpressure, the client cannot send.
    const waits = this.#source.isPaused()
    if (this.#moved || waits || passedMs === 0) this.#movedAtMs = nowMs
    this.#moved = false
    if (!waits) this.#tookMs += passedMs
    if (timeoutMs === 0) return
    if (nowMs - this.#movedAtMs >= timeoutMs)
      this.destroy(new BodyTooSlow(`the request body stood still for ${timeoutMs} ms`))
    else if (minBytesPerSec > 0 && this.#tookMs >= timeoutMs + (this.#bytes / minBytesPerSec) * 1000)
      this.destroy(
        new BodyTooSlow(
          `the request body came too slowly: ${this.#bytes} bytes in ${Math.round(this.#tookMs)} ms, wanted are ${minBytesPerSec} a second`,
        ),
      )
  }

  /** True once reading has begun; the bytes cannot be read again. */
  get begun(): boolean {
    return this.#attached
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#moved = true
    this.#bytes += chunk.length
    const { record } = this.#source
    if (record !== undefined) record.bytesIn = this.#bytes
    if (this.#bytes > this.#limits.maxBytes) {
      this.#source.pause()
      this.destroy(
        new BodyTooLarge(`${this.#bytes} bytes and more came, allowed are ${this.#limits.maxBytes} (bodyBytes)`),
      )
    } else if (!this.push(chunk)) {
      this.#source.pause()
    }
  }

  readonly #onRest = (chunk: Buffer): void => {
    this.#bytes += chunk.length
    if (this.#bytes > this.#limits.maxBytes) this.#source.destroy()
  }

  readonly #onEnd = (): void => {
    this.#limits.watch.delete(this)
    this.push(null)
  }

  readonly #onClose = (): void => {
    if (!this.#source.complete) this.destroy(new ClientGone('the client went away'))
  }
}

/** True when the client caused the error, by a body too large or too slow. */
function isTheClients(error: Error | null): boolean {
  return error instanceof BodyTooLarge || error instanceof BodyTooSlow
}

/** Creates the body of a request. It can be opened for each retry until one has begun to read. */
export function outgoingBody(
  source: RecordedRequest,
  limits: BodyLimits,
  trailersOf: (rawTrailers: readonly string[]) => readonly string[],
): OutgoingBody {
  let opened: RequestBody | undefined
  const whole = source.wholeBody
  if (whole !== undefined && source.record !== undefined) source.record.bytesIn = whole.length
  return {
    whole,
    open: () => (opened = new RequestBody(source, limits)),
    trailers: () => (source.rawTrailers.length === 0 ? source.rawTrailers : trailersOf(source.rawTrailers)),
    get begun() {
      return opened?.begun === true
    },
  }
}
