// The WebSocket handshake with the upstream: the request, and the check of its response (RFC 6455 section 4).
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import { acceptOf } from './dialed-connection.ts'
import { hasBody } from '../streams/request-body.ts'
import { quoted } from '../../message/shown-value.ts'
import { removeHeaders, valuesOf, type RawHeaders } from '../../message/raw-headers.ts'

/** Headers of the client's handshake. The gateway has its own handshake with the upstream, without extensions. */
const OF_THIS_HOP: ReadonlySet<string> = new Set([
  ...['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-extensions', 'sec-websocket-accept'],
])

/** The only supported version (RFC 6455). */
const VERSION = '13'

/** Headers of a 426: the supported version (RFC 6455 section 4.4), and the protocol to switch to (RFC 9110 section 15.5.22). */
const SPOKEN_VERSION = ['sec-websocket-version', VERSION, 'upgrade', 'websocket', 'connection', 'upgrade, close']

export interface HandshakeProblem {
  readonly code: 'request_invalid' | 'websocket_version'
  readonly detail: string
  /** Additional headers of the answer. */
  readonly headers?: readonly string[]
}

function invalid(detail: string): HandshakeProblem {
  return { code: 'request_invalid', detail }
}

/**
 * Checks a handshake (RFC 6455 section 4.2.1): a GET of version 13 with a key of 16 bytes, and without a body, which one side
 * could read as frames. Undefined when it is valid.
 */
export function handshakeProblem(request: IncomingMessage): HandshakeProblem | undefined {
  const { method, headers } = request
  if (method !== 'GET') return invalid(`a WebSocket is asked for with ${String(method)}, wanted is GET`)
  if (hasBody(request)) return invalid('a WebSocket is asked for with a body, wanted is none')
  const version = headers['sec-websocket-version']
  if (version !== VERSION)
    return {
      code: 'websocket_version',
      detail: `sec-websocket-version is ${typeof version === 'string' ? quoted(version) : 'missing'}, wanted is ${VERSION}`,
      headers: SPOKEN_VERSION,
    }
  const key = headers['sec-websocket-key']
  return typeof key === 'string' && /^[A-Za-z0-9+/]{22}==$/.test(key)
    ? undefined
    : invalid('sec-websocket-key is not 16 bytes in base64')
}

export interface Handshake {
  readonly key: string
  /** The offered subprotocols. */
  readonly offered: readonly string[]
}

/** Changes the headers of a plain request to a handshake, in place. */
export function prepareHandshake(headers: string[]): Handshake {
  removeHeaders(headers, (name) => OF_THIS_HOP.has(name))
  const offered = valuesOf(headers, 'sec-websocket-protocol').flatMap((value) =>
    value.split(',').map((item) => item.trim()),
  )
  const key = randomBytes(16).toString('base64')
  headers.push('sec-websocket-key', key, 'sec-websocket-version', VERSION)
  return { key, offered }
}

/** Returns the subprotocol of the upstream, undefined for none. An Error when its 101 does not complete the handshake. */
export function chosenProtocol({ key, offered }: Handshake, rawHeaders: RawHeaders): string | undefined | Error {
  const said = (name: string) => valuesOf(rawHeaders, name).at(-1)?.trim()
  if (said('sec-websocket-accept') !== acceptOf(key)) return new Error('Sec-WebSocket-Accept is wrong')
  if (said('sec-websocket-extensions') !== undefined) return new Error('an extension was chosen that nobody offered')
  const protocol = said('sec-websocket-protocol')
  return protocol === undefined || offered.includes(protocol)
    ? protocol
    : new Error('a subprotocol was chosen that nobody offered')
}
