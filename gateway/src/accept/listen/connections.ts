// Supervises the listener's connections: takes each request before the router does, and ends all connections at shutdown.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import { brokenBy } from './broken.ts'
import { afterItsTurnUnread, responseOn } from './current-response.ts'
import { isForeignLine, isForeignMethod, isSpokenVersion } from './foreign-protocol.ts'
import { createHalfCloseWatch } from './half-close.ts'
import { createReadAhead, type ReadAhead } from './read-ahead.ts'
import type { Schedule } from '../../clock.ts'
import type { FailureCode } from '../../failure.ts'

type Serve = (request: IncomingMessage, response: ServerResponse) => void

export interface ConnectionParts {
  /** Requests that may wait for others of their connection, on all connections together. */
  readonly maxWaiting: number
  readonly schedule: Schedule
  /** Refuses a request before routing, closes its connection, and writes its access line. */
  readonly refuse: (request: IncomingMessage, response: ServerResponse, code: FailureCode) => void
  /** Called for a pipelined request whose connection ended before its turn: it gets no response. */
  readonly onLost: (request: IncomingMessage) => void
  /** Writes a refusal to a connection that no longer has a parser. */
  readonly refuseRaw: (request: IncomingMessage, socket: Socket, code: FailureCode) => void
}

export interface Connections {
  readonly readAhead: Pick<ReadAhead, 'isHeld' | 'waiting'>
  /** From now on each response carries `Connection: close`. */
  retire(): void
  /** Destroys all connections, whatever they carry; resolves when all are closed. */
  cut(): Promise<void>
}

/** The first request of a connection has not come yet: a plain property, as each request looks at it. */
interface NewSocket extends Socket {
  isNew?: boolean
}

/** Takes over the server's requests from its listener, the router, and hands on those that may be routed. */
export function superviseConnections(server: Server, parts: ConnectionParts): Connections {
  const [route] = server.listeners('request') as [Serve]
  const open = new Set<Socket>()
  const readAhead = createReadAhead(parts.maxWaiting, parts.schedule, parts.onLost)
  const watchHalfClose = createHalfCloseWatch(parts.schedule)
  let retired = false

  /** Looked at when it comes: what its line said is gone later. */
  function isForeign(request: IncomingMessage): boolean {
    const socket = request.socket as NewSocket
    const isNew = socket.isNew === true
    socket.isNew = false
    if (isForeignMethod(request.method)) return true
    return (isNew || request.httpVersion !== '1.1') && (!isSpokenVersion(request) || isForeignLine(request, isNew))
  }

  function begin(request: IncomingMessage, response: ServerResponse, refusal: FailureCode | undefined): void {
    if (retired || endsHere(request)) response.shouldKeepAlive = false
    if (refusal === undefined) route(request, response)
    else parts.refuse(request, response, refusal)
  }

  function beginInTurn(request: IncomingMessage, response: ServerResponse, refusal: FailureCode | undefined): void {
    readAhead.wait(request, response, () => {
      const { socket } = request
      const isHalfClosed = socket.readableEnded
      if (isHalfClosed && readAhead.waitingOn(socket) === 0) response.shouldKeepAlive = false
      begin(request, response, refusal ?? (request.complete ? undefined : brokenBy(socket)))
      if (isHalfClosed) watchHalfClose(socket)
    })
  }

  function onEnd(this: Socket): void {
    if (readAhead.waitingOn(this) === 0) endWithResponse(this)
    watchHalfClose(this)
  }

  function receive(request: IncomingMessage, response: ServerResponse, refusal: FailureCode | undefined): void {
    // Node gives a response its connection when those before it are over.
    if (response.socket !== null) begin(request, response, refusal)
    else beginInTurn(request, response, refusal)
  }

  server.removeAllListeners('request')
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    receive(request, response, isForeign(request) ? 'version_not_supported' : undefined)
  })
  // RFC 9110 section 10.1.1: the only expectation there is, is 100-continue.
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    receive(request, response, isForeign(request) ? 'version_not_supported' : 'request_invalid')
  })
  // The client is told to go on when the upstream is ready to read, not before it is known whether it may.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response)
  })

  // A client that ends its side after its request may still read (RFC 9112 section 9.6): without this Node ends it at once.
  ;(server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true
  server.on('encrypted' in server ? 'secureConnection' : 'connection', (socket: NewSocket) => {
    // Comes again with a connection that was given back.
    if (!open.has(socket)) socket.once('close', () => open.delete(socket))
    open.add(socket)
    // Node remembers the address of the peer once it was asked: lines are written when the connection may be gone.
    void socket.remoteAddress
    socket.isNew = true
    socket.off('end', onEnd).on('end', onEnd)
  })

  // RFC 9110 section 9.3.6: a tunnel to anywhere is what a gateway must not be.
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => undefined)
    afterItsTurnUnread(
      socket,
      () => {
        parts.refuseRaw(request, socket, 'method_not_implemented')
      },
      () => {
        parts.onLost(request)
      },
    )
  })

  return {
    readAhead,
    retire() {
      retired = true
      for (const socket of open) endWithResponse(socket)
    },
    async cut() {
      await Promise.all([...open].map((socket) => new Promise((resolve) => socket.once('close', resolve).destroy())))
    },
  }
}

/** Where a response is under way, it says that its connection ends with it. */
function endWithResponse(socket: Socket): void {
  const response = responseOn(socket)
  if (response !== undefined && !response.headersSent) response.shouldKeepAlive = false
}

/** RFC 9112 section 6.1: of an HTTP/1.0 message with a transfer-encoding, nobody knows where it ends. */
function endsHere({ httpVersionMinor, headers }: IncomingMessage): boolean {
  return httpVersionMinor === 0 && headers['transfer-encoding'] !== undefined
}
