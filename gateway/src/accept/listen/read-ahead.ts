// Queues the pipelined requests of each connection, and stops reading when too many wait.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import { responseOn } from './current-response.ts'
import type { Schedule } from '../../clock.ts'

/** Reading pauses when this many requests wait, and resumes when few are left. One read is always parsed to its end. */
const STOP_AT = 32
const GO_ON_AT = 8

/** Longest pause of reading. While the gateway does not read, it cannot detect that the client disconnects. */
const HELD_MS = 60_000

/** Node's internal state of a server socket: `_paused` stops the reading of requests (lib/_http_server.js). */
interface ServerSocket extends Socket {
  _paused?: boolean
  readonly parser?: { resume(): void } | null
}

interface Line {
  readonly waiting: IncomingMessage[]
  /** Cancels the timer that closes the connection. Set while reading is paused. */
  cancel: (() => void) | undefined
}

export interface ReadAhead {
  /** Calls `serve` after the responses before this one, or never if the connection closes first. */
  wait(request: IncomingMessage, response: ServerResponse, serve: () => void): void
  /** True while reading is paused: a timeout is then not the client's fault. */
  isHeld(socket: Socket): boolean
  /** Requests that wait on this connection. */
  waitingOn(socket: Socket): number
  /** Requests that wait on all connections. */
  readonly waiting: number
}

/**
 * Creates the queues. A request beyond `maxWaiting`, counted over all connections, closes its connection; the client retries
 * (RFC 9112 section 9.3.2). Calls `onLost` for each request whose connection closed while it waited.
 */
export function createReadAhead(
  maxWaiting: () => number,
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
    // Node resumes reading whenever a response is flushed, however many requests wait.
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
      if (total > maxWaiting()) socket.destroy()
      else if (line.waiting.length >= STOP_AT) hold(socket, line)
      response.once('socket', () => {
        // The requests of a closed connection were subtracted already.
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
