// Sends a request body to the upstream, with backpressure.
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'

import type { OutgoingBody } from './transport.ts'
import { headerLines } from '../../message/raw-headers.ts'

export interface BodySenderEvents {
  /** The socket's buffer is full, so the body is paused. */
  onBackpressure(): void
  /** The socket's buffer is empty, so the body continues. */
  onDrained(): void
  /** The whole body was written to the socket. */
  onBodySent(): void
  onError(error: Error): void
}

/** Writes one body to the socket, in chunks (RFC 9112 section 7.1) if its length is not known. Begins at once. */
export class BodySender {
  readonly #socket: Socket
  readonly #outgoing: OutgoingBody
  readonly #body: Readable
  readonly #chunked: boolean
  readonly #events: BodySenderEvents
  #ended = false
  #sent = false

  constructor(socket: Socket, outgoing: OutgoingBody, chunked: boolean, events: BodySenderEvents) {
    this.#socket = socket
    this.#outgoing = outgoing
    this.#chunked = chunked
    this.#events = events
    this.#body = outgoing.open()
    this.#body.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError)
    socket.on('drain', this.#onDrain)
  }

  /** True when the whole body was written to the socket. */
  get sent(): boolean {
    return this.#sent
  }

  /** Stops, because the exchange has ended. Drops the rest of the body. */
  stop(): void {
    if (this.#ended) return
    this.#ended = true
    this.#socket.off('drain', this.#onDrain)
    this.#body.off('data', this.#onData).off('end', this.#onEnd)
    this.#body.destroy()
  }

  readonly #onData = (piece: Buffer): void => {
    if (piece.length === 0) return
    const socket = this.#socket
    let goesOn: boolean
    if (this.#chunked) {
      socket.cork()
      socket.write(`${piece.length.toString(16)}\r\n`, 'latin1')
      socket.write(piece)
      goesOn = socket.write('\r\n', 'latin1')
      socket.uncork()
    } else {
      goesOn = socket.write(piece)
    }
    if (goesOn) return
    this.#body.pause()
    this.#events.onBackpressure()
  }

  readonly #onDrain = (): void => {
    this.#events.onDrained()
    this.#body.resume()
  }

  readonly #onEnd = (): void => {
    this.#sent = true
    if (this.#chunked) this.#socket.write(`0\r\n${headerLines(this.#outgoing.trailers())}\r\n`, 'latin1')
    this.#ended = true
    this.#socket.off('drain', this.#onDrain)
    this.#events.onBodySent()
  }

  readonly #onError = (error: Error): void => {
    if (this.#ended) return
    this.#ended = true
    this.#socket.off('drain', this.#onDrain)
    this.#events.onError(error)
  }
}
