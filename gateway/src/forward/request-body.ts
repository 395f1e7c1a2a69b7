// The body of a request on its way to the upstream: counted, bounded, and at the speed of the slower side.
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

import type { OutgoingBody } from './transport.ts'

export class BodyTooLarge extends Error {}
export class ClientGone extends Error {}

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
export class RequestBody extends Readable {
  readonly #source: IncomingMessage
  readonly #maxBytes: number
  #bytes = 0
  #attached = false

  constructor(source: IncomingMessage, maxBytes: number) {
    super()
    this.#source = source
    this.#maxBytes = maxBytes
  }

  override _read(): void {
    if (this.#attached) {
      this.#source.resume()
      return
    }
    this.#attached = true
    this.#source.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#source.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose)
    // The upstream has answered already, or failed: what the client still sends of this body has to be read before its next
    // request can be. Who sends too much is answered that, and closed.
    if (this.#attached && !this.#source.complete && !(error instanceof BodyTooLarge))
      this.#source.on('data', this.#onRest).resume()
    callback(error)
  }

  /** True as soon as the client's bytes are asked for: from then on they cannot be had a second time. */
  get begun(): boolean {
    return this.#attached
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length
    if (this.#bytes > this.#maxBytes) {
      this.#source.pause()
      this.destroy(new BodyTooLarge('the request body is too large'))
    } else if (!this.push(chunk)) {
      this.#source.pause()
    }
  }

  readonly #onRest = (chunk: Buffer): void => {
    this.#bytes += chunk.length
    if (this.#bytes > this.#maxBytes) this.#source.destroy()
  }

  readonly #onEnd = (): void => {
    this.push(null)
  }

  readonly #onClose = (): void => {
    if (!this.#source.complete) this.destroy(new ClientGone('the client went away'))
  }
}

/** The body of a request, which may be opened for each try until one of them has read of it. */
export function outgoingBody(
  source: IncomingMessage,
  maxBytes: number,
  trailersOf: (rawTrailers: readonly string[]) => readonly string[],
): OutgoingBody {
  let opened: RequestBody | undefined
  return {
    open: () => (opened = new RequestBody(source, maxBytes)),
    trailers: () => (source.rawTrailers.length === 0 ? source.rawTrailers : trailersOf(source.rawTrailers)),
    get begun() {
      return opened?.begun === true
    },
  }
}
