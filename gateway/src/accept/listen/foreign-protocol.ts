// Detects requests that Node's parser accepts although they are not HTTP/1.0 or 1.1: other versions, RTSP and ICE.
import { METHODS, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** What is being parsed just now, as a copy. */
interface ServerSocket extends Socket {
  readonly parser?: { getCurrentBuffer(): Buffer | undefined } | null
}

const HTTP_METHODS: ReadonlySet<string> = new Set(METHODS)

/** DESCRIBE, SETUP, PLAY and the like: the parser takes them on lines of RTSP alone (RFC 2326). */
export function isForeignMethod(method: string | undefined): boolean {
  return method !== 'GET' && method !== 'POST' && !HTTP_METHODS.has(method ?? '')
}

/** The versions that are spoken here: of what else Node lets pass, 0.9 has no headers and 2.0 no text. */
export function isSpokenVersion({ httpVersionMajor, httpVersionMinor }: IncomingMessage): boolean {
  return httpVersionMajor === 1 && httpVersionMinor <= 1
}

/**
 * Whether the request line names RTSP or ICE. The parser takes `GET / RTSP/1.0` for HTTP and does not tell, so the bytes are
 * looked at: a copy, and nothing to see where the line came in pieces. For requests that may be such.
 */
export function isForeignLine({ method = '', url = '', socket }: IncomingMessage, isFirst: boolean): boolean {
  const bytes = (socket as ServerSocket).parser?.getCurrentBuffer()
  if (bytes === undefined) return false
  const foreignAt = ['RTSP/', 'ICE/']
    .map((protocol) => bytes.indexOf(`${method} ${url} ${protocol}`, 0, 'latin1'))
    .find((at) => at >= 0)
  if (foreignAt === undefined) return false
  const httpAt = bytes.indexOf(`${method} ${url} HTTP/`, 0, 'latin1')
  return !isFirst || httpAt === -1 || foreignAt < httpAt
}
