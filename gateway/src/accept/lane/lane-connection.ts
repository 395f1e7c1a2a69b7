// One connection of the fast lane: plain requests one after the other, until one comes that is for Node's parser.
import type { Socket } from 'node:net'

import { LaneRequest } from './lane-request.ts'
import { LaneResponse, type ResponseOwner } from './lane-response.ts'
import type { LeaveReason } from './parser-counts.ts'
import { mayBecomePlain, readPlainHead, type PlainHead } from './plain-head.ts'
import { noteResponse } from '../listen/current-response.ts'

/** What a connection asks of its lane, the same for all of them. */
export interface LaneOwner<Route> {
  readonly keepAliveSec: number
  /** Of a whole head. */
  readonly maxHeadBytes: number
  /** False: a head that is not here as a whole is for Node's parser. */
  readonly waitsForHeads: boolean
  /** Counts on while the lane lives, about once a second. */
  readonly turn: number
  /** The gateway is about to end: each response is the last of its connection. */
  readonly retired: boolean
  /** False: this request is none for the lane, though its head is plain. Nothing was done with it then. */
  serve(request: LaneRequest<Route>, response: LaneResponse): boolean
  /** Node's parser reads this connection from now on: what was read already is put back. */
  leave(connection: LaneConnection<Route>, reason: LeaveReason): void
  /** What came is no request: `code` as Node's parser has it. */
  onFault(socket: Socket, code: 'HPE_INVALID_EOF_STATE' | 'ERR_HTTP_REQUEST_TIMEOUT'): void
  onClose(connection: LaneConnection<Route>): void
  /** Requests wait behind another on one more connection; or no longer. */
  onHeld(socket: Socket): void
  onFreed(): void
  /** A request whose connection is gone before it was its turn. */
  onLost(request: LaneRequest<Route>): void
}

/** A head is read anew with each of its pieces; one in many is not worth it, and a way to waste our time. */
const MOST_PIECES = 16

const END_OF_HEAD = '\r\n\r\n'

export class LaneConnection<Route> implements ResponseOwner {
  readonly socket: Socket
  readonly #owner: LaneOwner<Route>
  /** Its response is under way, or its body is still to come. */
  #request: LaneRequest<Route> | undefined
  #response: LaneResponse | undefined
  /** A head whose end is still to come. */
  #unread: Buffer | undefined
  /** In how many pieces it came. */
  #pieces = 0
  /** The beginning of what came behind a request before its turn: all of it is in the socket's buffer. */
  #held: Buffer | undefined
  #ending = false
  /** When it began to wait for what it waits for: the first request, the rest of a head, the next request. */
  sinceTurn: number
  /** No request came yet. */
  isNew = true

