// The request body on its way to the upstream: counted, bounded in size and slowness, read as fast as the upstream takes it.
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

import type { LongLived, StreamWatch } from './stream-watch.ts'
import type { RecordedRequest } from '../../accept/request-record.ts'
import type { OutgoingBody } from '../transport/transport.ts'

export class BodyTooLarge extends Error {}
export class BodyTooSlow extends Error {}
export class ClientGone extends Error {}

/** What a route takes of a body. Compiled once. */
export interface BodyLimits {
  readonly maxBytes: number
  /** Longest pause between two pieces, and what the whole may take before its speed counts. 0 for no limit. */
  readonly timeoutMs: number
  /** Bytes for which the whole may take another second. 0 for no limit. */
  readonly minBytesPerSec: number
  readonly watch: StreamWatch
}

/** True when the request has a body to send: announced by its length or by chunks (RFC 9112 section 6). */
export function hasBody({ headers }: IncomingMessage): boolean {
  if (headers['transfer-encoding'] !== undefined) return true
  const length = headers['content-length']
  return length !== undefined && length !== '0'
}

/**
 * Stands between the client's message and a transport, which destroys the stream it is given when the exchange fails: that
 * would take the client's connection with it before the failure could be answered.
 */
export class RequestBody extends Readable implements LongLived {
  readonly #source: RecordedRequest
  readonly #limits: BodyLimits
  #bytes = 0
  #attached = false
  #moved = false
  #movedAtMs = 0
  /** Of the time in which the client could have sent: what the upstream's slowness took is not its fault. */
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
    // The upstream has answered already, or failed: what the client still sends of this body has to be read before its next
    // request can be. Who sends too much is answered that, and closed.
    if (this.#attached && !this.#source.complete && !isTheClients(error)) this.#source.on('data', this.#onRest).resume()
    callback(error)
  }

  check(nowMs: number): void {
    const { timeoutMs, minBytesPerSec } = this.#limits
    const passedMs = nowMs - (this.#lookedAtMs ?? nowMs)
    this.#lookedAtMs = nowMs
    // A slow or full upstream keeps the client from sending.
    const waits = this.#source.isPaused()
    if (this.#moved || waits || passedMs === 0) this.#movedAtMs = nowMs
    this.#moved = false
    if (!waits) this.#tookMs += passedMs
    if (timeoutMs === 0) return
    if (nowMs - this.#movedAtMs >= timeoutMs) this.destroy(new BodyTooSlow('the request body stood still'))
    else if (minBytesPerSec > 0 && this.#tookMs >= timeoutMs + (this.#bytes / minBytesPerSec) * 1000)
      this.destroy(new BodyTooSlow('the request body came too slowly'))
  }

  /** True as soon as the client's bytes are asked for: from then on they cannot be had a second time. */
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

/** The client sends too much or too slowly: it is told, and its connection closed. */
function isTheClients(error: Error | null): boolean {
  return error instanceof BodyTooLarge || error instanceof BodyTooSlow
}

/** The body of a request, which may be opened for each try until one of them has read of it. */
export function outgoingBody(
  source: RecordedRequest,
  limits: BodyLimits,
  trailersOf: (rawTrailers: readonly string[]) => readonly string[],
): OutgoingBody {
  let opened: RequestBody | undefined
  return {
    open: () => (opened = new RequestBody(source, limits)),
    trailers: () => (source.rawTrailers.length === 0 ? source.rawTrailers : trailersOf(source.rawTrailers)),
    get begun() {
      return opened?.begun === true
    },
  }
}
