// A client's request and the response to it, as the stages see them: node:http's own satisfy this, and those of the fast lane.
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'

import type { RawHeaders } from './raw-headers.ts'

/** Whoever reads the body listens for these; nothing flows before `data` is listened for or `resume` is called. */
interface RequestEvents {
  data: (piece: Buffer) => void
  end: () => void
  close: () => void
}

export interface GatewayRequest {
  readonly method?: string | undefined
  /** Target of the request line. */
  url?: string | undefined
  readonly httpVersion: string
  readonly httpVersionMinor: number
  /** By name in lower case, joined as node:http joins them. */
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: RawHeaders
  /** Known when the body is over. */
  readonly rawTrailers: RawHeaders
  readonly socket: Socket
  /** The body came to its end. */
  readonly complete: boolean
  /** A body that came with its head, as a whole; undefined where it has to be read. */
  readonly wholeBody?: Buffer | undefined
  on<Event extends keyof RequestEvents>(event: Event, listener: RequestEvents[Event]): this
  once<Event extends keyof RequestEvents>(event: Event, listener: RequestEvents[Event]): this
  off<Event extends keyof RequestEvents>(event: Event, listener: RequestEvents[Event]): this
  pause(): unknown
  resume(): unknown
  isPaused(): boolean
  destroy(): unknown
}

/** `drain`: what was written is on its way. `close`: the response is over, or its connection is gone. */
type ResponseEvent = 'drain' | 'close'

export interface GatewayResponse {
  readonly req: GatewayRequest
  /** Null once the response has left it, or before it is its turn. */
  readonly socket: Socket | null
  statusCode: number
  statusMessage: string
  /** False: the connection ends with this response. */
  shouldKeepAlive: boolean
  readonly headersSent: boolean
  /** The body goes out in chunks, as nobody knows its length. */
  readonly chunkedEncoding: boolean
  readonly destroyed: boolean
  readonly writableEnded: boolean
  /** All of it was handed to the operating system. */
  readonly writableFinished: boolean
  readonly writableNeedDrain: boolean
  /** `end(text, 'latin1')` is one write with the head. Of node:http's it is two or three. */
  readonly endsInOneWrite?: boolean
  /** Names and values in turn. The head goes out with the first piece of the body, or when it is flushed. */
  writeHead(status: number, reason: string, headers: string[]): unknown
  writeHead(status: number, headers: string[]): unknown
  flushHeaders(): void
  /** False asks for a pause until `drain`. */
  /** A text is UTF-8 unless it is said to have one byte a character. */
  write(piece: Buffer | string): boolean
  write(piece: string, encoding: 'latin1'): boolean
  end(piece?: Buffer | string): unknown
  end(piece: string, encoding: 'latin1'): unknown
  addTrailers(trailers: readonly [name: string, value: string][]): void
  writeContinue(): void
  writeProcessing(): void
  writeEarlyHints(hints: Record<string, string | string[]>): void
  on(event: ResponseEvent, listener: () => void): unknown
  once(event: ResponseEvent, listener: () => void): unknown
  destroy(): unknown
  /** The connection is no longer this response's: what its client gets is written past it. */
  detachSocket(socket: Socket): void
  emit(event: ResponseEvent): unknown
}
