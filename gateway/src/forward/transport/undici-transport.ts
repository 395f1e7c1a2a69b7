// The undici transport: sends requests to one target with undici, for services that the direct transport does not suit.
import { BoundConnections } from './connections/bound-connections.ts'
import { DISTRUST_MS } from './connections/distrust.ts'
import type { OutgoingRequest, ResponseReceiver, TargetTransport, TransportParts } from './transport.ts'
import { UndiciConnection } from './connections/undici-connection.ts'
import { createConnector, hasName, originOf } from './connections/upstream-connection.ts'
import { UpstreamReset } from '../upstream/upstream-failure.ts'
import type { UpstreamConfig } from '../../options/upstreams.ts'

/**
 * Creates a transport to one target. It does not pipeline (GHSA-35p6-xmwp-9g52), and has at most one connection for each
 * exchange in flight, whose number the upstream limits. stream-watch.ts applies the idle timeout of bodies, because undici's
 * body timeout does not distinguish event streams.
 */
export function createUndiciTransport(target: string, config: UpstreamConfig, parts: TransportParts): TargetTransport {
  const open = new Set<UndiciConnection>()
  const closing = new Set<Promise<void>>()
  /** A stack: the connection that became idle last is reused first, so that surplus connections reach their idle timeout. */
  const idle: UndiciConnection[] = []
  const bound = new BoundConnections<UndiciConnection>(config.connections, close)
  let generation = 0
  let closed = false
  let distrustedUntilMs = -Infinity
  // Only a new connection resolves the host name, so idle connections are replaced after each `dnsRefresh`.
  let cancelRefresh = hasName(target) ? parts.schedule(config.dnsRefresh, refresh) : undefined

  const connectionParts = {
    origin: originOf(target),
    servername: new URL(originOf(target)).hostname,
    connect: createConnector(target, parts.tls, config.timeouts.connect, parts.lookup),
    headersTimeoutMs: config.timeouts.headers,
    maxHeadBytes: parts.maxHeadBytes,
    onExcess() {
      distrustedUntilMs = parts.clock.monotonic() + DISTRUST_MS
      for (const connection of idle.splice(0)) close(connection)
    },
    onFree(connection: UndiciConnection) {
      if (closed || !connection.connected || parts.clock.monotonic() < distrustedUntilMs) close(connection)
      else if (connection.bound) {
        if (!bound.keep(connection.client, connection)) close(connection)
      } else if (connection.generation === generation) idle.push(connection)
      else close(connection)
    },
  }

  function refresh(): void {
    generation += 1
    for (const connection of idle.splice(0)) close(connection)
    cancelRefresh = parts.schedule(config.dnsRefresh, refresh)
  }

  function close(connection: UndiciConnection): void {
    if (!open.delete(connection)) return
    const done = connection.close().finally(() => closing.delete(done))
    closing.add(done)
  }

  function openConnection(): UndiciConnection {
    const connection = new UndiciConnection(connectionParts, generation)
    open.add(connection)
    return connection
  }

  return {
    send(request: OutgoingRequest, receiver: ResponseReceiver, fresh = false) {
      const connection = fresh ? undefined : (bound.take(request.client) ?? idle.pop())
      if (closed) receiver.onError(new UpstreamReset('the gateway is closing'))
      else (connection ?? openConnection()).send(request, receiver)
    },
    holds: (client) => bound.has(client),
    async close() {
      closed = true
      cancelRefresh?.()
      bound.closeAll()
      for (const connection of [...open]) close(connection)
      await Promise.all(closing)
    },
  }
}
