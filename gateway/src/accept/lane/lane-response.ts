// A response of the fast lane: what node:http's ServerResponse writes, in the same bytes and with fewer steps.
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'

import type { LaneRequest } from './lane-request.ts'
import { dateText } from './date-text.ts'
import { areLinks } from '../early-links.ts'
import { noteResponse } from '../listen/current-response.ts'
import type { GatewayResponse } from '../../message/client-exchange.ts'
import { headerLines } from '../../message/raw-headers.ts'
import { ONE_WRITE_BYTES } from '../../message/connection/one-write.ts'

/** What a response says to the connection that it goes out on. */
export interface ResponseOwner {
  /** For the header Keep-Alive. */
  readonly keepAliveSec: number
  /** All of the response is handed over to the operating system. */
  onFinish(response: LaneResponse): void
}

const LAST_CHUNK = '0\r\n\r\n'
const EMPTY = Buffer.alloc(0)

export class LaneResponse implements GatewayResponse {
  readonly req: LaneRequest<unknown>
  socket: Socket | null
  statusCode = 200
  statusMessage = ''
  shouldKeepAlive: boolean
  chunkedEncoding = false
  destroyed = false
  writableEnded = false
  writableFinished = false
  readonly endsInOneWrite = true
  readonly #owner: ResponseOwner
  /** Until it is written. */
  #head = ''
  #headersSent = false
  #hasBody = true
  #trailers = ''
  #closeListeners: (() => void)[] | undefined
  #drainListeners: (() => void)[] | undefined

  constructor(request: LaneRequest<unknown>, shouldKeepAlive: boolean, owner: ResponseOwner) {
    this.req = request
    this.socket = request.socket
    this.shouldKeepAlive = shouldKeepAlive
    this.#owner = owner
  }

  get headersSent(): boolean {
    return this.#headersSent
  }

  get writableNeedDrain(): boolean {
    return this.socket?.writableNeedDrain === true
  }

