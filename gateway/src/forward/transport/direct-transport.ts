// The direct transport: sends requests to one target over the gateway's own HTTP/1.1 connections, one exchange at a time on each.
import { BoundConnections } from './connections/bound-connections.ts'
import { DISTRUST_MS, isFarewell } from './connections/distrust.ts'
import { OwnBuffer } from './connections/own-buffer.ts'
import { KeptConnections } from './connections/kept-connections.ts'
import { PooledConnection, type ConnectionOwner } from './connections/pooled-connection.ts'
import type { OutgoingRequest, ResponseReceiver, TargetTransport, TransportParts } from './transport.ts'
import { connectTo, createConnector, hasName } from './connections/upstream-connection.ts'
import { Cancelled, UpstreamReset } from '../upstream/upstream-failure.ts'
import type { UpstreamConfig } from '../../options/upstreams.ts'

/**
 * Creates a transport to one target. It does not pipeline, and closes a connection that receives an unsolicited response
 * (GHSA-35p6-xmwp-9g52; decision 0030 names the remaining risk). It has at most one connection for each exchange in flight,
 * whose number the upstream limits, and those bound to a client. stream-watch.ts applies the idle timeout of bodies.
 */
export function createDirectTransport(target: string, config: UpstreamConfig, parts: TransportParts): TargetTransport {
  const { clock, schedule } = parts
  const address = connectTo(target)
  /** By their timeout, for the connections that read as streams: with TLS, or where the protocol may be switched. */
  const connectors = new Map<number, ReturnType<typeof createConnector>>()
  const open = new Set<PooledConnection>()
  const kept = new KeptConnections<PooledConnection>(() => clock.monotonic(), serve)
  const bound = new BoundConnections<PooledConnection>(config.connections, (connection) => {
    connection.close()
  })
  let generation = 0
  let dialing = 0
  let distrustedUntilMs = -Infinity
  let closed: (() => void) | undefined
  let timerAtMs = Infinity
  let cancelTimer: (() => void) | undefined
  // Only a new connection resolves the host name, so idle connections are replaced after each `dnsRefresh`.
  let cancelRefresh = hasName(target) ? schedule(config.dnsRefresh, refresh) : undefined

  function refresh(): void {
    generation += 1
    closeIdle()
    cancelRefresh = schedule(config.dnsRefresh, refresh)
  }

  function closeIdle(): void {
    for (const connection of kept.takeAll()) connection.close()
  }

  /** One timer serves all connections. Most deadlines are met, so it usually only finds the next one. */
  function checkDeadlines(): void {
    timerAtMs = Infinity
    const nowMs = clock.monotonic()
    let nextMs = Infinity
    for (const connection of open) {
      if (connection.deadlineMs <= nowMs) connection.onDeadline()
      else if (connection.deadlineMs < nextMs) nextMs = connection.deadlineMs
    }
    if (nextMs !== Infinity) setTimer(nextMs)
  }

  function setTimer(deadlineMs: number): void {
    if (deadlineMs >= timerAtMs) return
    cancelTimer?.()
    timerAtMs = deadlineMs
    cancelTimer = schedule(Math.max(1, deadlineMs - clock.monotonic()), checkDeadlines)
  }

  function resolveCloseWhenIdle(): void {
    if (closed === undefined || open.size > 0 || dialing > 0 || kept.waiting > 0) return
    cancelTimer?.()
    closed()
  }

  const owner: ConnectionOwner = {
    host: address.host,
    maxHeadBytes: parts.maxHeadBytes,
    now: () => clock.monotonic(),
    onDeadline: setTimer,
    onIdle(connection) {
      if (closed !== undefined || connection.idleSinceMs < distrustedUntilMs) connection.close()
      else if (connection.bound) {
        if (!bound.keep(connection.client, connection)) connection.close()
      } else if (connection.generation === generation) kept.add(connection)
      else connection.close()
    },
    onExcess(piece) {
      if (isFarewell(piece)) return
      distrustedUntilMs = clock.monotonic() + DISTRUST_MS
      closeIdle()
    },
    onGone(connection) {
      open.delete(connection)
      if (connection.bound) bound.delete(connection)
      else kept.delete(connection)
      resolveCloseWhenIdle()
    },
  }

  function connectorFor(timeoutMs: number): ReturnType<typeof createConnector> {
    let connector = connectors.get(timeoutMs)
    if (connector === undefined) {
      connector = createConnector(target, parts.tls, timeoutMs, parts.lookup)
      connectors.set(timeoutMs, connector)
    }
    return connector
  }

  function dial(request: OutgoingRequest, receiver: ResponseReceiver): void {
    const madeIn = generation
    const own = address.protocol === 'https:' || request.upgrade !== null ? undefined : new OwnBuffer()
    const connector =
      own === undefined
        ? connectorFor(request.connectTimeoutMs)
        : createConnector(target, undefined, request.connectTimeoutMs, parts.lookup, { onread: own })
    dialing += 1
    connector(address, (error, socket) => {
      dialing -= 1
      if (error !== null) {
        receiver.onError(error)
        resolveCloseWhenIdle()
        return
      }
      const connection = new PooledConnection(socket, owner, madeIn, own)
      open.add(connection)
      if (receiver.ended) {
        connection.release()
        receiver.onError(new Cancelled())
      } else {
        connection.send(request, receiver)
      }
    })
  }

  function serve(request: OutgoingRequest, receiver: ResponseReceiver, connection?: PooledConnection): void {
    if (receiver.ended) {
      connection?.release()
      receiver.onError(new Cancelled())
      resolveCloseWhenIdle()
    } else if (connection === undefined) dial(request, receiver)
    else connection.send(request, receiver)
  }

  return {
    send(request, receiver, fresh = false) {
      const own = fresh ? undefined : bound.take(request.client)
      if (own !== undefined) own.send(request, receiver)
      else if (closed !== undefined) receiver.onError(new UpstreamReset('the gateway is closing'))
      else if (fresh || request.upgrade !== null || !kept.wait(request, receiver)) dial(request, receiver)
    },
    holds: (client) => bound.has(client),
    close() {
      cancelRefresh?.()
      return new Promise((resolve) => {
        closed = resolve
        closeIdle()
        bound.closeAll()
        resolveCloseWhenIdle()
      })
    },
  }
}
