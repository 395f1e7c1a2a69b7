// Routes requests that ask to switch protocols: WebSocket handshakes go to their routes, all others are served without a switch.
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'

import { afterItsTurnUnread } from '../listen/current-response.ts'
import { hasHiddenHeaders } from '../listen/single-headers.ts'
import type { GatewayRequest } from '../../message/client-exchange.ts'
import { headerLines, removeHeaders, replaceHeader } from '../../message/raw-headers.ts'

/** True for a WebSocket handshake. False for HTTP/1.0, where a server ignores Upgrade (RFC 9110 section 7.8). */
export function isWebSocketUpgrade({ headers, httpVersion }: Pick<GatewayRequest, 'headers' | 'httpVersion'>): boolean {
  return headers.upgrade !== undefined && headers.upgrade.toLowerCase() === 'websocket' && httpVersion !== '1.0'
}

/**
 * The callback of Node 22.21, 24.9 and newer: true emits `upgrade`, for possible WebSockets only; false serves a plain
 * request. A WebSocket with a body is refused as a WebSocket. Older versions emit every offer, see routeUpgrades.
 */
export function shouldUpgradeCallback(this: Server, request: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  return (
    this.listenerCount('upgrade') > 0 && isWebSocketUpgrade(request) && coding === undefined && Number(length) === 0
  )
}

function ignore(): void {
  // Node closes a failed connection and emits the error to the listeners.
}

/** The same error as Node's for a head that is too long. */
function headOverflow(): Error {
  return Object.assign(new Error('a thousand headers or more'), { code: 'HPE_HEADER_OVERFLOW' })
}

/** Hop-by-hop headers, and headers of the protocol that is not switched to. */
const OF_THE_UPGRADE = new Set(['upgrade', 'http2-settings'])

/** Writes the head of the request again, without the Upgrade. */
function headWithoutUpgrade({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const headers = [...rawHeaders]
  removeHeaders(headers, (name) => OF_THE_UPGRADE.has(name))
  replaceHeader(headers, 'connection', withoutOptions)
  return Buffer.from(`${method} ${url} HTTP/${httpVersion}\r\n${headerLines(headers)}\r\n`, 'latin1')
}

function withoutOptions(connection: string): string | undefined {
  const left = connection
    .split(',')
    .filter((option) => !OF_THE_UPGRADE.has(option.trim().toLowerCase()))
    .join(',')
  return left === '' ? undefined : left
}

/**
 * Gives WebSocket handshakes of this server to the upgrade listeners of `switching`. With a listener, Node 20 emits `upgrade` for every request that offers one (curl
 * --http2, Java's client), and detaches the connection before the body. Such a request is replayed to the server without the
 * offer, as if the connection were new (RFC 9110 section 7.8: a server may ignore it). Calls `onLost` for requests whose
 * connection closed before their turn.
 */
export function routeUpgrades(server: Server, switching: Server, onLost: (request: IncomingMessage) => void): void {
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // Node has detached the connection: without a listener a reset would end the process.
    socket.on('error', ignore)
    afterItsTurnUnread(
      socket,
      () => {
        if (isWebSocketUpgrade(request)) switching.emit('upgrade', request, socket, head)
        else giveBack(server, request, socket, head)
      },
      () => {
        onLost(request)
      },
    )
  })
}

function giveBack(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  // A dropped header may hold the length of the body: without it the body would be parsed as the next request.
  if (hasHiddenHeaders(request.rawHeaders)) {
    server.emit('clientError', headOverflow(), socket)
    socket.resume()
    return
  }
  socket.unshift(Buffer.concat([headWithoutUpgrade(request), head]))
  socket.setTimeout(0)
  server.emit('connection', socket)
  // Node has its own listener again. Without this, each offer would leave one of ours on the connection.
  socket.off('error', ignore)
}
