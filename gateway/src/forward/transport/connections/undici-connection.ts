// One connection of the undici transport: it runs one exchange at a time, and reports parse errors before undici does.
import type { Duplex } from 'node:stream'

import { Client, type buildConnector, type Dispatcher } from 'undici'

import type { ClientConnection } from './bound-connections.ts'
import { requestBinds, responseBinds } from './connection-auth.ts'
import { isStatus } from '../response-head.ts'
import type { OutgoingRequest, ResponseReceiver } from '../transport.ts'
import { InvalidResponse } from '../../upstream/upstream-failure.ts'

const NO_TRAILERS: readonly string[] = []

/** Dependencies of a connection, the same for all connections of a target. */
export interface UndiciConnectionParts {
  readonly origin: string
  /** TLS server name, fixed: otherwise undici reads it from the Host header and reconnects when it changes. */
  readonly servername: string
  readonly connect: buildConnector.connector
  readonly headersTimeoutMs: number
  readonly maxHeadBytes: number
  /** The upstream sent bytes while no request was in flight. */
  readonly onExcess: () => void
  /** The exchange has ended, and the connection can carry another. */
  readonly onFree: (connection: UndiciConnection) => void
}

/** True for the errors with which undici closes an idle connection that received bytes. */
function isExcess(reason: Error | undefined): boolean {
  return reason?.name === 'HTTPParserError' || reason?.message === 'bad response'
}

/** Decodes raw headers (alternating names and values) as Latin-1. */
function asTexts(raw: readonly Buffer[]): string[] {
  return raw.map((field) => field.toString('latin1'))
}

/**
 * Owns one undici Client with one connection. An undici Pool is not used because it does not tell which connection ran which
 * exchange. The client reconnects by itself when its connection has closed.
 */
export class UndiciConnection implements Dispatcher.DispatchHandler {
  /** Connections with the same number were opened before the same DNS refresh. */
  readonly generation: number
  /** The client of the last request. */
  client: ClientConnection | undefined
  /** The upstream authenticates this connection, so it serves one client only (RFC 4559 section 6, as HAProxy's http-reuse). */
  bound = false
  #socket: Duplex | undefined
  readonly #parts: UndiciConnectionParts
  readonly #client: Client
  #receiver: ResponseReceiver | undefined
  /** True until undici reports the end of the exchange. */
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

  /** False when the next request would open a new connection. */
  get connected(): boolean {
    return this.#socket?.destroyed === false
  }

  /** Sends a request and reports its response to the receiver. */
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

  /** Resolves when the exchange in flight has ended and the connection is closed. */
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
    // Content-Length in a 304 describes a body that is not sent (RFC 9110 section 8.6), but undici waits for that body.
    if (this.#bodiless && error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') receiver?.onEnd(NO_TRAILERS)
    else receiver?.onError(error)
  }

  /** Returns the receiver and forgets it, so that it is called once. */
  #takeReceiver(): ResponseReceiver | undefined {
    const receiver = this.#receiver
    this.#receiver = undefined
    return receiver
  }

  /** Frees the connection before the receiver is called, so that a queued request finds it idle. */
  #finish(): ResponseReceiver | undefined {
    const receiver = this.#takeReceiver()
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
      // undici destroys the socket in the tick of the parse error, while the client has received nothing yet, but it calls
      // onError only when the socket has closed.
      socket.destroy = (reason?: Error) => {
        if (isExcess(reason) && !this.#busy) this.#parts.onExcess()
        else if (reason?.name === 'HTTPParserError') this.#takeReceiver()?.onError(reason)
        return destroy(reason)
      }
      callback(null, socket)
    })
  }
}
