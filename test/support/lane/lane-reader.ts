// Reads bytes as a connection of the fast lane does, without a network.
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

import { LaneConnection, type LaneOwner } from '../../../gateway/src/accept/lane/lane-connection.ts'
import type { LaneRequest } from '../../../gateway/src/accept/lane/lane-request.ts'
import type { LaneResponse } from '../../../gateway/src/accept/lane/lane-response.ts'
import type { LeaveReason } from '../../../gateway/src/accept/lane/parser-counts.ts'
import type { Reading } from './readings.ts'

export interface LaneReading {
  /** What it took, undefined where it left the bytes to node:http or waits for more of them. */
  readonly request: Reading | undefined
  readonly left: LeaveReason | undefined
  /** What it did not take: put back, in order. */
  readonly putBack: Buffer
}

/** The parts of a socket that a connection asks for while it reads. */
class ReadSocket extends EventEmitter {
  putBack: Buffer = Buffer.alloc(0)

  pause(): void {
    // What comes is said by the test.
  }

  resume(): void {
    // The same.
  }

  unshift(bytes: Buffer): void {
    this.putBack = Buffer.concat([bytes, this.putBack])
  }
}

function bodyOf(request: LaneRequest<unknown>): Buffer {
  const pieces: Buffer[] = []
  request.on('data', (piece: Buffer) => void pieces.push(piece))
  // Now, and not a turn later.
  request.flow()
  const body = Buffer.concat(pieces)
  const { wholeBody } = request
  if (wholeBody !== undefined && !wholeBody.equals(body)) throw new Error('the whole body is not what its pieces are')
  return body
}

function readingOf(request: LaneRequest<unknown>, { shouldKeepAlive }: LaneResponse): Reading {
  const { method, url: target, httpVersion: version, rawHeaders, headers, complete } = request
  return { method, target, version, rawHeaders, headers, complete, body: bodyOf(request), keepsAlive: shouldKeepAlive }
}

export function readByLane(pieces: readonly Buffer[], maxHeadBytes: number): LaneReading {
  let taken: [LaneRequest<unknown>, LaneResponse] | undefined
  let left: LeaveReason | undefined
  const socket = new ReadSocket()
  const owner: LaneOwner<unknown> = {
    keepAliveSec: 5,
    maxHeadBytes,
    waitsForHeads: true,
    turn: 0,
    retired: false,
    serve(request, response) {
      taken = [request, response]
      return true
    },
    leave(connection, reason) {
      left = reason
      connection.release()
    },
    onFault: () => undefined,
    onClose: () => undefined,
    onHeld: () => undefined,
    onFreed: () => undefined,
    onLost: () => undefined,
  }
  const connection = new LaneConnection(socket as unknown as Socket, owner)
  for (const piece of pieces) {
    if (left === undefined) socket.emit('data', piece)
    else socket.putBack = Buffer.concat([socket.putBack, piece])
  }
  if (left === undefined) connection.release()
  return { request: taken && readingOf(...taken), left, putBack: socket.putBack }
}
