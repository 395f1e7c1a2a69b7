// Closes a connection whose client is still sending, so that the client can read the response first.
import type { Socket } from 'node:net'

import type { GatewayResponse } from '../client-exchange.ts'

const LINGER_MS = 2000

/**
 * Ends the response, discards incoming bytes for up to 2 s, then closes the connection (nginx: lingering_close). Closing a
 * socket with unread data sends a TCP reset, and the client may then lose the response (RFC 9112 section 9.6). The caller must
 * make sure that the socket is read.
 */
export function endLingering(socket: Socket): void {
  if (socket.readableEnded) {
    socket.destroySoon()
    return
  }
  if (socket.writable) socket.end()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  timer.unref()
  socket
    .once('close', () => {
      clearTimeout(timer)
    })
    .once('end', () => {
      socket.destroySoon()
    })
}

/** Does the same for a response whose request was not read completely. Call it before the response ends. */
export function closeLingering(response: GatewayResponse): void {
  const { socket, req } = response
  if (socket === null || req.complete) return
  const destroySoon = socket.destroySoon.bind(socket)
  // Node calls this method after the last byte of a response, when the connection is not kept alive.
  socket.destroySoon = () => {
    socket.destroySoon = destroySoon
    endLingering(socket)
    req.once('end', () => {
      socket.destroySoon()
    })
    req.resume()
  }
}
