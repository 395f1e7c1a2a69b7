// Sends a request body over a connection, as fast as the upstream takes it.
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'

import type { OutgoingBody } from './transport.ts'
import { headerLines } from '../../message/raw-headers.ts'

export interface BodySenderEvents {
  /** The upstream has to read before more can be sent. */
  onStuck(): void
  onMoving(): void
  /** All of it is on its way. */
  onSent(): void
  onError(error: Error): void
}

export class BodySender {
  readonly #socket: Socket
  readonly #outgoing: OutgoingBody
  readonly #body: Readable
  readonly #chunked: boolean
  readonly #events: BodySenderEvents
  #over = false
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

  /** All of it is on its way. */
  get sent(): boolean {
    return this.#sent
  }

  /** The exchange is over: what was not sent need not be. */
  stop(): void {
    if (this.#over) return
    this.#over = true
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
    this.#events.onStuck()
  }

  readonly #onDrain = (): void => {
    this.#events.onMoving()
    this.#body.resume()
  }

  readonly #onEnd = (): void => {
    this.#sent = true
    if (this.#chunked) this.#socket.write(`0\r\n${headerLines(this.#outgoing.trailers())}\r\n`, 'latin1')
    this.#over = true
    this.#socket.off('drain', this.#onDrain)
    this.#events.onSent()
  }

  readonly #onError = (error: Error): void => {
    if (this.#over) return
    this.#over = true
    this.#socket.off('drain', this.#onDrain)
    this.#events.onError(error)
  }
}
