// Detects requests that Node's parser accepts although they are not HTTP/1.0 or 1.1: other versions, RTSP and ICE.
import { METHODS, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** Returns a copy of the bytes that the parser reads now. */
interface ServerSocket extends Socket {
  readonly parser?: { getCurrentBuffer(): Buffer | undefined } | null
}

const HTTP_METHODS: ReadonlySet<string> = new Set(METHODS)

/** True for methods of RTSP (RFC 2326) such as DESCRIBE, which the parser accepts on RTSP request lines only. */
export function isForeignMethod(method: string | undefined): boolean {
  return method !== 'GET' && method !== 'POST' && !HTTP_METHODS.has(method ?? '')
}

/** True for HTTP/1.0 and 1.1. Node's parser also accepts 0.9, which has no headers, and 2.0, which is no text protocol. */
export function isSpokenVersion({ httpVersionMajor, httpVersionMinor }: IncomingMessage): boolean {
  return httpVersionMajor === 1 && httpVersionMinor <= 1
}

/**
 * True when the request line names RTSP or ICE. The parser accepts `GET / RTSP/1.0` as HTTP, so this copies and reads the
 * bytes. False when the line arrived in several packets. Call it only for requests that may be one of these.
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
