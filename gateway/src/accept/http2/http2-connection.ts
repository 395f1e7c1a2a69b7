// One HTTP/2 connection of a client: its streams are requests, and what it may do beside them is bounded.
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'

import { readHttp2Head } from './request-head.ts'
import type { SessionBounds } from './session-options.ts'
import { StreamRequest } from './stream-request.ts'
import { StreamResponse } from './stream-response.ts'
import type { FailureCode } from '../../failure.ts'

/** What a connection asks of who opened it, the same for all of them. */
export interface Http2Owner<Route> {
  readonly bounds: SessionBounds
  /** The gateway is about to end: a connection takes no more streams than are under way. */
  readonly retired: boolean
  /** Counts on while there are connections, about once a second. */
  readonly turn: number
  serve(request: StreamRequest<Route>, response: StreamResponse): void
  /** Answers a request that has no route to be found for. */
  refuse(request: StreamRequest<Route>, response: StreamResponse, code: FailureCode): void
  /** The connection broke the protocol, or did too much of what costs the client nothing. */
  onFault(socket: Socket, reason: string): void
  onClose(connection: Http2Connection<Route>): void
}

/** Streams that the client has reset in one turn, at least. Browsers reset a page's worth of them when a user leaves it. */
const LEAST_RESETS = 200
/** Frames in one turn that ask for an answer and carry nothing: PING and SETTINGS. Clients measure with some. */
const MOST_CONTROLS = 100

/** Errors of peers that are gone or break off; they are no faults. */
const GONE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_HTTP2_SESSION_ERROR_CANCEL'])

function ignore(): void {
  // A stream that fails is closed, and who listens for that comes to know.
}

export class Http2Connection<Route> {
  readonly socket: Socket
  readonly #session: ServerHttp2Session
  readonly #owner: Http2Owner<Route>
  /** Under way, each with the bytes that its client had not taken when it was looked at last, and since when. */
  readonly #responses = new Map<StreamResponse, { bytes: number; sinceTurn: number } | undefined>()
  #resets = 0
  readonly #mostResets: number
  #controls = 0
  #isTold = false
  /** Since when there is no stream. */
  idleSinceTurn: number
  /** No request came yet. */
  isNew = true

  constructor(session: ServerHttp2Session, socket: Socket, owner: Http2Owner<Route>) {
    this.socket = socket
    this.#session = session
    this.#owner = owner
    this.idleSinceTurn = owner.turn
    this.#mostResets = Math.max(LEAST_RESETS, 2 * owner.bounds.maxStreams)
    // A client that ends its side is gone: unlike HTTP/1.1 it has a frame to say that it asks nothing more.
    socket.once('end', () => {
      socket.destroy()
    })
    session
      .on('stream', this.#onStream)
      .on('error', this.#onError)
      .on('close', this.#onClose)
      .on('ping', this.#onControl)
      .on('remoteSettings', this.#onControl)
  }

  get isIdle(): boolean {
    return this.#responses.size === 0
  }

  /** Tells the client to open no more streams here (GOAWAY); those under way end as they would. */
  retire(): void {
    this.#session.close()
  }

  destroy(): void {
    this.#session.destroy()
  }

  /** Ends the connection and what is under way on it, at once. */
  fail(reason: string): void {
    if (this.#session.destroyed) return
    this.#tell(reason)
    this.#session.destroy(new Error(reason), constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }

  /** Once a turn: gives up responses of which the client took nothing for `turns`, though they are complete. */
  look(turn: number, turns: number): void {
    this.#resets = 0
    this.#controls = 0
    for (const [response, before] of this.#responses) {
      if (!response.writableEnded) continue
      const bytes = response.waitingBytes
      if (before === undefined || before.bytes !== bytes) this.#responses.set(response, { bytes, sinceTurn: turn })
      else if (turn - before.sinceTurn > turns) response.giveUp()
    }
  }

  readonly #onStream = (
    stream: ServerHttp2Stream,
    _headers: unknown,
    _flags: number,
    fields: readonly string[],
  ): void => {
    stream.on('error', ignore)
    this.isNew = false
    const head = readHttp2Head(fields, !stream.endAfterHeaders, this.#owner.bounds)
    const request = new StreamRequest<Route>(stream, head, this.socket)
    const response = new StreamResponse(stream, request)
    this.#responses.set(response, undefined)
    stream.once('close', () => {
      this.#onStreamClose(stream, response)
    })
    if (head.refusal === undefined) this.#owner.serve(request, response)
    else this.#owner.refuse(request, response, head.refusal)
    if (this.#owner.retired) this.retire()
  }

  #onStreamClose(stream: ServerHttp2Stream, response: StreamResponse): void {
    this.#responses.delete(response)
    if (this.#responses.size === 0) this.idleSinceTurn = this.#owner.turn
    if (response.isEndedHere || (!stream.aborted && response.writableFinished)) return
    // CVE-2023-44487, CVE-2025-8671: a reset costs the client nothing, and us a request to the upstream.
    this.#resets += 1
    if (this.#resets > this.#mostResets) this.fail(`more than ${this.#mostResets} streams were reset within a second`)
  }

  #tell(reason: string): void {
    if (!this.#isTold) this.#owner.onFault(this.socket, reason)
    this.#isTold = true
  }

  readonly #onControl = (): void => {
    this.#controls += 1
    if (this.#controls > MOST_CONTROLS)
      this.fail(`more than ${MOST_CONTROLS} frames PING and SETTINGS came within a second`)
  }

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (!GONE.has(error.code ?? '')) this.#tell(error.message)
  }

  readonly #onClose = (): void => {
    this.#owner.onClose(this)
  }
}
