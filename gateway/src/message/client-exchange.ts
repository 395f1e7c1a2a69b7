// The interfaces of a client's request and its response. The objects of node:http, of the fast lane and of HTTP/2 implement them.
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'

import type { RawHeaders } from './raw-headers.ts'

/** Events of a request body. No bytes flow before a `data` listener is added or `resume` is called. */
interface RequestEvents {
  data: (piece: Buffer) => void
  end: () => void
  close: () => void
}

export interface GatewayRequest {
  readonly method?: string | undefined
  /** The request target, as in the request line. */
  url?: string | undefined
  /** `1.0`, `1.1` or `2.0`. */
  readonly httpVersion: string
  /** Values by lower-case name, repeated headers joined as in node:http. */
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: RawHeaders
  /** Complete once the body has ended. */
  readonly rawTrailers: RawHeaders
  readonly socket: Socket
  /** True when the whole body was received. */
  readonly complete: boolean
  /** The body, if it was received together with the head; undefined if it must be read as a stream. */
  readonly wholeBody?: Buffer | undefined
  on<Event extends keyof RequestEvents>(event: Event, listener: RequestEvents[Event]): this
  once<Event extends keyof RequestEvents>(event: Event, listener: RequestEvents[Event]): this
  off<Event extends keyof RequestEvents>(event: Event, listener: RequestEvents[Event]): this
  pause(): unknown
  resume(): unknown
  isPaused(): boolean
  destroy(): unknown
}

/** `drain`: the caller may write again. `close`: the response has ended, or its connection was closed. */
type ResponseEvent = 'drain' | 'close'

export interface GatewayResponse {
  readonly req: GatewayRequest
  /** Null after the response has ended, and while it waits for earlier responses on the connection (pipelining). */
  readonly socket: Socket | null
  statusCode: number
  statusMessage: string
  /** False closes the connection after this response. */
  shouldKeepAlive: boolean
  readonly headersSent: boolean
  /** True when the body uses the chunked transfer coding, because its length is unknown. */
  readonly chunkedEncoding: boolean
  readonly destroyed: boolean
  readonly writableEnded: boolean
  /** True when all bytes were handed to the operating system. */
  readonly writableFinished: boolean
  readonly writableNeedDrain: boolean
  /** True when `end(text, 'latin1')` sends head and body in one write. node:http needs two or three. */
  readonly endsInOneWrite?: boolean
  /** `headers` alternates names and values. The head is sent with the first piece of the body, or by `flushHeaders`. */
  writeHead(status: number, reason: string, headers: string[]): unknown
  writeHead(status: number, headers: string[]): unknown
  flushHeaders(): void
  /** Returns false when the caller must wait for `drain`. A text is encoded as UTF-8, or with `latin1` as one byte per character. */
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
  /** Detaches the response from its connection, so that the caller can write to the socket directly. */
  detachSocket(socket: Socket): void
  emit(event: ResponseEvent): unknown
}
