// Supervises the listener's connections: checks each request before the router, and closes all connections at shutdown.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import { brokenBy } from './broken.ts'
import { afterItsTurnUnread, responseOn } from './current-response.ts'
import { isForeignLine, isForeignMethod, isSpokenVersion } from './foreign-protocol.ts'
import { createHalfCloseWatch } from './half-close.ts'
import type { ReadAhead } from './read-ahead.ts'
import type { Schedule } from '../../clock.ts'
import type { FailureCode } from '../../failure.ts'

type Serve = (request: IncomingMessage, response: ServerResponse) => void

export interface ConnectionParts {
  /** Of all listeners together. */
  readonly readAhead: ReadAhead
  readonly schedule: Schedule
  /** Refuses a request before routing, closes its connection, and writes its access line. */
  readonly refuse: (request: IncomingMessage, response: ServerResponse, code: FailureCode) => void
  /** Called for each request, before anything else. */
  readonly onRequest: (socket: Socket) => void
  /** Called for a pipelined request that gets no response, because its connection closed before its turn. */
  readonly onLost: (request: IncomingMessage) => void
  /** Answers on a connection without a parser. */
  readonly refuseRaw: (request: IncomingMessage, socket: Socket, code: FailureCode) => void
}

export interface Connections {
  /** How many are open, each one beneath TLS beside the one in it. */
  readonly count: number
  /** Beneath TLS a connection is only cut, also one whose handshake does not end. */
  note(socket: Socket): void
  /** Adds `Connection: close` to each response from now on. */
  retire(): void
  /** Called by `retire`, for connections of another protocol. */
  onRetire(run: () => void): void
  /** True after `retire`. */
  readonly retired: boolean
  /** Destroys all connections, with their requests in flight. Resolves when all are closed. */
  cut(): Promise<void>
}

/** True before the first request. A property of the socket and no WeakMap, because each request reads it. */
interface NewSocket extends Socket {
  isNew?: boolean
}

/** Supervises the connections of one listener: replaces its request listener (the router), and passes valid requests on to it. */
export function superviseConnections(server: Server, parts: ConnectionParts): Connections {
  const [route] = server.listeners('request') as [Serve]
  const open = new Set<Socket>()
  const { readAhead } = parts
  const watchHalfClose = createHalfCloseWatch(parts.schedule)
  const retirements: (() => void)[] = []
  let retired = false

  /** Runs when the request arrives: the bytes of its request line are not available later. */
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

  /** Called again for a connection that upgrades.ts returned to the server. */
  function note(socket: Socket): void {
    if (!open.has(socket)) socket.once('close', () => open.delete(socket))
    open.add(socket)
  }

  function onEnd(this: Socket): void {
    if (readAhead.waitingOn(this) === 0) endWithResponse(this)
    watchHalfClose(this)
  }

  function receive(request: IncomingMessage, response: ServerResponse, refusal: FailureCode | undefined): void {
    const { socket } = request
    parts.onRequest(socket)
    // RFC 9112 section 9.6: nothing is done for what comes after a response that ends the connection. It is read for a moment
    // all the same (lingering-close.ts), and Node would serve it.
    if (!socket.writable) {
      request.resume()
      parts.onLost(request)
      return
    }
    // Node assigns the socket to a response after the responses before it.
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
  // The 100 is sent when the upstream is ready to read, after admission.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response)
  })

  // A client may close its side after the request and still read (RFC 9112 section 9.6). By default Node closes at once.
  ;(server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true
  server.on('connection', (socket: NewSocket) => {
    note(socket)
    // Node caches the peer address when it is first read. Access lines need it after the connection has closed.
    void socket.remoteAddress
    socket.isNew = true
    socket.off('end', onEnd).on('end', onEnd)
  })

  // RFC 9110 section 9.3.6: a gateway must not offer tunnels.
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
    note,
    get count() {
      return open.size
    },
    get retired() {
      return retired
    },
    onRetire(run) {
      retirements.push(run)
    },
    retire() {
      retired = true
      for (const run of retirements) run()
      for (const socket of open) endWithResponse(socket)
    },
    async cut() {
      await Promise.all([...open].map((socket) => new Promise((resolve) => socket.once('close', resolve).destroy())))
    },
  }
}

/** Adds `Connection: close` to the response in flight. */
function endWithResponse(socket: Socket): void {
  const response = responseOn(socket)
  if (response !== undefined && !response.headersSent) response.shouldKeepAlive = false
}

/** RFC 9112 section 6.1: an HTTP/1.0 message with Transfer-Encoding has faulty framing. */
function endsHere({ httpVersionMinor, headers }: IncomingMessage): boolean {
  return httpVersionMinor === 0 && headers['transfer-encoding'] !== undefined
}
