// Answers malformed requests with a failure, then closes the connection.
import type { Socket } from 'node:net'

import { brokenBy, markBroken } from './broken.ts'
import { readBrokenHead } from './broken-head.ts'
import { bytesAtFault } from './fault-bytes.ts'
import { afterItsTurn, responseOn } from './current-response.ts'
import type { CorsByPath } from '../origins/cors-by-path.ts'
import { abandon, rawAnswer, type AnswerOptions } from '../answer.ts'
import type { FailureCode } from '../../failure.ts'
import type { GatewayRequest } from '../../message/client-exchange.ts'
import { endLingering } from '../../message/connection/lingering-close.ts'

const CODES: Readonly<Record<string, FailureCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** A parser error, with the packet in which the fault was. */
type ParserError = NodeJS.ErrnoException & {
  readonly rawPacket?: unknown
  readonly bytesParsed?: number
  readonly reason?: string
}

function shownBytes(socket: Socket, { rawPacket, bytesParsed, code = '' }: ParserError): string | undefined {
  if (!Buffer.isBuffer(rawPacket)) return undefined
  return bytesAtFault(rawPacket, { at: bytesParsed ?? 0, code, isFirst: socket.bytesRead <= rawPacket.length })
}

/** Node's internal state of the message that a connection reads. */
interface ServerSocket extends Socket {
  readonly parser?: { readonly incoming: { readonly complete: boolean } | null } | null
}

/** True when the last request has an incomplete body. If no response is in flight, that request was answered before. */
function isInBody({ parser }: ServerSocket): boolean {
  return parser?.incoming?.complete === false
}

/** What a head may take. */
export interface HeadLimits {
  readonly bytes: number
  readonly timeoutMs: number
}

/** The parser does not say what its limits are. */
function reasonOf({ reason, code, message }: ParserError, { bytes, timeoutMs }: HeadLimits): string {
  if (code === 'HPE_HEADER_OVERFLOW') return `the head has more than ${bytes} bytes (limits.headerBytes)`
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return `the head did not come within ${timeoutMs} ms (limits.requestTimeout)`
  return reason ?? code ?? message
}

/** Malformed bytes, and what the gateway did about them. */
export interface ConnectionFault {
  readonly requestId: string
  readonly code: FailureCode
  /** True when the gateway sent an answer; false when the client had disconnected. */
  readonly isAnswered: boolean
  /** The parser's message. */
  readonly reason: string
  /** The bytes at the fault, redacted (fault-bytes.ts). */
  readonly bytes: string | undefined
}

export interface ClientErrorParts {
  /** Read anew for each answer, as a change of the config replaces it. */
  readonly serving: {
    readonly current: { readonly errors: AnswerOptions; readonly cors: Pick<CorsByPath, 'headersOf'> }
  }
  readonly headLimits: HeadLimits
  /** Returns the id of the request in flight on the connection, or a new one. */
  readonly requestIdOf: (request: GatewayRequest | undefined) => string
  /** True while the gateway does not read the connection: a timeout is then not the client's fault. */
  readonly isHeld: (socket: Socket) => boolean
  /** Called for a malformed head. A request with a malformed body is reported with its own answer. */
  readonly onFault: (socket: Socket, fault: ConnectionFault) => void
}

/** Creates the listener for Node's `clientError`. It never resumes parsing: that would allow request smuggling. */
export function createClientErrorHandler(parts: ClientErrorParts) {
  const { serving, headLimits, requestIdOf, isHeld, onFault } = parts
  /** Answers after the responses before it. `isTold`: the fault belongs to a request that is reported with its own answer. */
  function answerInTurn(socket: Socket, error: ParserError, code: FailureCode, requestId: string, isTold: boolean) {
    function tell(isAnswered: boolean): void {
      // A connection without any bytes is not reported: browsers open connections ahead.
      if (isTold || socket.bytesRead === 0) return
      const reason = reasonOf(error, headLimits)
      onFault(socket, { requestId, code, isAnswered, reason, bytes: shownBytes(socket, error) })
    }
    afterItsTurn(
      socket,
      () => {
        tell(socket.writable)
        if (!socket.writable) return
        const { errors, cors } = serving.current
        socket.write(rawAnswer(code, errors, requestId, cors.headersOf(readBrokenHead(error.rawPacket))))
        endLingering(socket)
      },
      () => {
        tell(false)
      },
    )
  }

  return function onClientError(error: ParserError, socket: Socket): void {
    // Each further packet fails again. Discarded while the answer is sent.
    if (error.code !== 'ECONNRESET' && brokenBy(socket) !== undefined) return
    // The client has disconnected.
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
    // After an incomplete response the client would read an answer as the rest of the body.
    if (response.headersSent) {
      socket.destroySoon()
      return
    }
    const requestId = requestIdOf(response.req)
    abandon(response, code)
    answerInTurn(socket, error, code, requestId, true)
  }
}
