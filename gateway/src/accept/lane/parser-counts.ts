// Counts which requests the fast lane read, which Node's parser, and why it was Node's; and those of HTTP/2.
import type { Socket } from 'node:net'

import type { NotPlain } from './plain-head.ts'

/**
 * Why a connection left the lane: its head has another form, its body has no length, it names options or asks for another
 * protocol, its requests come before the responses, its head comes slowly, or its route is none for the lane. `off`: there is
 * no lane (`listen.parser: node`).
 */
export type LeaveReason = NotPlain | 'pipelined' | 'slow' | 'route'
export type NodeReason = LeaveReason | 'off'

/** A connection that Node's parser reads. */
interface LeftSocket extends Socket {
  leftFor?: LeaveReason
}

export class ParserCounts {
  lane = 0
  http2 = 0
  readonly node = new Map<NodeReason, number>()

  noteLeft(socket: Socket, reason: LeaveReason): void {
    ;(socket as LeftSocket).leftFor = reason
  }

  /** Whether it has left the lane before: then it does not come back, though it is given to the server anew. */
  hasLeft(socket: Socket): boolean {
    return (socket as LeftSocket).leftFor !== undefined
  }

  /** A request that Node's parser read. */
  countNode(socket: Socket): void {
    const reason = (socket as LeftSocket).leftFor ?? 'off'
    this.node.set(reason, (this.node.get(reason) ?? 0) + 1)
  }
}