  constructor(socket: Socket, owner: LaneOwner<Route>) {
    this.socket = socket
    this.#owner = owner
    this.sinceTurn = owner.turn
    socket
      .on('data', this.#onData)
      .on('end', this.#onEnd)
      .on('error', ignore)
      .on('drain', this.#onDrain)
      .on('close', this.#onClose)
  }

  get keepAliveSec(): number {
    return this.#owner.keepAliveSec
  }

  /** Between two requests, and nothing of the next one is here. */
  get isIdle(): boolean {
    return this.#request === undefined && this.#unread === undefined
  }

  /** The beginning of a head is here and nothing is under way. */
  get isInHead(): boolean {
    return this.#request === undefined && this.#unread !== undefined
  }

  /** Requests wait behind the one under way, and what comes is not read. */
  get isHeld(): boolean {
    return this.#held !== undefined
  }

  onFinish(response: LaneResponse): void {
    const request = this.#request
    noteResponse(this.socket, undefined)
    this.#response = undefined
    // Where the client has ended its side, nothing follows.
    if (!response.shouldKeepAlive || this.socket.readableEnded) {
      this.#ending = true
      this.socket.destroySoon()
    } else if (request?.complete === false) {
      request.drop()
    } else {
      this.#next()
    }
  }

  /** Lets go of the connection, with what was read of it and not served put back. */
  release(): void {
    this.socket
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('error', ignore)
      .off('drain', this.#onDrain)
      .off('close', this.#onClose)
    const unread = this.#unread
    this.#unread = undefined
    if (unread !== undefined) this.socket.unshift(unread)
  }

  #next(): void {
    this.#request = undefined
    this.sinceTurn = this.#owner.turn
    if (this.#held === undefined) return
    this.#held = undefined
    this.#owner.onFreed()
    this.#owner.leave(this, 'pipelined')
  }

  readonly #onData = (piece: Buffer): void => {
    if (this.#request === undefined) this.#readHead(piece)
    else if (!this.#request.complete) this.#readBody(this.#request, piece)
    else if (!this.#ending) this.#hold(piece)
  }

  #readHead(piece: Buffer): void {
    const unread = this.#unread
    const bytes = unread === undefined ? piece : Buffer.concat([unread, piece])
    const text = bytes.toString('latin1', 0, Math.min(bytes.length, this.#owner.maxHeadBytes))
    const end = text.indexOf(END_OF_HEAD, unread === undefined ? 0 : Math.max(0, unread.length - END_OF_HEAD.length))
    if (end === -1) {
      if (unread === undefined) this.sinceTurn = this.#owner.turn
      this.#pieces = unread === undefined ? 1 : this.#pieces + 1
      if (text.length < bytes.length || !mayBecomePlain(text)) this.#leave(bytes, 'head')
      else if (this.#pieces > MOST_PIECES || !this.#owner.waitsForHeads) this.#leave(bytes, 'slow')
      else this.#unread = bytes
      return
    }
    const headEnd = end + END_OF_HEAD.length
    const head = readPlainHead(headEnd === text.length ? text : text.slice(0, headEnd))
    if (typeof head === 'string') {
      this.#leave(bytes, head)
      return
    }
    // Those that wait for each other are counted and bounded one by one where Node's parser reads them.
    if (bytes.length > headEnd + head.fields.bodyBytes) {
      this.#leave(bytes, 'pipelined')
      return
    }
    this.#unread = undefined
    const request = new LaneRequest<Route>(head, this.socket)
    const response = new LaneResponse(request, !head.fields.close && !this.#owner.retired, this)
    this.#request = request
    this.#response = response
    this.isNew = false
    noteResponse(this.socket, response)
    if (headEnd < bytes.length) request.takeFirst(bytes.subarray(headEnd))
    if (this.#owner.serve(request, response)) return
    noteResponse(this.socket, undefined)
    this.#request = undefined
    this.#response = undefined
    this.#leave(bytes, 'route')
  }

  #leave(unread: Buffer, reason: LeaveReason): void {
    this.#unread = unread
    this.#owner.leave(this, reason)
  }

  #readBody(request: LaneRequest<Route>, piece: Buffer): void {
    const behind = request.take(piece)
    if (behind !== undefined && !this.#ending) this.#hold(behind)
    if (request.complete && this.#response === undefined && !this.#ending) this.#next()
  }

  /**
   * The next request is here before the response to this one: it waits unread, and all behind it in the kernel. It is put
   * back at once, since a paused socket with nothing in its buffer tells the end of the client's side all the same.
   */
  #hold(piece: Buffer): void {
    const { socket } = this
    socket.pause()
    socket.unshift(piece)
    if (this.#held !== undefined) return
    this.#held = piece
    this.sinceTurn = this.#owner.turn
    this.#owner.onHeld(socket)
  }

  readonly #onDrain = (): void => {
    this.#response?.onDrain()
  }

  readonly #onEnd = (): void => {
    const { socket } = this
    if (this.#ending) return
    if (this.#request === undefined) {
      if (this.#unread === undefined) socket.destroySoon()
      else this.#owner.onFault(socket, 'HPE_INVALID_EOF_STATE')
    } else if (!this.#request.complete) {
      this.#ending = true
      // Its response is over before the body was: there is nothing to say any more.
      if (this.#response === undefined) socket.destroySoon()
      else this.#owner.onFault(socket, 'HPE_INVALID_EOF_STATE')
    }
  }

  #loseHeld(held: Buffer): void {
    this.#held = undefined
    this.#owner.onFreed()
    for (const head of waitingIn(held)) this.#owner.onLost(new LaneRequest<Route>(head, this.socket))
  }

  readonly #onClose = (): void => {
    this.#owner.onClose(this)
    noteResponse(this.socket, undefined)
    const request = this.#request
    const response = this.#response
    if (this.#held !== undefined) this.#loseHeld(this.#held)
    this.#request = undefined
    this.#response = undefined
    response?.onClose()
    request?.onGone()
  }
}

/** What waited unread, as far as it is plain. */
function* waitingIn(bytes: Buffer): Generator<PlainHead> {
  const text = bytes.toString('latin1')
  let at = 0
  for (let end = text.indexOf(END_OF_HEAD); end !== -1; end = text.indexOf(END_OF_HEAD, at)) {
    const head = readPlainHead(text.slice(at, end + END_OF_HEAD.length))
    if (typeof head === 'string') return
    yield head
    at = end + END_OF_HEAD.length + head.fields.bodyBytes
  }
}

function ignore(): void {
  // A connection that fails is closed, and who listens for that comes to know.
}
