// Closes a connection whose client is still sending, so that the client can read the response first.
import type { Socket } from 'node:net'

import type { GatewayResponse } from '../client-exchange.ts'

const LINGER_MS = 2000

/**
 * Closing a socket with unread data makes the kernel send a reset, and the reset makes the client forget the response that is
 * on its way. So the response goes out with the end of the stream, what still comes is read and thrown away for a moment, and
 * then the connection is closed (nginx calls this lingering_close). Whoever calls it sees to it that what comes is read.
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

/** The same for a response of a request that was not read to its end. Call it before the response ends. */
export function closeLingering(response: GatewayResponse): void {
  const { socket, req } = response
  if (socket === null || req.complete) return
  const destroySoon = socket.destroySoon.bind(socket)
  // Node ends a connection that is not kept alive through this method, right after the last byte of the response.
  socket.destroySoon = () => {
    socket.destroySoon = destroySoon
    endLingering(socket)
    req.once('end', () => {
      socket.destroySoon()
    })
    req.resume()
  }
}
