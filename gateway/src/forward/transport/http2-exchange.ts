// One request and its response on a stream of an HTTP/2 connection to a target.
import { constants, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2'
import type { Readable } from 'node:stream'

import type { SharedConnection } from './connections/http2-session.ts'
import { isStatus } from './response-head.ts'
import type { OutgoingBody, OutgoingRequest, ResponseReceiver } from './transport.ts'
import {
  Cancelled,
  HeadersTooLarge,
  InvalidResponse,
  RefusedUnseen,
  TimedOut,
  UpstreamReset,
} from '../upstream/upstream-failure.ts'
import { http2Fields } from '../../message/fields/http2-fields.ts'

const COLON = 0x3a
const NONE: readonly string[] = []

export interface Http2ExchangeParts {
  /** Scheme and host of the target. */
  readonly scheme: string
  readonly host: string
  readonly schedule: (delayMs: number, run: () => void) => () => void
  /** A response did not begin in time. */
  readonly onSilent: () => void
  /** The stream is over. */
  readonly onOver: () => void
}

/** Without pseudo-header fields. */
function fieldsOf(raw: readonly string[]): string[] {
  const fields: string[] = []
  for (let index = 0; index + 1 < raw.length; index += 2)
    if ((raw[index] as string).charCodeAt(0) !== COLON) fields.push(raw[index] as string, raw[index + 1] as string)
  return fields
}

export class Http2Exchange {
  readonly #stream: ClientHttp2Stream
  readonly #request: OutgoingRequest
  readonly #parts: Http2ExchangeParts
  #receiver: ResponseReceiver | undefined
  #body: Readable | undefined
  #trailers: readonly string[] = NONE
  #headCame = false
  #cancelTimer: (() => void) | undefined

  constructor(
    { session }: SharedConnection,
    request: OutgoingRequest,
    receiver: ResponseReceiver,
    parts: Http2ExchangeParts,
  ) {
    this.#request = request
    this.#receiver = receiver
    this.#parts = parts
    const { body } = request
    const fields = http2Fields(request.headers)
    fields[':method'] = request.method
    fields[':scheme'] = parts.scheme
    fields[':path'] = request.path
    fields[':authority'] = fields['host'] ?? parts.host
    delete fields['host']
    // RFC 9110 section 10.1.4: trailers go on to the client, and services of gRPC ask for this field.
    fields['te'] = 'trailers'
    const streams = body !== null && body.whole === undefined
    this.#stream = session.request(fields, { endStream: body === null, waitForTrailers: streams })
    this.#stream
      .on('headers', this.#onInfo)
      .on('response', this.#onHead)
      .on('trailers', this.#onTrailers)
      .on('error', this.#onError)
      .on('close', this.#onClose)
    receiver.onSent(() => {
      this.#fail(new Cancelled(), constants.NGHTTP2_CANCEL)
    })
    if (this.#receiver === undefined) return
    if (body === null) this.#awaitHead()
    else if (body.whole === undefined) this.#send(body)
    else {
      this.#stream.end(body.whole)
      this.#awaitHead()
    }
  }

  #send(body: OutgoingBody): void {
    const stream = this.#stream
    this.#body = body
      .open()
      .on('data', (piece: Buffer) => {
        if (stream.destroyed || stream.write(piece)) return
        this.#body?.pause()
        this.#awaitHead()
      })
      .on('end', () => {
        if (!stream.destroyed) stream.end()
        this.#awaitHead()
      })
      .on('error', (error: Error) => {
        this.#fail(error, constants.NGHTTP2_CANCEL)
      })
    stream
      .on('drain', () => {
        this.#cancelTimer?.()
        this.#body?.resume()
      })
      .on('wantTrailers', () => {
        stream.sendTrailers(http2Fields(body.trailers()))
      })
  }

  #awaitHead(): void {
    const { headersTimeoutMs } = this.#request
    this.#cancelTimer?.()
    if (this.#headCame || headersTimeoutMs === 0 || this.#receiver === undefined) return
    this.#cancelTimer = this.#parts.schedule(headersTimeoutMs, () => {
      this.#parts.onSilent()
      this.#fail(
        new TimedOut(`the response did not begin within ${headersTimeoutMs} ms (timeouts.headers)`),
        constants.NGHTTP2_CANCEL,
      )
    })
  }

  readonly #onInfo = (headers: IncomingHttpHeaders, _flags: number, raw: readonly string[]): void => {
    this.#receiver?.onInfo(Number(headers[':status']), fieldsOf(raw))
  }

  readonly #onHead = (headers: IncomingHttpHeaders, flags: number, raw: readonly string[]): void => {
    const status = Number(headers[':status'])
    this.#headCame = true
    this.#cancelTimer?.()
    if (!isStatus(status) || status === 101) {
      this.#fail(new InvalidResponse(`${status} is no status of HTTP/2`), constants.NGHTTP2_PROTOCOL_ERROR)
      return
    }
    const stream = this.#stream
    this.#receiver?.onHead(status, '', fieldsOf(raw), () => {
      stream.resume()
    })
    // A head that ends the stream goes on as one: a refusal of gRPC has its status there, and not in trailers.
    if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) this.#onEnd()
    else stream.on('data', this.#onData).on('end', this.#onEnd)
  }

  readonly #onData = (piece: Buffer): void => {
    if (this.#receiver?.onBody(piece) === false) this.#stream.pause()
  }

  readonly #onTrailers = (_headers: IncomingHttpHeaders, _flags: number, raw: readonly string[]): void => {
    this.#trailers = fieldsOf(raw)
  }

  readonly #onEnd = (): void => {
    // Node says the end of a body that a reset has cut, too.
    if ((this.#stream.rstCode ?? 0) !== constants.NGHTTP2_NO_ERROR) {
      this.#fail(this.#errorOf(undefined), undefined)
      return
    }
    // Of a response before the end of its request the rest is not sent.
    if (!this.#stream.writableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR)
    this.#take()?.onEnd(this.#trailers)
  }

  readonly #onError = (error: Error): void => {
    this.#fail(this.#errorOf(error), undefined)
  }

  readonly #onClose = (): void => {
    this.#fail(this.#errorOf(undefined), undefined)
    this.#parts.onOver()
  }

  #errorOf(cause: Error | undefined): Error {
    const { rstCode } = this.#stream
    if (rstCode === constants.NGHTTP2_REFUSED_STREAM) return new RefusedUnseen('the upstream refused the stream unseen')
    if (rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM && !this.#headCame)
      return new HeadersTooLarge('the head of the response is too large, or the upstream is asked too much')
    return new UpstreamReset(cause?.message ?? `the upstream closed the stream with code ${rstCode ?? 0}`)
  }

  #take(): ResponseReceiver | undefined {
    const receiver = this.#receiver
    this.#receiver = undefined
    this.#cancelTimer?.()
    this.#body?.destroy()
    return receiver
  }

  #fail(error: Error, code: number | undefined): void {
    const receiver = this.#take()
    if (receiver === undefined) return
    if (code !== undefined && !this.#stream.closed) this.#stream.close(code)
    receiver.onError(error)
  }
}
