// Requests that came behind the one under way: they wait unread, and all behind them in the kernel.
import type { Socket } from 'node:net'

import { END_OF_HEAD, readPlainHead, type PlainHead } from './plain-head.ts'
import { MOST_ASKED_BYTES } from '../listen/half-close.ts'
import { endLingering } from '../../message/connection/lingering-close.ts'

export class WaitingBehind {
  /** Whether the client was asked if it is there. */
  isAsked = false
  readonly #socket: Socket
  readonly #pieces: Buffer[] = []
  #written: number

  constructor(socket: Socket) {
    this.#socket = socket
    this.#written = socket.bytesWritten
  }

  /** The socket has it back at once: the end of the client's side stays behind it, and whoever reads next gets both. */
  hold(piece: Buffer): void {
    this.#socket.pause()
    this.#socket.unshift(piece)
    this.#pieces.push(piece)
  }

  /** Whether bytes of the response went out since this was true last: then a client that left would have been seen. */
  isAnswerGoing(): boolean {
    const { bytesWritten } = this.#socket
    if (bytesWritten - this.#written <= (this.isAsked ? MOST_ASKED_BYTES : 0)) return false
    this.#written = bytesWritten
    return true
  }

  /** They are not served. Bytes that nobody read would have the kernel take the response before them back with a reset. */
  endUnread(): void {
    endLingering(this.#socket)
    this.#socket.resume()
  }

  /** In the order in which they came, as far as they are plain. */
  *heads(): Generator<PlainHead> {
    const text = Buffer.concat(this.#pieces).toString('latin1')
    let at = 0
    for (let end = text.indexOf(END_OF_HEAD); end !== -1; end = text.indexOf(END_OF_HEAD, at)) {
      const head = readPlainHead(text.slice(at, end + END_OF_HEAD.length))
      if (typeof head === 'string') return
      yield head
      at = end + END_OF_HEAD.length + head.fields.bodyBytes
    }
  }
}
