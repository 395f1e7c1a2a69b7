// The direct transport: exchanges with one target over the gateway's own connections, one at a time on each.
import { BoundConnections } from './connections/bound-connections.ts'
import { DISTRUST_MS, isFarewell } from './connections/distrust.ts'
import { KeptConnections } from './connections/kept-connections.ts'
import { PooledConnection, type ConnectionOwner } from './connections/pooled-connection.ts'
import type { OutgoingRequest, ResponseReceiver, TargetTransport, TransportParts } from './transport.ts'
import { connectTo, createConnector, hasName } from './connections/upstream-connection.ts'
import { Cancelled, UpstreamReset } from '../upstream/upstream-failure.ts'
import type { UpstreamConfig } from '../../options/upstreams.ts'

/**
 * Connections to one target and nobody else, without pipelining: a response too many that came before the next request was
 * written ends its connection (GHSA-35p6-xmwp-9g52; decision 0030 says what is left of that). There are never more than
 * exchanges under way at a time, which the upstream bounds, and those that are bound to a client. Silence inside a body is
 * watched elsewhere (stream-watch.ts), with the client's side of it.
 */
export function createDirectTransport(target: string, config: UpstreamConfig, parts: TransportParts): TargetTransport {
  const { clock, schedule } = parts
  const place = connectTo(target)
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
  let armedMs = Infinity
  let disarm: (() => void) | undefined
  // A name is looked up for each new connection, so all of them are replaced from time to time.
  let cancelRefresh = hasName(target) ? schedule(config.dnsRefresh, refresh) : undefined

  function refresh(): void {
    generation += 1
    closeIdle()
    cancelRefresh = schedule(config.dnsRefresh, refresh)
  }

  function closeIdle(): void {
    for (const connection of kept.takeAll()) connection.close()
  }

  /** One timer for all: nearly always the deadline it is set for has been met, and it only looks for the next one. */
  function check(): void {
    armedMs = Infinity
    const nowMs = clock.monotonic()
    let nextMs = Infinity
    for (const connection of open) {
      if (connection.deadlineMs <= nowMs) connection.onDeadline()
      else if (connection.deadlineMs < nextMs) nextMs = connection.deadlineMs
    }
    if (nextMs !== Infinity) arm(nextMs)
  }

  function arm(deadlineMs: number): void {
    if (deadlineMs >= armedMs) return
    disarm?.()
    armedMs = deadlineMs
    disarm = schedule(Math.max(1, deadlineMs - clock.monotonic()), check)
  }

  function whenAllIsOver(): void {
    if (closed === undefined || open.size > 0 || dialing > 0 || kept.waiting > 0) return
    disarm?.()
    closed()
  }

  const owner: ConnectionOwner = {
    host: place.host,
    maxHeadBytes: parts.maxHeadBytes,
    now: () => clock.monotonic(),
    onDeadline: arm,
    onIdle(connection) {
      if (closed !== undefined || connection.restedAtMs < distrustedUntilMs) connection.close()
      else if (connection.bound) {
        if (!bound.keep(connection.client, connection)) connection.close()
      } else if (connection.generation === generation) kept.rest(connection)
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
      whenAllIsOver()
    },
  }

  function connectorFor(timeoutMs: number): ReturnType<typeof createConnector> {
    let connector = connectors.get(timeoutMs)
    if (connector === undefined) {
      connector = createConnector(target, config, timeoutMs, parts.lookup)
      connectors.set(timeoutMs, connector)
    }
    return connector
  }

  function dial(request: OutgoingRequest, receiver: ResponseReceiver): void {
    const made = generation
    dialing += 1
    connectorFor(request.connectTimeoutMs)(place, (error, socket) => {
      dialing -= 1
      if (error !== null) {
        receiver.onError(error)
        whenAllIsOver()
        return
      }
      const connection = new PooledConnection(socket, owner, made)
      open.add(connection)
      if (receiver.over) {
        connection.rest()
        receiver.onError(new Cancelled())
      } else {
        connection.send(request, receiver)
      }
    })
  }

  function serve(request: OutgoingRequest, receiver: ResponseReceiver, connection?: PooledConnection): void {
    if (receiver.over) {
      connection?.rest()
      receiver.onError(new Cancelled())
      whenAllIsOver()
    } else if (connection === undefined) dial(request, receiver)
    else connection.send(request, receiver)
  }

  return {
    send(request, receiver, fresh = false) {
      const own = fresh ? undefined : bound.take(request.client)
      if (own !== undefined) own.send(request, receiver)
      else if (closed !== undefined) receiver.onError(new UpstreamReset('the gateway is closing'))
      else if (fresh || !kept.wait(request, receiver)) dial(request, receiver)
    },
    holds: (client) => bound.has(client),
    close() {
      cancelRefresh?.()
      return new Promise((resolve) => {
        closed = resolve
        closeIdle()
        bound.closeAll()
        whenAllIsOver()
      })
    },
  }
}
