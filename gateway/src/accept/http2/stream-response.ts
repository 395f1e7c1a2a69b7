// A response of HTTP/2: what node:http's ServerResponse does, in the frames of one stream.
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'

import { areLinks } from '../early-links.ts'
import type { StreamRequest } from './stream-request.ts'
import type { GatewayResponse } from '../../message/client-exchange.ts'
import { http2Fields } from '../../message/fields/http2-fields.ts'

export class StreamResponse implements GatewayResponse {
  readonly req: StreamRequest<unknown>
  /** No stage closes the connection of other requests, or writes to it. */
  readonly socket = null
  statusCode = 200
  statusMessage = ''
  shouldKeepAlive = true
  /** Frames say where a body ends, as chunks do. */
  chunkedEncoding = false
  writableEnded = false
  readonly endsInOneWrite = true
  /** It was broken off by us, not by the client. */
  isEndedHere = false
  readonly #stream: ServerHttp2Stream
  #headersSent = false
  /** Until they are sent. */
  #head: OutgoingHttpHeaders | undefined
  #hasBody = true
  #saysLength = false
  #trailers: readonly [name: string, value: string][] | undefined

  constructor(stream: ServerHttp2Stream, request: StreamRequest<unknown>) {
    this.#stream = stream
    this.req = request
  }

  get headersSent(): boolean {
    return this.#headersSent
  }

  get destroyed(): boolean {
    return this.#stream.closed || this.#stream.destroyed
  }

  /** Node destroys a stream that both sides have ended, sometimes before it says so of its own. */
  get writableFinished(): boolean {
    const { writableFinished, closed, aborted, rstCode = constants.NGHTTP2_NO_ERROR } = this.#stream
    const isWhole = this.writableEnded && !aborted && rstCode === constants.NGHTTP2_NO_ERROR
    return isWhole && (writableFinished || closed)
  }

  get writableNeedDrain(): boolean {
    return this.#stream.writableNeedDrain
  }

  /** Bytes that the client has not taken yet. */
  get waitingBytes(): number {
    return this.#stream.writableLength
  }

  writeHead(status: number, reasonOrHeaders: string | string[], more?: string[]): void {
    const headers = typeof reasonOrHeaders === 'string' ? (more ?? []) : reasonOrHeaders
    const fields = http2Fields(headers)
    fields[':status'] = status
    this.statusCode = status
    this.#head = fields
    this.#headersSent = true
    this.#hasBody = this.req.method !== 'HEAD' && status !== 204 && status !== 304
    this.#saysLength = fields['content-length'] !== undefined
    this.chunkedEncoding = this.#hasBody
  }

  flushHeaders(): void {
    this.#begin(false, this.#hasBody && !this.#saysLength)
  }

  write(piece: Buffer | string, encoding?: 'latin1'): boolean {
    if (this.writableEnded || this.destroyed) return false
    this.flushHeaders()
    if (!this.#hasBody || piece.length === 0) return true
    return this.#stream.write(piece, encoding ?? 'utf8')
  }

  end(piece?: Buffer | string, encoding?: 'latin1'): void {
    if (this.writableEnded) return
    this.writableEnded = true
    if (this.destroyed) return
    const isEmpty = piece === undefined || piece.length === 0 || !this.#hasBody
    const hasTrailers = this.#trailers !== undefined
    const endsWithHead = isEmpty && !hasTrailers && this.#head !== undefined
    this.#begin(endsWithHead, hasTrailers)
    if (!this.req.complete) this.#stream.once('finish', this.#onFinish)
    if (endsWithHead) return
    if (isEmpty) this.#stream.end()
    else this.#stream.end(piece, encoding ?? 'utf8')
  }

  /** Those of a response with a length are known to nobody when its head goes out, and so left out as in HTTP/1.1. */
  addTrailers(trailers: readonly [name: string, value: string][]): void {
    if (this.#head !== undefined || !this.#saysLength) this.#trailers = trailers
  }

  writeContinue(): void {
    this.#inform({ ':status': 100 })
  }

  writeProcessing(): void {
    this.#inform({ ':status': 102 })
  }

  writeEarlyHints({ link, ...more }: Record<string, string | string[]>): void {
    const links = [link ?? []].flat()
    if (areLinks(links)) this.#inform({ ...more, ':status': 103, link: links.join(', ') })
  }

  on(event: 'drain' | 'close', listener: () => void): void {
    this.#stream.on(event, listener)
  }

  once(event: 'drain' | 'close', listener: () => void): void {
    this.#stream.once(event, listener)
  }

  /** Resets the stream: what the client has of the response must not look complete. */
  destroy(): void {
    this.#close(constants.NGHTTP2_INTERNAL_ERROR)
  }

  /** The client took nothing of it for too long. */
  giveUp(): void {
    this.#close(constants.NGHTTP2_CANCEL)
  }

  detachSocket(): void {
    // A stream has none.
  }

  emit(event: 'drain' | 'close'): void {
    this.#stream.emit(event)
  }

  #close(code: number): void {
    this.isEndedHere = true
    this.#stream.close(code)
  }

  /** Section 8.1: a response before the end of its request has the client stop sending the rest. */
  readonly #onFinish = (): void => {
    if (this.req.complete) return
    this.#close(constants.NGHTTP2_NO_ERROR)
    // What came already is dropped: Node keeps a stream until somebody read it.
    this.#stream.resume()
  }

  #begin(endStream: boolean, waitForTrailers: boolean): void {
    const head = this.#head
    if (head === undefined || this.destroyed) return
    this.#head = undefined
    if (waitForTrailers) this.#stream.once('wantTrailers', this.#sendTrailers)
    this.#stream.respond(head, { endStream, waitForTrailers })
  }

  readonly #sendTrailers = (): void => {
    this.#stream.sendTrailers(http2Fields((this.#trailers ?? []).flat()))
  }

  #inform(fields: OutgoingHttpHeaders): void {
    if (!this.#headersSent && !this.destroyed) this.#stream.additionalHeaders(fields)
  }
}
