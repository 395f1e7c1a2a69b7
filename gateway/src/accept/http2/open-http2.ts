// Opens HTTP/2 on a server of HTTP/1.1: over TLS for clients that chose it (ALPN), else for those that begin with its preface.
import type { Server } from 'node:http'
import { performServerHandshake } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

import { Http2Connection, type Http2Owner } from './http2-connection.ts'
import { readPreface, type Beginning } from './http2-preface.ts'
import { sessionOptions, type SessionBounds } from './session-options.ts'
import type { HeadLimits } from '../listen/client-error.ts'
import type { Schedule } from '../../clock.ts'

const TURN_MS = 1000
/** How long a client may take nothing of a response that is complete here. */
const TURNS_STALLED = 60

export interface Http2Parts<Route> extends Pick<Http2Owner<Route>, 'serve' | 'refuse' | 'onFault'> {
  readonly schedule: Schedule
  readonly headLimits: HeadLimits
  /** Requests at once on one connection. */
  readonly maxStreams: number
  /** Without TLS: whether the preface is looked for. */
  readonly h2c: boolean
  /** Counts a connection, and cuts it at the end. */
  readonly note: (socket: Socket) => void
  readonly isRetired: () => boolean
}

export interface Http2Connections {
  /** Tells all clients to go elsewhere, as `Connection: close` does. */
  retire(): void
}

/** As Node's parser has them. */
const FAULT_CODES = { cut: 'HPE_INVALID_EOF_STATE', late: 'ERR_HTTP_REQUEST_TIMEOUT', nothing: undefined } as const

function ignore(): void {
  // A connection that fails is closed, and nothing of it is under way.
}

type Listener = (this: Server, socket: Socket) => void

class Http2Listener<Route> implements Http2Owner<Route>, Http2Connections {
  readonly serve: Http2Parts<Route>['serve']
  readonly refuse: Http2Parts<Route>['refuse']
  readonly onFault: Http2Parts<Route>['onFault']
  readonly bounds: SessionBounds
  turn = 0
  readonly #server: Server
  readonly #parts: Http2Parts<Route>
  readonly #connections = new Set<Http2Connection<Route>>()
  /** Their first bytes are still to come. */
  readonly #undecided = new Set<Socket>()
  readonly #known = new WeakSet<Socket>()
  #ticking = false

  constructor(server: Server, parts: Http2Parts<Route>) {
    this.serve = parts.serve
    this.refuse = parts.refuse
    this.onFault = parts.onFault
    this.bounds = { maxBytes: parts.headLimits.bytes, maxStreams: parts.maxStreams }
    this.#server = server
    this.#parts = parts
    const others = server.listeners('connection') as Listener[]
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      this.#choose(socket, () => {
        for (const listener of others) listener.call(server, socket)
      })
    })
  }

  get retired(): boolean {
    return this.#parts.isRetired()
  }

  onClose(connection: Http2Connection<Route>): void {
    this.#connections.delete(connection)
  }

  retire(): void {
    for (const connection of this.#connections) connection.retire()
  }

  /** As Node's server does with connections that are between two requests. */
  closeIdle(): void {
    for (const connection of this.#connections) if (connection.isIdle) connection.retire()
    for (const socket of this.#undecided) socket.destroy()
  }

  closeAll(): void {
    for (const connection of this.#connections) connection.socket.destroy()
    for (const socket of this.#undecided) socket.destroy()
  }

  #choose(socket: Socket, pass: () => void): void {
    if ((socket as TLSSocket).alpnProtocol === 'h2') this.#take(socket)
    // One that came back from a protocol that it was not switched to is known.
    else if ('encrypted' in socket || !this.#parts.h2c || this.#known.has(socket)) pass()
    else {
      this.#known.add(socket)
      this.#parts.note(socket)
      this.#undecided.add(socket)
      socket.once('close', () => this.#undecided.delete(socket))
      const { schedule, headLimits } = this.#parts
      readPreface(socket, { schedule, timeoutMs: headLimits.timeoutMs }, (beginning) => {
        this.#undecided.delete(socket)
        this.#decide(socket, beginning, pass)
      })
    }
  }

  #decide(socket: Socket, beginning: Beginning, pass: () => void): void {
    if (beginning === 'http2') this.#take(socket)
    else if (beginning === 'http1') {
      pass()
      socket.resume()
    } else {
      socket.on('error', ignore)
      const code = FAULT_CODES[beginning]
      if (code === undefined) socket.destroySoon()
      else this.#server.emit('clientError', Object.assign(new Error(beginning), { code }), socket)
    }
  }

  #take(socket: Socket): void {
    // Node caches the peer address when it is first read. Access lines need it after the connection has closed.
    void socket.remoteAddress
    this.#parts.note(socket)
    const session = performServerHandshake(socket, sessionOptions(this.bounds))
    const connection = new Http2Connection(session, socket, this)
    this.#connections.add(connection)
    if (this.#ticking) return
    this.#ticking = true
    this.#parts.schedule(TURN_MS, this.#tick)
  }

  /** One timer for all connections, while there are any. */
  readonly #tick = (): void => {
    this.turn += 1
    for (const connection of this.#connections) this.#look(connection)
    this.#ticking = this.#connections.size > 0
    if (this.#ticking) this.#parts.schedule(TURN_MS, this.#tick)
  }

  #look(connection: Http2Connection<Route>): void {
    connection.look(this.turn, TURNS_STALLED)
    if (!connection.isIdle) return
    const waitedMs = (this.turn - connection.idleSinceTurn) * TURN_MS
    const { keepAliveTimeout } = this.#server
    const mostMs = connection.isNew ? this.#parts.headLimits.timeoutMs : keepAliveTimeout
    if (mostMs === 0 || waitedMs <= mostMs) return
    // One that was told already and stays has its end.
    if (waitedMs > mostMs + TURN_MS) connection.destroy()
    else connection.retire()
  }
}

/** From then on the server's connections of HTTP/2 come here, and all others to those who listened before. */
export function openHttp2<Route>(server: Server, parts: Http2Parts<Route>): Http2Connections {
  const listener = new Http2Listener(server, parts)
  const closeIdleOfOthers = server.closeIdleConnections.bind(server)
  const closeAllOfOthers = server.closeAllConnections.bind(server)
  server.closeIdleConnections = () => {
    closeIdleOfOthers()
    listener.closeIdle()
  }
  server.closeAllConnections = () => {
    closeAllOfOthers()
    listener.closeAll()
  }
  return listener
}
