// The fast lane: takes a listener's connections first, and hands those that bring more than plain requests to Node's parser.
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

import { LaneConnection, type LaneOwner } from './lane-connection.ts'
import type { LaneRequest } from './lane-request.ts'
import type { LaneResponse } from './lane-response.ts'
import type { LeaveReason, ParserCounts } from './parser-counts.ts'
import { createHalfCloseWatch } from '../listen/half-close.ts'
import type { Schedule } from '../../clock.ts'

const TURN_MS = 1000
/** A head that comes in pieces may take this long; Node's parser waits longer, with a timer of its own. */
const TURNS_FOR_HEAD = 1
/** Where a head has less time than this, the second that it may spend in the lane would be a good part of it. */
const LEAST_TIMEOUT_MS = 10_000
/** While nothing is read, a client that leaves is not seen: it is asked whether it is there, and not waited for without end. */
const TURNS_UNASKED = 2
const TURNS_HELD = 60

export interface LaneParts<Route> {
  readonly schedule: Schedule
  readonly maxHeadBytes: number
  readonly counts: ParserCounts
  /** For the first request of a connection; 0 for no limit. */
  readonly headersTimeoutMs: number
  /** Connections on which requests may wait for others, as many as requests of Node's parser may. */
  readonly maxWaiting: () => number
  /** Connections on which requests wait for others, of all lanes. */
  readonly held: { count: number }
  /** See LaneOwner. */
  readonly onLost: (request: LaneRequest<Route>) => void
  /** From then on each response is the last of its connection. */
  readonly isRetired: () => boolean
  /** See LaneOwner. */
  readonly serve: (request: LaneRequest<Route>, response: LaneResponse) => boolean
}

type NodesListener = (this: Server, socket: Socket) => void

/** Opens the lane of a server: from then on it gets the connections first. Who else listens for them still does. */
export function openLane<Route>(server: Server, parts: LaneParts<Route>): void {
  const lane = new Lane(server, parts)
  const closeIdleOfNode = server.closeIdleConnections.bind(server)
  const closeAllOfNode = server.closeAllConnections.bind(server)
  server.closeIdleConnections = () => {
    closeIdleOfNode()
    lane.closeIdle()
  }
  server.closeAllConnections = () => {
    closeAllOfNode()
    lane.closeAll()
  }
}

class Lane<Route> implements LaneOwner<Route> {
  readonly keepAliveSec: number
  readonly maxHeadBytes: number
  readonly serve: LaneParts<Route>['serve']
  readonly onLost: LaneParts<Route>['onLost']
  readonly waitsForHeads: boolean
  turn = 0
  readonly #server: Server
  readonly #parts: LaneParts<Route>
  readonly #connections = new Set<LaneConnection<Route>>()
  /** What Node's own server does with a connection: it is the first to listen for them. */
  readonly #toNode: NodesListener
  readonly #askIfThere: (socket: Socket) => void
  #ticking = false

  constructor(server: Server, parts: LaneParts<Route>) {
    this.keepAliveSec = Math.floor(server.keepAliveTimeout / 1000)
    this.maxHeadBytes = parts.maxHeadBytes
    this.waitsForHeads = parts.headersTimeoutMs === 0 || parts.headersTimeoutMs >= LEAST_TIMEOUT_MS
    this.serve = parts.serve
    this.onLost = parts.onLost
    this.#server = server
    this.#parts = parts
    this.#askIfThere = createHalfCloseWatch(parts.schedule)
    ;[this.#toNode] = server.listeners('connection') as [NodesListener]
    server.off('connection', this.#toNode)
    server.prependListener('connection', this.#take)
  }

  get retired(): boolean {
    return this.#parts.isRetired()
  }

  /** A connection that has left does not come back. */
  leave(connection: LaneConnection<Route>, reason: LeaveReason): void {
    const { socket } = connection
    this.#parts.counts.noteLeft(socket, reason)
    this.#connections.delete(connection)
    connection.release()
    // Those who listen beside Node's server look at it as at one that came now.
    this.#server.emit('connection', socket)
    // It was paused where requests waited: what was put back is read as if it came now.
    socket.resume()
  }

  onFault(socket: Socket, code: string): void {
    const reason = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'Request timeout' : 'Invalid EOF state'
    this.#server.emit('clientError', Object.assign(new Error(reason), { code, reason }), socket)
  }

  onClose(connection: LaneConnection<Route>): void {
    this.#connections.delete(connection)
  }

  onHeld(socket: Socket): void {
    const { held, maxWaiting } = this.#parts
    held.count += 1
    if (held.count > maxWaiting()) socket.destroy()
  }

  onFreed(): void {
    this.#parts.held.count -= 1
  }

  /** As Node's server does with connections that are between two requests. */
  closeIdle(): void {
    for (const connection of this.#connections) if (connection.isIdle) connection.socket.destroy()
  }

  closeAll(): void {
    for (const connection of this.#connections) connection.socket.destroy()
  }

  readonly #take = (socket: Socket): void => {
    if (this.#parts.counts.hasLeft(socket)) {
      this.#toNode.call(this.#server, socket)
      return
    }
    this.#connections.add(new LaneConnection(socket, this))
    if (this.#ticking) return
    this.#ticking = true
    this.#parts.schedule(TURN_MS, this.#tick)
  }

  /** One timer for all connections, while there are any. */
  readonly #tick = (): void => {
    this.turn += 1
    for (const connection of this.#connections) this.#look(connection)
    this.#ticking = this.#connections.size > 0
    if (this.#ticking) this.#parts.schedule(TURN_MS, this.#tick)
  }

  #look(connection: LaneConnection<Route>): void {
    const { socket, isInHead, held, isDropping, isIdle, isNew } = connection
    if (held !== undefined) connection.noteProgress()
    const turns = this.turn - connection.sinceTurn
    const { headersTimeoutMs } = this.#parts
    const { keepAliveTimeout } = this.#server
    if (isInHead) {
      if (turns > TURNS_FOR_HEAD) this.leave(connection, 'slow')
    } else if (held !== undefined) {
      if (turns > TURNS_HELD) socket.destroy()
      else if (turns >= TURNS_UNASKED && !held.isAsked) {
        held.isAsked = true
        this.#askIfThere(socket)
      }
    } else if (isIdle && isNew) {
      if (headersTimeoutMs > 0 && turns * TURN_MS > headersTimeoutMs) connection.fail('ERR_HTTP_REQUEST_TIMEOUT')
    } else if ((isIdle || isDropping) && keepAliveTimeout > 0 && turns * TURN_MS > keepAliveTimeout) {
      socket.destroy()
    }
  }
}
