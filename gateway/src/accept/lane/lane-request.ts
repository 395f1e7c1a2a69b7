// A request of the fast lane: its head was plain, and its body has a length or is not there.
import { EventEmitter } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'

import type { PlainHead } from './plain-head.ts'
import type { IdentifiedRequest } from '../listen/request-id.ts'
import type { RequestRecord } from '../request-record.ts'
import type { TableEntry } from '../routes/route-table.ts'
import type { DecisionTrace } from '../../message/decision-trace.ts'

const NONE: readonly string[] = []

/** Most of a body that nobody reads yet; then its connection is not read either. */
const MOST_HELD_BYTES = 65_536

type Listener = Parameters<EventEmitter['on']>[1]

export class LaneRequest<Route> implements IdentifiedRequest {
  readonly method: string
  url: string
  readonly httpVersion = '1.1'
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly rawTrailers = NONE
  readonly socket: Socket
  /** The client ends the connection after it. */
  readonly isLast: boolean
  wholeBody: Buffer | undefined = undefined
  // What the stages note, all here from the beginning: each of these objects has one hidden class.
  requestId: string | undefined = undefined
  record: RequestRecord | undefined = undefined
  trace: DecisionTrace | undefined = undefined
  entry: TableEntry<Route> | undefined = undefined
  pathFault: string | undefined = undefined
  refusal: string | undefined = undefined
  /** Of the body, what has not come yet. */
  #left: number
  #events: EventEmitter | undefined
  #held: Buffer[] | undefined
  #heldBytes = 0
  /** As Node has it: null until somebody wants the body or does not. */
  #flowing: boolean | null = null
  #scheduled = false
  #ended = false

  constructor({ method, target, fields }: PlainHead, socket: Socket) {
    this.method = method
    this.url = target
    this.headers = fields.headers
    this.rawHeaders = fields.raw
    this.socket = socket
    this.isLast = fields.close
    this.#left = fields.bodyBytes
  }

  get complete(): boolean {
    return this.#left === 0
  }

  /** Takes what belongs to the body; returns what comes after it, undefined where there is nothing. */
  take(piece: Buffer): Buffer | undefined {
    const mine = piece.length > this.#left ? piece.subarray(0, this.#left) : piece
    this.#left -= mine.length
    if (mine.length > 0) this.#push(mine)
    return mine.length < piece.length ? piece.subarray(mine.length) : undefined
  }

  /** The same for what came with the head, never more than the body: nearly always it is all of it. */
  takeFirst(rest: Buffer): void {
    if (rest.length === this.#left) this.wholeBody = rest
    this.take(rest)
  }

  on(event: string, listener: Listener): this {
    this.#events ??= new EventEmitter()
    this.#events.on(event, listener)
    if (event === 'data' && this.#flowing !== false) this.resume()
    return this
  }

  once(event: string, listener: Listener): this {
    this.#events ??= new EventEmitter()
    this.#events.once(event, listener)
    return this
  }

  off(event: string, listener: Listener): this {
    this.#events?.off(event, listener)
    return this
  }

  pause(): void {
    this.#flowing = false
  }

  resume(): void {
    this.#flowing = true
    this.#schedule()
  }

  isPaused(): boolean {
    return this.#flowing === false
  }

  destroy(): void {
    this.socket.destroy()
  }

  /** The response is over: what still comes of the body is read and dropped. */
  drop(): void {
    this.#events?.removeAllListeners('data')
    this.resume()
  }

  /** The connection is gone. */
  onGone(): void {
    this.#events?.emit('close')
  }

  #push(piece: Buffer): void {
    if (this.#flowing === true && this.#held === undefined && this.#events !== undefined) {
      this.#events.emit('data', piece)
      if (this.#left === 0) this.#schedule()
      return
    }
    ;(this.#held ??= []).push(piece)
    this.#heldBytes += piece.length
    if (this.#heldBytes >= MOST_HELD_BYTES && this.#left > 0) this.socket.pause()
    if (this.#flowing === true) this.#schedule()
  }

  /** A turn later: who begins to read listens for the end only after it listens for the data. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    process.nextTick(flow, this)
  }

  flow(): void {
    this.#scheduled = false
    while (this.#flowing === true && this.#held !== undefined) {
      const piece = this.#held.shift()
      if (piece === undefined) this.#held = undefined
      else {
        this.#heldBytes -= piece.length
        this.#events?.emit('data', piece)
      }
    }
    if (this.#flowing !== true) return
    if (this.#left > 0) this.socket.resume()
    else if (!this.#ended) {
      this.#ended = true
      this.#events?.emit('end')
    }
  }
}

function flow(request: LaneRequest<unknown>): void {
  request.flow()
}
