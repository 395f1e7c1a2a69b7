// One connection of the fast lane: plain requests one after the other, until one comes that is for Node's parser.
import type { Socket } from 'node:net'

import { LaneRequest } from './lane-request.ts'
import { LaneResponse, type ResponseOwner } from './lane-response.ts'
import type { LeaveReason } from './parser-counts.ts'
import { END_OF_HEAD, headText, mayBecomePlain, readPlainHead } from './plain-head.ts'
import { WaitingBehind } from './waiting-behind.ts'
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
  /** What came behind the request under way. */
  #waiting: WaitingBehind | undefined
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

  /** What waits behind the request under way: while anything does, what comes is not read. */
  get held(): Pick<WaitingBehind, 'isAsked'> | undefined {
    return this.#waiting
  }

  /** The response is over before the body of its request was. */
  get isDropping(): boolean {
    return this.#request !== undefined && this.#response === undefined
  }

  /** While bytes of the response go out, a client that left is seen: the time of waiting begins anew. */
  noteProgress(): void {
    if (this.#waiting?.isAnswerGoing() === true) this.sinceTurn = this.#owner.turn
  }

  /** What comes after the answer to it is no request any more. */
  fail(code: Parameters<LaneOwner<Route>['onFault']>[1]): void {
    this.#ending = true
    this.#unread = undefined
    this.#owner.onFault(this.socket, code)
  }

  onFinish(response: LaneResponse): void {
    const request = this.#request
    noteResponse(this.socket, undefined)
    this.#response = undefined
    // Where the client has ended its side, nothing follows.
    if (!response.shouldKeepAlive || this.socket.readableEnded) {
      this.#end()
    } else if (request?.complete === false) {
      this.sinceTurn = this.#owner.turn
      request.drop()
    } else {
      this.#next()
    }
  }

  #end(): void {
    this.#ending = true
    if (this.#waiting === undefined) this.socket.destroySoon()
    else this.#waiting.endUnread()
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
    if (this.#waiting === undefined) return
    this.#waiting = undefined
    this.#owner.onFreed()
    this.#owner.leave(this, 'pipelined')
  }

  readonly #onData = (piece: Buffer): void => {
    if (this.#request?.complete === false) this.#readBody(this.#request, piece)
    else if (this.#ending) return
    else if (this.#request === undefined) this.#readHead(piece)
    else this.#hold(piece)
  }

  #readHead(piece: Buffer): void {
    const unread = this.#unread
    const bytes = unread === undefined ? piece : Buffer.concat([unread, piece])
    const text = headText(bytes, this.#owner.maxHeadBytes)
    const end = text.indexOf(END_OF_HEAD)
    if (end === -1) {
      if (unread === undefined) this.sinceTurn = this.#owner.turn
      this.#pieces = unread === undefined ? 1 : this.#pieces + 1
      if (text.length < bytes.length || !mayBecomePlain(text)) this.#leave(bytes, 'head')
      else if (this.#pieces > MOST_PIECES || !this.#owner.waitsForHeads) this.#leave(bytes, 'slow')
      else this.#unread = bytes
      return
    }
    const headEnd = end + END_OF_HEAD.length
    const head = readPlainHead(text)
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
    if (this.#response === undefined) this.sinceTurn = this.#owner.turn
    const behind = request.take(piece)
    if (behind !== undefined && !this.#ending) this.#hold(behind)
    if (request.complete && this.#response === undefined && !this.#ending) this.#next()
  }

  /** The next request is here before the response to this one. */
  #hold(piece: Buffer): void {
    // Nothing is read of what comes after a request that ends its connection (RFC 9112 section 9.6).
    if (this.#request?.isLast === true) return
    const isFirst = this.#waiting === undefined
    this.#waiting ??= new WaitingBehind(this.socket)
    this.#waiting.hold(piece)
    if (!isFirst) return
    this.sinceTurn = this.#owner.turn
    this.#owner.onHeld(this.socket)
  }

  readonly #onDrain = (): void => {
    this.#response?.onDrain()
  }

  readonly #onEnd = (): void => {
    if (this.#ending || this.#request?.complete === true) return
    // Between two requests, or where the response is over before the body was, there is nothing to say any more.
    if (this.#response === undefined && this.#unread === undefined) this.socket.destroySoon()
    else this.fail('HPE_INVALID_EOF_STATE')
  }

  readonly #onClose = (): void => {
    this.#owner.onClose(this)
    noteResponse(this.socket, undefined)
    const request = this.#request
    const response = this.#response
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#request = undefined
    this.#response = undefined
    response?.onClose()
    request?.onGone()
    if (waiting === undefined) return
    this.#owner.onFreed()
    for (const head of waiting.heads()) this.#owner.onLost(new LaneRequest<Route>(head, this.socket))
  }
}

function ignore(): void {
  // A connection that fails is closed, and who listens for that comes to know.
}
