// Inserts successors of the caller's token into an event stream, between two events of the upstream.
import type { Duplex } from 'node:stream'

import type { Admitted } from '../admitted.ts'
import { responseKind } from './long-lived-response.ts'
import { RENEWED_TOKEN, type NextToken } from './stream-renewal.ts'
import type { LongLived, StreamWatch } from './stream-watch.ts'
import type { ResponseReceiver } from '../transport/transport.ts'
import { findHeader } from '../../message/raw-headers.ts'

/** The end of an event: an empty line, with any of three line ends (WHATWG HTML, section 9.2.5). */
const EMPTY_LINE = /(\r\n|\r|\n)(\r\n|\r|\n)$/
const LONGEST_EMPTY_LINE = 4

/** Wraps an exchange: passes all events on unchanged, and writes its own events to the client. */
export class RenewedEvents implements ResponseReceiver, LongLived {
  readonly #exchange: ResponseReceiver
  readonly #admitted: Admitted
  readonly #nextToken: NextToken
  readonly #watch: StreamWatch
  /** The last bytes of the stream; undefined when it is not an event stream. */
  #tail: string | undefined

  constructor(exchange: ResponseReceiver, admitted: Admitted, nextToken: NextToken, watch: StreamWatch) {
    this.#exchange = exchange
    this.#admitted = admitted
    this.#nextToken = nextToken
    this.#watch = watch
  }

  get ended(): boolean {
    return this.#exchange.ended
  }

  onTry(target: string): void {
    this.#exchange.onTry?.(target)
  }

  onSent(abort: () => void): void {
    this.#exchange.onSent(abort)
  }

  onInfo(status: number, rawHeaders: readonly string[]): void {
    this.#exchange.onInfo(status, rawHeaders)
  }

  onHead(status: number, statusText: string, rawHeaders: readonly string[], resume: () => void): void {
    this.#exchange.onHead(status, statusText, rawHeaders, resume)
    const { request, response } = this.#admitted
    const isEvents = status === 200 && request.method !== 'HEAD' && responseKind(rawHeaders) === 'events'
    // An encoded stream (gzip) cannot be extended.
    if (!isEvents || findHeader(rawHeaders, 'content-encoding') !== undefined) return
    // The start of the stream counts as the end of an event.
    this.#tail = '\n\n'
    this.#watch.add(this)
    response.on('close', () => {
      this.#watch.delete(this)
    })
  }

  onBody(chunk: Buffer): boolean {
    if (this.#tail !== undefined) {
      const end = chunk.toString('latin1', Math.max(0, chunk.length - LONGEST_EMPTY_LINE))
      this.#tail = (this.#tail + end).slice(-LONGEST_EMPTY_LINE)
    }
    return this.#exchange.onBody(chunk)
  }

  onEnd(rawTrailers: readonly string[]): void {
    this.#watch.delete(this)
    this.#exchange.onEnd(rawTrailers)
  }

  onError(error: Error): void {
    this.#watch.delete(this)
    this.#exchange.onError(error)
  }

  onUpgrade(rawHeaders: readonly string[], connection: Duplex): void {
    this.#exchange.onUpgrade(rawHeaders, connection)
  }

  check(_nowMs: number, wallMs: number): void {
    const { response } = this.#admitted
    if (this.ended || !response.headersSent || response.writableEnded || !EMPTY_LINE.test(this.#tail ?? '')) return
    const token = this.#nextToken(wallMs)
    if (token !== undefined) response.write(`event: ${RENEWED_TOKEN}\ndata: ${token}\n\n`)
  }
}
