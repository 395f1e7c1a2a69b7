// The WebSocket handshake with the upstream: the request, and the check of its response (RFC 6455 section 4).
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import { acceptOf } from './dialed-connection.ts'
import { hasBody } from '../streams/request-body.ts'
import { removeHeaders, valuesOf, type RawHeaders } from '../../message/raw-headers.ts'

/** Of the client's own handshake; the gateway makes its own with the upstream. Extensions are not negotiated through. */
const OF_THIS_HOP: ReadonlySet<string> = new Set([
  ...['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-extensions', 'sec-websocket-accept'],
])

/** The only version that is spoken (RFC 6455). */
export const VERSION = '13'

/**
 * What is wrong with a handshake. RFC 6455 section 4.2.1: a GET with a key of 16 bytes in version 13. A body would be read as
 * frames by one side and as a body by the other.
 */
export function handshakeProblem(request: IncomingMessage): 'request_invalid' | 'websocket_version' | undefined {
  const { method, headers } = request
  if (method !== 'GET' || hasBody(request)) return 'request_invalid'
  if (headers['sec-websocket-version'] !== VERSION) return 'websocket_version'
  const key = headers['sec-websocket-key']
  return typeof key === 'string' && /^[A-Za-z0-9+/]{22}==$/.test(key) ? undefined : 'request_invalid'
}

export interface Handshake {
  readonly key: string
  /** Subprotocols that were offered. */
  readonly offered: readonly string[]
}

/** Turns headers for a plain request into those of a handshake, in place. */
export function prepareHandshake(headers: string[]): Handshake {
  removeHeaders(headers, (name) => OF_THIS_HOP.has(name))
  const offered = valuesOf(headers, 'sec-websocket-protocol').flatMap((value) =>
    value.split(',').map((item) => item.trim()),
  )
  const key = randomBytes(16).toString('base64')
  headers.push('sec-websocket-key', key, 'sec-websocket-version', VERSION)
  return { key, offered }
}

/** The subprotocol that the upstream chose, undefined for none; an Error when this is no answer to the handshake. */
export function chosenProtocol({ key, offered }: Handshake, rawHeaders: RawHeaders): string | undefined | Error {
  const said = (name: string) => valuesOf(rawHeaders, name).at(-1)?.trim()
  if (said('sec-websocket-accept') !== acceptOf(key)) return new Error('Sec-WebSocket-Accept is wrong')
  if (said('sec-websocket-extensions') !== undefined) return new Error('an extension was chosen that nobody offered')
  const protocol = said('sec-websocket-protocol')
  return protocol === undefined || offered.includes(protocol)
    ? protocol
    : new Error('a subprotocol was chosen that nobody offered')
}
