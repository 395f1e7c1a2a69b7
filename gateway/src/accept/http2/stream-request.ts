// A request of HTTP/2: one stream of a connection, as the stages see any request.
import { constants, type ServerHttp2Stream } from 'node:http2'
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'

import type { Http2Head } from './request-head.ts'
import type { IdentifiedRequest } from '../listen/request-id.ts'
import type { RequestRecord } from '../request-record.ts'
import type { TableEntry } from '../routes/route-table.ts'
import type { DecisionTrace } from '../../message/decision-trace.ts'

const NONE: readonly string[] = []

type Listener = (piece: Buffer) => void

export class StreamRequest<Route> implements IdentifiedRequest {
  readonly method: string
  url: string
  readonly httpVersion = '2.0'
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  rawTrailers = NONE
  readonly socket: Socket
  // What the stages note, all here from the beginning: each of these objects has one hidden class.
  requestId: string | undefined = undefined
  record: RequestRecord | undefined = undefined
  trace: DecisionTrace | undefined = undefined
  entry: TableEntry<Route> | undefined = undefined
  pathFault: string | undefined = undefined
  refusal: string | undefined = undefined
  readonly #stream: ServerHttp2Stream
  readonly #hasBody: boolean

  constructor(stream: ServerHttp2Stream, { method, target, headers, raw }: Http2Head, socket: Socket) {
    this.method = method
    this.url = target
    this.headers = headers
    this.rawHeaders = raw
    this.socket = socket
    this.#stream = stream
    this.#hasBody = !stream.endAfterHeaders
    if (!this.#hasBody) return
    stream.on('trailers', (_headers: unknown, _flags: number, raw: readonly string[]) => {
      this.rawTrailers = raw
    })
  }

  get complete(): boolean {
    return !this.#hasBody || this.#stream.readableEnded
  }

  on(event: string, listener: Listener | (() => void)): this {
    if (event === 'end' && this.#stream.readableEnded) this.#repeatEnd(listener as () => void)
    else this.#stream.on(event, listener)
    return this
  }

  once(event: string, listener: Listener | (() => void)): this {
    if (event === 'end' && this.#stream.readableEnded) this.#repeatEnd(listener as () => void)
    else this.#stream.once(event, listener)
    return this
  }

  /** Node says the end of an empty body at once, and not when somebody begins to read it. */
  #repeatEnd(listener: () => void): void {
    process.nextTick(listener)
  }

  off(event: string, listener: Listener | (() => void)): this {
    this.#stream.off(event, listener)
    return this
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  isPaused(): boolean {
    return this.#stream.isPaused()
  }

  /** Of the connection nothing but this stream ends. */
  destroy(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }
}
