// One connection of undici, and the exchange that it carries: listens to its socket for what undici reports too late.
import type { Duplex } from 'node:stream'

import { Client, type buildConnector, type Dispatcher } from 'undici'

import type { ClientConnection } from './bound-connections.ts'
import { requestBinds, responseBinds } from './connection-auth.ts'
import { isStatus } from '../response-head.ts'
import type { OutgoingRequest, ResponseReceiver } from '../transport.ts'
import { InvalidResponse } from '../../upstream/upstream-failure.ts'

const NO_TRAILERS: readonly string[] = []

export interface UndiciConnectionParts {
  readonly origin: string
  /** Always the same, or undici would take it from the request's Host and change connections with it. */
  readonly servername: string
  readonly connect: buildConnector.connector
  readonly headersTimeoutMs: number
  readonly maxHeadBytes: number
  /** The upstream spoke though nobody had asked. */
  readonly onExcess: () => void
  /** The exchange is over: it may carry another. */
  readonly onFree: (connection: UndiciConnection) => void
}

/** What undici ends an idle connection with that is no end of the upstream's and no age. */
function isExcess(reason: Error | undefined): boolean {
  return reason?.name === 'HTTPParserError' || reason?.message === 'bad response'
}

/** Names and values in turn, as texts. */
function asTexts(raw: readonly Buffer[]): string[] {
  return raw.map((field) => field.toString('latin1'))
}

/** A client of its own for each connection: a pool would not say which of them carried what. It dials anew when it has to. */
export class UndiciConnection implements Dispatcher.DispatchHandler {
  /** Connections of one generation were made with the same answer of the name service. */
  readonly generation: number
  /** Whoever asked last. */
  client: ClientConnection | undefined
  /** The upstream has authenticated it, or began to: it serves nobody else (RFC 4559 section 6, as HAProxy's http-reuse). */
  bound = false
  #socket: Duplex | undefined
  readonly #parts: UndiciConnectionParts
  readonly #client: Client
  #receiver: ResponseReceiver | undefined
  /** undici has not said yet that the exchange is over. */
  #busy = false
  #bodiless = false

  constructor(parts: UndiciConnectionParts, generation: number) {
    this.generation = generation
    this.#parts = parts
    this.#client = new Client(parts.origin, {
      connect: this.#connect,
      pipelining: 1,
      headersTimeout: parts.headersTimeoutMs,
      bodyTimeout: 0,
      maxHeaderSize: parts.maxHeadBytes,
    })
  }

  /** False when it would have to dial anew. */
  get connected(): boolean {
    return this.#socket?.destroyed === false
  }

  send(request: OutgoingRequest, receiver: ResponseReceiver): void {
    const { method, path, headers, body, upgrade, headersTimeoutMs } = request
    this.client = request.client
    this.bound ||= requestBinds(headers)
    this.#receiver = receiver
    this.#busy = true
    this.#bodiless = false
    this.#client.dispatch(
      {
        method,
        path,
        headers: headers as string[],
        body: body === null ? null : body.open(),
        upgrade,
        headersTimeout: headersTimeoutMs,
        servername: this.#parts.servername,
      } as Dispatcher.DispatchOptions,
      this,
    )
  }

  /** Waits for what is under way. */
  close(): Promise<void> {
    return this.#client.close()
  }

  onConnect(abort: () => void): void {
    this.#receiver?.onSent(abort)
  }

  onUpgrade(_status: number, rawHeaders: Buffer[] | string[] | null, connection: Duplex): void {
    this.#socket = undefined
    this.#finish()?.onUpgrade(asTexts((rawHeaders ?? []) as Buffer[]), connection)
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void, statusText: string): boolean {
    if (!isStatus(status)) throw new InvalidResponse(`${status} is no status`)
    const headers = asTexts(rawHeaders)
    this.#bodiless = status === 304 || status === 204
    this.bound ||= responseBinds(headers)
    if (status >= 200) this.#receiver?.onHead(status, statusText, headers, resume)
    else this.#receiver?.onInfo(status, headers)
    return true
  }

  onData(chunk: Buffer): boolean {
    return this.#receiver?.onBody(chunk) ?? true
  }

  onComplete(rawTrailers: unknown): void {
    this.#finish()?.onEnd(asTexts((rawTrailers as readonly Buffer[] | null) ?? []))
  }

  onError(error: Error & { readonly code?: string }): void {
    const receiver = this.#finish()
    // The length in a 304 is that of the body that is not sent (RFC 9110 section 8.6): undici waits for it and then complains.
    if (this.#bodiless && error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') receiver?.onEnd(NO_TRAILERS)
    else receiver?.onError(error)
  }

  /** Whoever waits, for the last time. */
  #take(): ResponseReceiver | undefined {
    const receiver = this.#receiver
    this.#receiver = undefined
    return receiver
  }

  /** Free before the receiver hears of it: a request that waits for a connection shall find one. */
  #finish(): ResponseReceiver | undefined {
    const receiver = this.#take()
    if (this.#busy) this.#parts.onFree(this)
    this.#busy = false
    return receiver
  }

  readonly #connect: buildConnector.connector = (options, callback) => {
    this.#parts.connect(options, (...[error, socket]: buildConnector.CallbackArgs) => {
      if (error !== null) {
        callback(error, null)
        return
      }
      this.#socket = socket
      const destroy = socket.destroy.bind(socket)
      // What is no HTTP is known here in the tick in which the head came, when nothing of it is out yet. undici itself
      // tells it when the socket has closed.
      socket.destroy = (reason?: Error) => {
        if (isExcess(reason) && !this.#busy) this.#parts.onExcess()
        else if (reason?.name === 'HTTPParserError') this.#take()?.onError(reason)
        return destroy(reason)
      }
      callback(null, socket)
    })
  }
}
