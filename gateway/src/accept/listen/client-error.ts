// Responds to what is not HTTP with the same failure body as everywhere, then closes the connection.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

import { brokenBy, markBroken } from './broken.ts'
import { readBrokenHead } from './broken-head.ts'
import { bytesAtFault } from './fault-bytes.ts'
import { afterItsTurn, responseOn } from './current-response.ts'
import type { CorsByPath } from '../origins/cors-by-path.ts'
import { abandon, rawAnswer, type AnswerOptions } from '../answer.ts'
import type { FailureCode } from '../../failure.ts'
import { endLingering } from '../../message/lingering-close.ts'

const CODES: Readonly<Record<string, FailureCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** With the piece in which the fault was. */
type ParserError = NodeJS.ErrnoException & {
  readonly rawPacket?: unknown
  readonly bytesParsed?: number
  readonly reason?: string
}

function shownBytes(socket: Socket, { rawPacket, bytesParsed, code = '' }: ParserError): string | undefined {
  if (!Buffer.isBuffer(rawPacket)) return undefined
  return bytesAtFault(rawPacket, { at: bytesParsed ?? 0, code, isFirst: socket.bytesRead <= rawPacket.length })
}

/** What Node's server keeps of the message that it reads. */
interface ServerSocket extends Socket {
  readonly parser?: { readonly incoming: { readonly complete: boolean } | null } | null
}

/** Half of a body is all that came: where nothing is under way any more, its request has got its response before. */
function isInBody({ parser }: ServerSocket): boolean {
  return parser?.incoming?.complete === false
}

/** Bytes that could not be parsed as a request, and what was done about them. */
export interface ConnectionFault {
  readonly requestId: string
  readonly code: FailureCode
  /** True when a response was sent; false when the client had left before. */
  readonly isAnswered: boolean
  /** In the words of the parser: which rule was broken. */
  readonly reason: string
  /** The bytes at the fault, as far as they may be shown. */
  readonly bytes: string | undefined
}

export interface ClientErrorParts {
  readonly errors: AnswerOptions
  /** The id of a request that is under way on the connection; a new one where there is none. */
  readonly requestIdOf: (request: IncomingMessage | undefined) => string
  /** True while the connection is not read, so that what is late on it is not the client's fault. */
  readonly isHeld: (socket: Socket) => boolean
  /** CORS headers for the response, names and values in turn. */
  readonly headersOf: CorsByPath['headersOf']
  /** Called for bytes that are no request. A request with a fault in its body is reported with its response instead. */
  readonly onFault: (socket: Socket, fault: ConnectionFault) => void
}

/** For Node's `clientError`. Strict parsing is the first defence against request smuggling, so nothing is made of the rest. */
export function createClientErrorHandler({ errors, requestIdOf, isHeld, headersOf, onFault }: ClientErrorParts) {
  /** Once it is the turn of what could not be parsed. `isTold`: it is part of a request whose response is told of. */
  function answerInTurn(socket: Socket, error: ParserError, code: FailureCode, requestId: string, isTold: boolean) {
    function tell(isAnswered: boolean): void {
      // A connection on which nothing was said had no request to end: browsers open some ahead.
      if (isTold || socket.bytesRead === 0) return
      const reason = error.reason ?? error.code ?? error.message
      onFault(socket, { requestId, code, isAnswered, reason, bytes: shownBytes(socket, error) })
    }
    afterItsTurn(
      socket,
      () => {
        tell(socket.writable)
        if (!socket.writable) return
        socket.write(rawAnswer(code, errors, requestId, headersOf(readBrokenHead(error.rawPacket))))
        endLingering(socket)
      },
      () => {
        tell(false)
      },
    )
  }

  return function onClientError(error: ParserError, socket: Socket): void {
    // Each further piece fails again: read and thrown away, while the response is on its way.
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
    const inBody = isInBody(socket)
    if (response === undefined && inBody) {
      socket.destroySoon()
      return
    }
    if (response === undefined || response.req.complete) {
      answerInTurn(socket, error, code, requestIdOf(undefined), inBody)
      return
    }
    // Half of a response cannot be followed by another one: the client would take it for the body.
    if (response.headersSent) {
      socket.destroySoon()
      return
    }
    const requestId = requestIdOf(response.req)
    abandon(response, code)
    answerInTurn(socket, error, code, requestId, true)
  }
}
