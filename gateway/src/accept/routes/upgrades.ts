// Routes requests that ask to switch protocols: WebSocket handshakes go to their routes, all others are served without a switch.
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { afterItsTurnUnread } from '../listen/current-response.ts'
import { hasHiddenHeaders } from '../listen/single-headers.ts'
import { headerLines, removeHeaders, replaceHeader } from '../../message/raw-headers.ts'

/** An offer in HTTP/1.0 is to be ignored (RFC 9110 section 7.8): such a request is a plain one. */
export function isWebSocketUpgrade({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.upgrade !== undefined && headers.upgrade.toLowerCase() === 'websocket' && httpVersion !== '1.0'
}

/**
 * What Node 22.21, 24.9 and newer ask the server: only what may become a WebSocket is to be handed out, all else served as a
 * request; a WebSocket with a body is refused as one. Older ones hand out every offer, see routeUpgrades.
 */
export function shouldUpgradeCallback(this: Server, request: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  return (
    this.listenerCount('upgrade') > 0 && isWebSocketUpgrade(request) && coding === undefined && Number(length) === 0
  )
}

function ignore(): void {
  // A connection that fails is closed by Node; what listens for that comes to know.
}

/** As Node's own of a head that is too long. */
function headOverflow(): Error {
  return Object.assign(new Error('a thousand headers or more'), { code: 'HPE_HEADER_OVERFLOW' })
}

/** Of one connection only, or about the protocol that is not switched to. */
const OF_THE_UPGRADE = new Set(['upgrade', 'http2-settings'])

/** The head of the request as it came, but for the wish. */
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
 * Takes over the server's upgrades from whoever listens for them. With such a listener Node 20 hands out every request that
 * offers an upgrade (curl --http2, Java's client) with its connection and without its body: those are given back, without
 * the offer, as if the connection were new (RFC 9110 section 7.8: a server may ignore it). `onLost` is told of those whose
 * connection ended before it was their turn.
 */
export function routeUpgrades(server: Server, onLost: (request: IncomingMessage) => void): void {
  const listeners = server.listeners('upgrade') as ((request: IncomingMessage, socket: Duplex, head: Buffer) => void)[]
  server.removeAllListeners('upgrade')
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // Node has let go of the connection: without this a reset would end the process.
    socket.on('error', ignore)
    afterItsTurnUnread(
      socket,
      () => {
        if (isWebSocketUpgrade(request)) for (const listener of listeners) listener(request, socket, head)
        else giveBack(server, request, socket, head)
      },
      () => {
        onLost(request)
      },
    )
  })
}

function giveBack(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  // What is hidden may say how long the body is: without it, the body would be read as the next request.
  if (hasHiddenHeaders(request.rawHeaders)) {
    server.emit('clientError', headOverflow(), socket)
    socket.resume()
    return
  }
  socket.unshift(Buffer.concat([headWithoutUpgrade(request), head]))
  socket.setTimeout(0)
  server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket)
  // Node listens again. One more of ours for each offer would be there for as long as the connection.
  socket.off('error', ignore)
}
