// Exchanges with one target over connections of our own: strict, each with one exchange at a time, the last used first.
import { PooledConnection, type ConnectionOwner } from './pooled-connection.ts'
import type { OutgoingRequest, ResponseReceiver, Transport, TransportParts } from './transport.ts'
import { connectTo, createConnector, hasName } from './upstream-connection.ts'
import { CalledOff, UpstreamReset } from './upstream-failure.ts'
import type { UpstreamConfig } from './upstream-options.ts'

/**
 * Connections to one target and nobody else, without pipelining: a broken upstream that sends an answer too many must
 * never reach another caller (GHSA-35p6-xmwp-9g52). There are never more than exchanges under way at a time, which the
 * upstream bounds. Silence inside a body is watched elsewhere (stream-watch.ts), with the client's side of it.
 */
export function createDirectTransport(target: string, config: UpstreamConfig, parts: TransportParts): Transport {
  const { clock, schedule } = parts
  const place = connectTo(target)
  const connectors = new Map<number, ReturnType<typeof createConnector>>()
  const open = new Set<PooledConnection>()
  /** The last is the one used last: the others grow old and go when there is less to do. */
  const idle: PooledConnection[] = []
  let generation = 0
  let dialing = 0
  let closed: (() => void) | undefined
  let armedMs = Infinity
  let disarm: (() => void) | undefined
  // A name is looked up for each new connection, so all of them are replaced from time to time.
  let callOffRefresh = hasName(target) ? schedule(config.dnsRefresh, refresh) : undefined

  function refresh(): void {
    generation += 1
    closeIdle()
    callOffRefresh = schedule(config.dnsRefresh, refresh)
  }

  function closeIdle(): void {
    for (const connection of idle.splice(0)) connection.close()
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
    if (closed === undefined || open.size > 0 || dialing > 0) return
    disarm?.()
    closed()
  }

  const owner: ConnectionOwner = {
    host: place.host,
    maxHeadBytes: parts.maxHeadBytes,
    now: () => clock.monotonic(),
    onDeadline: arm,
    onIdle(connection) {
      if (closed === undefined && connection.generation === generation) idle.push(connection)
      else connection.close()
    },
    onGone(connection) {
      open.delete(connection)
      const index = idle.lastIndexOf(connection)
      if (index >= 0) idle.splice(index, 1)
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
        receiver.onError(new CalledOff())
      } else {
        connection.send(request, receiver)
      }
    })
  }

  return {
    send(request, receiver) {
      const connection = idle.pop()
      if (connection !== undefined) connection.send(request, receiver)
      else if (closed === undefined) dial(request, receiver)
      else receiver.onError(new UpstreamReset('the gateway is closing'))
    },
    close() {
      callOffRefresh?.()
      return new Promise((resolve) => {
        closed = resolve
        closeIdle()
        whenAllIsOver()
      })
    },
  }
}