  /** Values are clean: what an upstream sends is parsed strictly, and what the gateway adds holds no control character. */
  writeHead(status: number, reasonOrHeaders: string | string[], more?: string[]): void {
    const saysReason = typeof reasonOrHeaders === 'string'
    const headers = saysReason ? (more ?? []) : reasonOrHeaders
    this.statusCode = status
    this.statusMessage = saysReason ? reasonOrHeaders : (STATUS_CODES[status] ?? 'unknown')
    this.#headersSent = true
    this.#hasBody = this.req.method !== 'HEAD' && status !== 204 && status !== 304
    let head = `HTTP/1.1 ${status} ${this.statusMessage}\r\n`
    let saysLength = false
    let saysDate = false
    let saysConnection = false
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index] as string
      const value = headers[index + 1] as string
      if (name.length === 14) saysLength ||= name.toLowerCase() === 'content-length'
      else if (name.length === 4) saysDate ||= name.toLowerCase() === 'date'
      else if (name.length === 10 && name.toLowerCase() === 'connection') {
        saysConnection = true
        if (value === 'close') this.shouldKeepAlive = false
      }
      head += `${name}: ${value}\r\n`
    }
    if (!saysDate) head += `Date: ${dateText()}\r\n`
    if (!saysConnection)
      head += this.shouldKeepAlive
        ? `Connection: keep-alive\r\nKeep-Alive: timeout=${this.#owner.keepAliveSec}\r\n`
        : 'Connection: close\r\n'
    this.chunkedEncoding = this.#hasBody && !saysLength
    this.#head = this.chunkedEncoding ? `${head}Transfer-Encoding: chunked\r\n\r\n` : `${head}\r\n`
  }

  flushHeaders(): void {
    if (this.#head !== '') this.#writeText('')
  }

  write(piece: Buffer | string, encoding?: 'latin1'): boolean {
    if (this.socket === null || this.writableEnded || this.destroyed) return false
    return this.#writeBody(piece, encoding, '')
  }

  end(piece?: Buffer | string, encoding?: 'latin1'): void {
    if (this.writableEnded) return
    this.writableEnded = true
    const { socket } = this
    if (socket === null || this.destroyed) return
    const last = this.chunkedEncoding ? (this.#trailers === '' ? LAST_CHUNK : `0\r\n${this.#trailers}\r\n`) : ''
    if (piece !== undefined && piece.length > 0) this.#writeBody(piece, encoding, last)
    else if (this.#head !== '' || last !== '') this.#writeText(last)
    // Nearly always all of it is written at once.
    if (socket.writableLength === 0) this.finish()
    else
      socket.write(EMPTY, () => {
        this.finish()
      })
  }

  addTrailers(trailers: readonly [name: string, value: string][]): void {
    this.#trailers = headerLines(trailers.flat())
  }

  writeContinue(): void {
    this.socket?.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
  }

  writeProcessing(): void {
    this.socket?.write('HTTP/1.1 102 Processing\r\n\r\n', 'latin1')
  }

  /** Nothing without a link, or with one that Node does not take for one. */
  writeEarlyHints({ link, ...more }: Record<string, string | string[]>): void {
    const links = [link ?? []].flat()
    if (!areLinks(links)) return
    const lines = Object.entries(more).flatMap(([name, value]) => [name, String(value)])
    this.socket?.write(`HTTP/1.1 103 Early Hints\r\nLink: ${links.join(', ')}\r\n${headerLines(lines)}\r\n`, 'latin1')
  }

  on(event: 'drain' | 'close', listener: () => void): void {
    if (event === 'close') (this.#closeListeners ??= []).push(listener)
    else (this.#drainListeners ??= []).push(listener)
  }

  /** Both events come to a listener of `once` and are then over. */
  once(event: 'drain' | 'close', listener: () => void): void {
    this.on(event, listener)
  }

  destroy(): void {
    this.destroyed = true
    this.socket?.destroy()
  }

  /** The connection serves its client past this response. */
  detachSocket(socket: Socket): void {
    noteResponse(socket, undefined)
    this.socket = null
  }

  emit(event: 'drain' | 'close'): void {
    if (event === 'close') this.onClose()
    else this.onDrain()
  }

  onDrain(): void {
    const listeners = this.#drainListeners
    this.#drainListeners = undefined
    if (listeners !== undefined) for (const listener of listeners) listener()
  }

  finish(): void {
    if (this.socket === null || this.destroyed) return
    this.writableFinished = true
    this.#owner.onFinish(this)
    this.onClose()
  }

  /** It is over, or its connection is gone. */
  onClose(): void {
    const listeners = this.#closeListeners
    this.#closeListeners = undefined
    this.destroyed = true
    this.socket = null
    if (listeners !== undefined) for (const listener of listeners) listener()
  }

  #takeHead(): string {
    const head = this.#head
    this.#head = ''
    return head
  }

  #writeText(text: string): boolean {
    return (this.socket as Socket).write(this.#takeHead() + text, 'latin1')
  }

  /** `last`: what ends a body in chunks behind this piece. */
  #writeBody(piece: Buffer | string, encoding: 'latin1' | undefined, last: string): boolean {
    if (!this.#hasBody || piece.length === 0) return this.#head === '' || this.#writeText('')
    if (typeof piece === 'string' && encoding !== 'latin1') return this.#writeBody(Buffer.from(piece), undefined, last)
    if (typeof piece !== 'string' && piece.length > ONE_WRITE_BYTES) return this.#writeLarge(piece, last)
    const text = typeof piece === 'string' ? piece : piece.toString('latin1')
    return this.#writeText(this.chunkedEncoding ? `${text.length.toString(16)}\r\n${text}\r\n${last}` : text)
  }

  /** Without a copy of it. */
  #writeLarge(piece: Buffer, last: string): boolean {
    const socket = this.socket as Socket
    const before = this.chunkedEncoding ? `${this.#takeHead()}${piece.length.toString(16)}\r\n` : this.#takeHead()
    socket.cork()
    if (before !== '') socket.write(before, 'latin1')
    let goesOn = socket.write(piece)
    if (this.chunkedEncoding) goesOn = socket.write(`\r\n${last}`, 'latin1')
    socket.uncork()
    return goesOn
  }
}
