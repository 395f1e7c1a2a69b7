// Answers what is not HTTP: the connection is told why, in the same words as any other failure, and closed.
import type { Socket } from 'node:net'

import { brokenBy, markBroken } from './broken.ts'
import { readBrokenHead } from './broken-head.ts'
import { afterItsTurn, responseOn } from './current-response.ts'
import type { CorsPlaces } from '../origins/cors-places.ts'
import { abandon, rawAnswer, type AnswerOptions } from '../answer.ts'
import type { FailureCode } from '../../failure.ts'
import { endLingering } from '../../message/lingering-close.ts'

const CODES: Readonly<Record<string, FailureCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** With the piece in which the fault was. */
type ParserError = NodeJS.ErrnoException & { readonly rawPacket?: unknown }

/** What Node's server keeps of the message that it reads. */
interface ServerSocket extends Socket {
  readonly parser?: { readonly incoming: { readonly complete: boolean } | null } | null
}

/** Half of a body is all that came: where nothing is under way any more, its request has got its answer before. */
function isInBody({ parser }: ServerSocket): boolean {
  return parser?.incoming?.complete === false
}

export interface ClientErrorParts {
  readonly errors: AnswerOptions
  readonly newRequestId: () => string
  /** True while the connection is not read, so that what is late on it is not the client's fault. */
  readonly isHeld: (socket: Socket) => boolean
  /** What lets pages read the answer, names and values in turn. */
  readonly headersOf: CorsPlaces['headersOf']
}

/** For Node's `clientError`. Strict parsing is the first defence against request smuggling, so nothing is made of the rest. */
export function createClientErrorHandler({ errors, newRequestId, isHeld, headersOf }: ClientErrorParts) {
  return function onClientError(error: ParserError, socket: Socket): void {
    // Each further piece fails again: read and thrown away, while the answer is on its way.
    if (error.code !== 'ECONNRESET' && brokenBy(socket) !== undefined) return
    // Nobody is there to read it.
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const code = CODES[error.code ?? ''] ?? 'request_invalid'
    if (code === 'request_timeout' && isHeld(socket)) return
    markBroken(socket, code)
    const response = responseOn(socket)
    if (response === undefined && isInBody(socket)) {
      socket.destroySoon()
      return
    }
    if (response !== undefined && !response.req.complete) {
      // Half of an answer cannot be followed by another one: the client would take it for the body.
      if (response.headersSent) {
        socket.destroySoon()
        return
      }
      abandon(response, code)
    }
    afterItsTurn(socket, () => {
      if (!socket.writable) return
      socket.write(rawAnswer(code, errors, newRequestId(), headersOf(readBrokenHead(error.rawPacket))))
      endLingering(socket)
    })
  }
}
