// Writes the head of a request as one string, with the framing of its body (RFC 9112 sections 3 and 6).
import { credentialsBind } from './connections/connection-auth.ts'
import type { OutgoingRequest } from './transport.ts'

/** Methods that define a body: a request without one sends `content-length: 0` (RFC 9110 section 8.6). */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

const CONTENT_LENGTH = 'content-length'
const HOST = 'host'
const AUTHORIZATION = 'authorization'

/** Characters that end a request target or a line, and so could inject another request. */
const UNSAFE_PATH = /[^\x21-\x7e\x80-\xff]/

/** True when no character of the path ends a line. */
export function isSafePath(path: string): boolean {
  return !UNSAFE_PATH.test(path)
}

export interface RequestHead {
  /** The request line and the fields in Latin-1, with the empty line at the end. */
  readonly text: string
  /** True when the body has no known length and is sent in chunks. */
  readonly chunked: boolean
  /** True when the credentials authenticate the connection (connection-auth.ts). */
  readonly binds: boolean
}

/**
 * Writes the head of `request`. Adds `host` unless the headers have a Host. Does not escape names and values: Node's parser
 * lets no control character into them, and the gateway adds none. Undefined when the path contains unsafe characters.
 */
export function requestHead(
  { method, path, headers, body, upgrade }: OutgoingRequest,
  host: string,
): RequestHead | undefined {
  if (!isSafePath(path)) return undefined
  let fields = ''
  let saysHost = false
  let saysLength = false
  let binds = false
  // Hot path: one loop without a closure, so it does not use message/raw-headers.ts.
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    const value = headers[index + 1] as string
    if (name.length === HOST.length) saysHost ||= name.toLowerCase() === HOST
    else if (name.length === CONTENT_LENGTH.length) saysLength ||= name.toLowerCase() === CONTENT_LENGTH
    else if (name.length === AUTHORIZATION.length && credentialsBind(value))
      binds ||= name.toLowerCase() === AUTHORIZATION
    fields += `${name}: ${value}\r\n`
  }
  const chunked = body !== null && !saysLength
  const hostField = saysHost ? '' : `host: ${host}\r\n`
  const connection = upgrade === null ? 'connection: keep-alive\r\n' : `connection: upgrade\r\nupgrade: ${upgrade}\r\n`
  const framing = chunked
    ? 'transfer-encoding: chunked\r\n'
    : body === null && !saysLength && WITH_BODY.has(method)
      ? 'content-length: 0\r\n'
      : ''
  return { text: `${method} ${path} HTTP/1.1\r\n${hostField}${connection}${fields}${framing}\r\n`, chunked, binds }
}
