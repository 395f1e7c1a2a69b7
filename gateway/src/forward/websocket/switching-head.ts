// The head of the 101 response to a client: the library's own, with what the upstream sent in its 101 (RFC 6455 section 4.2.2).
import { validateHeaderValue } from 'node:http'
import type { Duplex } from 'node:stream'

import type { HeaderFilter } from '../headers/headers.ts'
import { eachHeader, type RawHeaders } from '../../message/raw-headers.ts'

/** Each side has a handshake of its own; and a 101 has no body, so no length (RFC 9110 section 8.6). */
const OF_THE_OTHER_HANDSHAKE: ReadonlySet<string> = new Set([
  ...['sec-websocket-accept', 'sec-websocket-protocol', 'sec-websocket-extensions', 'sec-websocket-version'],
  ...['sec-websocket-key', 'content-length'],
])

/** The fields of the upstream's 101 that are the client's as well, as lines of a head. */
export function linesForClient(filter: HeaderFilter, rawHeaders: RawHeaders, requestId: string): string {
  let lines = ''
  eachHeader(filter.toClient(rawHeaders, requestId, OF_THE_OTHER_HANDSHAKE), (name, value) => {
    if (isSendable(name, value)) lines += `${name}: ${value}\r\n`
  })
  return lines
}

/** Other responses are checked by Node when they are written; this one is written past it. */
function isSendable(name: string, value: string): boolean {
  try {
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}

const BEGINNING = 'HTTP/1.1 101 '

/**
 * Puts these lines into the 101 that is written next to the connection. ws writes it as one text and asks nobody but the
 * listeners of its server, which the plugin keeps to itself. As Latin-1: ws would write bytes of others as UTF-8.
 */
export function addToSwitchingHead(connection: Duplex, lines: string): void {
  const write = connection.write.bind(connection) as (...args: unknown[]) => boolean
  function writeHead(...args: unknown[]): boolean {
    Reflect.deleteProperty(connection, 'write')
    const [head] = args
    if (typeof head !== 'string' || !head.startsWith(BEGINNING)) return write(...args)
    // Before the empty line that ends it.
    return write(head.slice(0, -2) + lines + head.slice(-2), 'latin1')
  }
  connection.write = writeHead
}
