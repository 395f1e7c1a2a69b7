// Adds the upstream's headers to the library's 101 response for the client (RFC 6455 section 4.2.2).
import { validateHeaderValue } from 'node:http'
import type { Duplex } from 'node:stream'

import type { HeaderFilter } from '../headers/headers.ts'
import { eachHeader, type RawHeaders } from '../../message/raw-headers.ts'

/** Headers of the handshake with the upstream, and Content-Length, which a 101 must not have (RFC 9110 section 8.6). */
const OF_THE_OTHER_HANDSHAKE: ReadonlySet<string> = new Set([
  ...['sec-websocket-accept', 'sec-websocket-protocol', 'sec-websocket-extensions', 'sec-websocket-version'],
  ...['sec-websocket-key', 'content-length'],
])

/** Returns the headers of the upstream's 101 for the client, as lines with CR LF. */
export function linesForClient(filter: HeaderFilter, rawHeaders: RawHeaders, requestId: string): string {
  let lines = ''
  eachHeader(filter.toClient(rawHeaders, requestId, OF_THE_OTHER_HANDSHAKE), (name, value) => {
    if (isSendable(name, value)) lines += `${name}: ${value}\r\n`
  })
  return lines
}

/** True for a valid header. Node does not validate this response, because ws writes it to the socket. */
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
 * Inserts these lines into the next 101 that is written to the connection. ws writes it as one string and offers no hook but an
 * event of its server, which the plugin hides. Writes Latin-1, because UTF-8, as ws writes it, would change header bytes.
 */
export function addToSwitchingHead(connection: Duplex, lines: string): void {
  const write = connection.write.bind(connection) as (...args: unknown[]) => boolean
  function writeHead(...args: unknown[]): boolean {
    Reflect.deleteProperty(connection, 'write')
    const [head] = args
    if (typeof head !== 'string' || !head.startsWith(BEGINNING)) return write(...args)
    // Inserted before the final empty line.
    return write(head.slice(0, -2) + lines + head.slice(-2), 'latin1')
  }
  connection.write = writeHead
}
