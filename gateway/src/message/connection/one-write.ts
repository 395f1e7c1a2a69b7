// Ends a response with a complete body by one write for head and body.
import type { GatewayResponse } from '../client-exchange.ts'

/** With its head, text of this length fits into the stack buffer of libuv's fast path. */
export const ONE_WRITE_BYTES = 8192

/**
 * Sends `text`, one byte per character, for responses with Content-Length. node:http joins a text of `write` to the head, while
 * `end(text)` sends two or three pieces (a tenth of the CPU time of a small request). The socket is corked, so that Node does
 * not delay the write.
 */
export function endInOneWrite(response: GatewayResponse, text: string): void {
  const { socket } = response
  if (socket === null || response.endsInOneWrite === true) {
    response.end(text, 'latin1')
    return
  }
  socket.cork()
  response.write(text, 'latin1')
  socket.uncork()
  response.end()
}
