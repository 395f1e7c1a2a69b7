// Serves the connections of one listener: TLS where it is asked for, then HTTP/2, the fast lane, and Node's parser behind it.
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'

import { superviseConnections, type Connections } from '../../accept/listen/connections.ts'
import { routeUpgrades } from '../../accept/routes/upgrades.ts'
import type { Place } from '../../options/listen/address.ts'
import { createProxiedConnections } from '../../accept/listen/proxied-connections.ts'
import { createTrust } from '../../message/trusted-proxies.ts'
import type { ListenerEvents } from '../../observe/events/listener-events.ts'
import type { ListenerOptions } from '../../options/listen/listen.ts'
import type { App, AppParts } from './app.ts'
import { openFastLane } from './fast-lane.ts'
import { openHttp2Listener } from './http2.ts'
import { createTlsFront, type TlsFront } from './tls-front.ts'

export interface ConnectionServerParts extends App, AppParts, ListenerEvents {
  /** Whether files are watched. */
  readonly watch: boolean
}

export interface ConnectionServer {
  readonly server: Server
  readonly connections: Connections
  readonly tls: TlsFront | undefined
  /** Serves a connection that a listener accepted. */
  take(socket: Socket): void
  /** Each response is the last of its connection, and idle connections are closed. Resolves when none is left. */
  drain(): Promise<void>
}

const IDLE_CHECK_MS = 50

function createNodeServer(parts: ConnectionServerParts): Server {
  const { app, parsing, onClientError, serving, onLost } = parts
  const server = createServer(parsing, (request, response) => {
    app.routing(request, response)
  })
  server.keepAliveTimeout = app.server.keepAliveTimeout
  server.on('clientError', onClientError)
  if (serving.current.upgrade !== undefined) routeUpgrades(server, app.server, onLost)
  return server
}

/** Undefined where connections begin without a PROXY header. */
function takeHeaders(
  { proxyProtocol }: ListenerOptions,
  take: (socket: Socket) => void,
  { schedule, onProxyRefused }: ConnectionServerParts,
): ((socket: Socket) => void) | undefined {
  if (proxyProtocol === undefined) return undefined
  const { from, timeout } = proxyProtocol
  return createProxiedConnections({
    ...{ isTrusted: createTrust(from), timeoutMs: timeout, schedule, take },
    onRefused: onProxyRefused,
  })
}

/** Node closes idle connections once, so those that become idle later are closed here. */
async function whenEmpty(server: Server, connections: Connections): Promise<void> {
  await new Promise<void>((resolve) => {
    const look = () => {
      server.closeIdleConnections()
      if (connections.count > 0) return
      clearInterval(sweep)
      resolve()
    }
    const sweep = setInterval(look, IDLE_CHECK_MS)
    look()
  })
}

/** Throws CannotStart for a certificate that cannot be used. */
export function createConnectionServer(
  options: ListenerOptions,
  place: Place,
  parts: ConnectionServerParts,
): ConnectionServer {
  const server = createNodeServer(parts)
  const connections = superviseConnections(server, parts.supervision)
  if (options.parser === 'auto') openFastLane(server, connections, parts)
  openHttp2Listener(server, options, { ...parts, connections })
  const protocols = options.http2 ? ['h2', 'http/1.1'] : ['http/1.1']
  const tls =
    options.tls === undefined ? undefined : createTlsFront(options.tls, place, { ...parts, server, protocols })
  let isWatching = false

  function begin(socket: Socket): void {
    if (tls === undefined) {
      server.emit('connection', socket)
      // It was paused behind its PROXY header. Beneath TLS it is read in another way.
      if (socket.isPaused()) socket.resume()
      return
    }
    connections.note(socket)
    tls.take(socket)
  }

  const proxied = takeHeaders(options, begin, parts)

  return {
    server,
    connections,
    tls,
    take(socket) {
      // Node's server looks after heads that do not come from when it is told that it listens, which others do for it.
      if (!isWatching) server.emit('listening')
      isWatching = true
      if (proxied === undefined) {
        begin(socket)
        return
      }
      connections.note(socket)
      proxied(socket)
    },
    async drain() {
      tls?.stop()
      connections.retire()
      await whenEmpty(server, connections)
      server.close()
    },
  }
}
