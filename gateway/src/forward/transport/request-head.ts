// Writes the head of a request as one text, framed by its body (RFC 9112 sections 3 and 6).
import { credentialsBind } from './connections/connection-auth.ts'
import type { OutgoingRequest } from './transport.ts'

/** Methods whose requests have a body by their definition: without one, its length is said to be none (RFC 9110 section 8.6). */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

const CONTENT_LENGTH = 'content-length'
const HOST = 'host'
const AUTHORIZATION = 'authorization'

/** What ends a request target or a line would begin something else. */
const UNSAFE_PATH = /[^\x21-\x7e\x80-\xff]/

export interface RequestHead {
  readonly text: string
  /** Whether the body goes out in chunks, as nobody knows its length. */
  readonly chunked: boolean
  /** Its credentials authenticate the connection. */
  readonly binds: boolean
}

/**
 * `host` is said unless the headers say one. Names and values are taken as they are: Node's parser lets no control
 * character into them, and what the gateway adds has none. Undefined when the path cannot be sent.
 */
export function requestHead(
  { method, path, headers, body, upgrade }: OutgoingRequest,
  host: string,
): RequestHead | undefined {
  if (UNSAFE_PATH.test(path)) return undefined
  let fields = ''
  let saysHost = false
  let saysLength = false
  let binds = false
  // One pass over each request's headers, without a closure: that is why it is no helper of message/raw-headers.ts.
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
