// Pipelined requests of a connection wait for each other: how many are read ahead, and when reading stops.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import { responseOn } from './current-response.ts'
import type { Schedule } from '../../clock.ts'

/** Reading stops when so many wait, and goes on when only a few are left. What one read brought is parsed to its end. */
const STOP_AT = 32
const GO_ON_AT = 8

/** While nothing is read, a client that leaves is not seen: it is not waited for without end. */
const HELD_MS = 60_000

/** What Node's server keeps on its sockets: `_paused` is its own way to stop reading requests (lib/_http_server.js). */
interface ServerSocket extends Socket {
  _paused?: boolean
  readonly parser?: { resume(): void } | null
}

interface Line {
  readonly waiting: IncomingMessage[]
  /** While the connection is not read: cancels the timer that ends it. */
  cancel: (() => void) | undefined
}

export interface ReadAhead {
  /** Waits for the responses before this one; `serve` is not called when the connection ends first. */
  wait(request: IncomingMessage, response: ServerResponse, serve: () => void): void
  /** True while the connection is not read: what it sends late is not the client's fault. */
  isHeld(socket: Socket): boolean
  /** The number of requests that wait on this connection. */
  waitingOn(socket: Socket): number
  /** The number of requests that wait on all connections. */
  readonly waiting: number
}

/**
 * `maxWaiting` bounds the requests that wait on all connections together: who exceeds it is disconnected (RFC 9112 section 9.3.2
 * has it ask again). `onLost` is told of each request whose connection ended while it waited.
 */
export function createReadAhead(
  maxWaiting: number,
  schedule: Schedule,
  onLost: (request: IncomingMessage) => void,
): ReadAhead {
  const lines = new WeakMap<Socket, Line>()
  let total = 0

  function lineOf(socket: ServerSocket): Line {
    const known = lines.get(socket)
    if (known !== undefined) return known
    const line: Line = { waiting: [], cancel: undefined }
    lines.set(socket, line)
    socket.once('close', () => {
      line.cancel?.()
      lines.delete(socket)
      total -= line.waiting.length
      for (const request of line.waiting) onLost(request)
    })
    // Node reads on whenever a response could be written out, however many requests wait.
    socket.on('drain', () => {
      if (line.cancel !== undefined) stopReading(socket)
    })
    return line
  }

  function hold(socket: ServerSocket, line: Line): void {
    stopReading(socket)
    if (line.cancel !== undefined) return
    const stuckAt = responseOn(socket)
    line.cancel = schedule(HELD_MS, () => {
      line.cancel = undefined
      if (responseOn(socket) === stuckAt) socket.destroy()
      else hold(socket, line)
    })
  }

  return {
    wait(request, response, serve) {
      const { socket } = request
      const line = lineOf(socket)
      line.waiting.push(request)
      total += 1
      if (total > maxWaiting) socket.destroy()
      else if (line.waiting.length >= STOP_AT) hold(socket, line)
      response.once('socket', () => {
        // What a closed connection had waiting was taken off all at once.
        if (!lines.has(socket)) return
        line.waiting.shift()
        total -= 1
        if (line.cancel !== undefined && line.waiting.length <= GO_ON_AT) {
          line.cancel()
          line.cancel = undefined
          readOn(socket)
        }
        if (socket.destroyed) onLost(request)
        else serve()
      })
    },
    isHeld: (socket) => lines.get(socket)?.cancel !== undefined,
    waitingOn: (socket) => lines.get(socket)?.waiting.length ?? 0,
    get waiting() {
      return total
    },
  }
}

function stopReading(socket: ServerSocket): void {
  socket._paused = true
  socket.pause()
}

function readOn(socket: ServerSocket): void {
  socket._paused = false
  socket.parser?.resume()
  socket.resume()
}
