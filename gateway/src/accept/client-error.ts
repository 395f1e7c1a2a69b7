// Answers what is not HTTP: the connection is told why, in the same words as any other failure, and closed.
import type { Socket } from 'node:net'

import { rawAnswer, type AnswerOptions } from '../answer.ts'
import type { FailureCode } from '../failure.ts'

const CODES: Readonly<Record<string, FailureCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** For Node's `clientError`. Strict parsing is the first defence against request smuggling, so nothing is made of the rest. */
export function createClientErrorHandler(options: AnswerOptions, newRequestId: () => string) {
  return function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    // Nobody is there to read it.
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    // An answer that has begun on this connection cannot be followed by another one: the client would take it for the body.
    const busy =
      (socket as Socket & { _httpMessage?: { headersSent: boolean } | null })._httpMessage?.headersSent === true
    if (!busy) socket.write(rawAnswer(CODES[error.code ?? ''] ?? 'request_invalid', options, newRequestId()))
    socket.destroySoon()
  }
}
