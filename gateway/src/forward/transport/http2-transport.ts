// The HTTP/2 transport: sends requests to one target as streams of few connections.
import type { Socket } from 'node:net'

import { SharedConnection } from './connections/http2-session.ts'
import { connectTo, createConnector, hasName } from './connections/upstream-connection.ts'
import { Http2Exchange } from './http2-exchange.ts'
import { isSafePath } from './request-head.ts'
import type { OutgoingRequest, ResponseReceiver, TargetTransport, TransportParts } from './transport.ts'
import { Cancelled, InvalidResponse, UpstreamReset } from '../upstream/upstream-failure.ts'
import type { UpstreamConfig } from '../../options/upstreams.ts'

/** How long a connection without a request is kept. */
const KEEP_MS = 60_000
/** How long an answer to a ping may take. */
const PING_MS = 5000

interface Waiting {
  readonly request: OutgoingRequest
  readonly receiver: ResponseReceiver
}

class Http2Transport implements TargetTransport {
  readonly #target: string
  readonly #config: UpstreamConfig
  readonly #parts: TransportParts
  readonly #address: ReturnType<typeof connectTo>
  readonly #connections = new Set<SharedConnection>()
  /** For a connection that is being opened. */
  #waiting: Waiting[] = []
  #dialing = 0
  #generation = 0
  #closed: (() => void) | undefined
  #cancelLook: (() => void) | undefined
  #cancelRefresh: (() => void) | undefined

  constructor(target: string, config: UpstreamConfig, parts: TransportParts) {
    this.#target = target
    this.#config = config
    this.#parts = parts
    this.#address = connectTo(target)
    if (hasName(target)) this.#cancelRefresh = parts.schedule(config.dnsRefresh, this.#refresh)
  }

  send(request: OutgoingRequest, receiver: ResponseReceiver): void {
    if (this.#closed !== undefined) receiver.onError(new UpstreamReset('the gateway is closing'))
    else if (request.upgrade !== null) receiver.onError(new InvalidResponse('HTTP/2 switches no protocols'))
    else if (!isSafePath(request.path)) receiver.onError(new Error('the path holds what no request may'))
    else this.#place(request, receiver)
  }

  holds(): boolean {
    return false
  }

  close(): Promise<void> {
    this.#cancelRefresh?.()
    return new Promise((resolve) => {
      this.#closed = resolve
      for (const connection of this.#connections) if (connection.streams === 0) connection.retire()
      this.#resolveWhenClosed()
    })
  }

  readonly #refresh = (): void => {
    this.#generation += 1
    for (const connection of this.#connections) connection.retire()
    this.#cancelRefresh = this.#parts.schedule(this.#config.dnsRefresh, this.#refresh)
  }

  /** Closes connections that have been without a request; one timer for all. */
  readonly #look = (): void => {
    this.#cancelLook = undefined
    const nowMs = this.#parts.clock.monotonic()
    for (const connection of this.#connections)
      if (connection.streams === 0 && nowMs - connection.idleSinceMs >= KEEP_MS) connection.retire()
    this.#lookLater()
  }

  #lookLater(): void {
    if (this.#cancelLook === undefined && this.#connections.size > 0 && this.#closed === undefined)
      this.#cancelLook = this.#parts.schedule(KEEP_MS, this.#look)
  }

  #resolveWhenClosed(): void {
    if (this.#closed === undefined || this.#connections.size > 0 || this.#dialing > 0) return
    this.#cancelLook?.()
    this.#closed()
  }

  /** Those that find no room on the connections there are wait for one more. */
  #place(request: OutgoingRequest, receiver: ResponseReceiver): void {
    for (const connection of this.#connections)
      if (connection.takes && connection.generation === this.#generation) {
        this.#begin(connection, request, receiver)
        return
      }
    this.#waiting.push({ request, receiver })
    if (this.#dialing === 0) this.#dial(request.connectTimeoutMs)
  }

  #begin(connection: SharedConnection, request: OutgoingRequest, receiver: ResponseReceiver): void {
    if (receiver.ended) {
      receiver.onError(new Cancelled())
      return
    }
    const { clock, schedule } = this.#parts
    connection.streams += 1
    new Http2Exchange(connection, request, receiver, {
      scheme: this.#address.protocol.slice(0, -1),
      host: this.#address.host,
      schedule,
      onSilent() {
        connection.probe((run) => schedule(PING_MS, run))
      },
      onOver: () => {
        connection.streams -= 1
        if (connection.streams === 0) connection.idleSinceMs = clock.monotonic()
        if (connection.streams === 0 && this.#closed !== undefined) connection.retire()
        else connection.settle()
      },
    })
  }

  #dial(timeoutMs: number): void {
    this.#dialing += 1
    const { tls, lookup } = this.#parts
    createConnector(this.#target, tls, timeoutMs, lookup, { allowH2: true })(this.#address, (error, socket) => {
      this.#dialing -= 1
      const due = this.#waiting
      this.#waiting = []
      if (error !== null) failAll(due, error)
      else if ('alpnProtocol' in socket && socket.alpnProtocol !== 'h2') {
        socket.destroy()
        failAll(due, new InvalidResponse('the target does not choose HTTP/2 (ALPN)'))
      } else this.#opened(socket, due)
      this.#resolveWhenClosed()
    })
  }

  #opened(socket: Socket, due: readonly Waiting[]): void {
    const { protocol, host } = this.#address
    const madeIn = { maxHeadBytes: this.#parts.maxHeadBytes, generation: this.#generation }
    const connection = new SharedConnection(socket, `${protocol}//${host}`, madeIn, (gone) => {
      this.#connections.delete(gone)
      this.#resolveWhenClosed()
    })
    connection.idleSinceMs = this.#parts.clock.monotonic()
    this.#connections.add(connection)
    this.#lookLater()
    for (const { request, receiver } of due) this.#place(request, receiver)
  }
}

function failAll(all: readonly Waiting[], error: Error): void {
  for (const { receiver } of all) receiver.onError(error)
}

/**
 * Creates a transport to one target. A connection takes as many requests as the target allows at once; another is opened when all
 * are full. Over TLS the target must choose h2 (ALPN), else it is asked with prior knowledge (RFC 9113 section 3.3).
 */
export function createHttp2Transport(target: string, config: UpstreamConfig, parts: TransportParts): TargetTransport {
  return new Http2Transport(target, config, parts)
}
