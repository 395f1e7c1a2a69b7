// One connection of the direct transport: it runs one exchange at a time, and reports when it can be reused.
import type { Socket } from 'node:net'

import { BodySender, type BodySenderEvents } from '../body-sender.ts'
import type { ClientConnection } from './bound-connections.ts'
import type { OwnBuffer } from './own-buffer.ts'
import type { Keepable } from './kept-connections.ts'
import { requestHead } from '../request-head.ts'
import type { ResponseHead } from '../response-head.ts'
import { ResponseReader, type ResponseSink } from '../response-reader.ts'
import type { OutgoingRequest, ResponseReceiver } from '../transport.ts'
import { Cancelled, TimedOut, UpstreamReset } from '../../upstream/upstream-failure.ts'
import { ONE_WRITE_BYTES } from '../../../message/connection/one-write.ts'

/** Idle timeout of a connection when the upstream sends no Keep-Alive header. */
const KEEP_MS = 4000
const MOST_KEEP_MS = 600_000
/** The connection is closed this long before the upstream's own timeout: a request that crosses the close would be lost. */
const KEEP_MARGIN_MS = 1000

/** The pool that a connection belongs to. Times are in milliseconds of the monotonic clock. */
export interface ConnectionOwner {
  /** Value of the Host header for requests that have none. */
  readonly host: string
  readonly maxHeadBytes: number
  now(): number
  /** Asks the pool to call `connection.onDeadline` at this time, unless the deadline moves. */
  onDeadline(deadlineMs: number): void
  /** The connection is idle and can carry another request. */
  onIdle(connection: PooledConnection): void
  /** The upstream sent bytes while no request was in flight. */
  onExcess(piece: Buffer): void
  /** The connection is closed, or was handed over after an upgrade. */
  onGone(connection: PooledConnection): void
}

/** A socket to a target, with its parser and its timeouts. Send requests only while it is idle. */
export class PooledConnection implements ResponseSink, BodySenderEvents, Keepable {
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  readonly #reader: ResponseReader
  #receiver: ResponseReceiver | undefined
  #sender: BodySender | undefined
  #headersTimeoutMs = 0
  #keepMs = KEEP_MS
  #headCame = false
  #paused = false
  #gone = false
  /** When the response head times out, or the idle connection does. Infinity: no timeout is set. */
  deadlineMs = Infinity
  /** The client of the last request. */
  client: ClientConnection | undefined
  /** The upstream authenticates this connection, so it serves one client only (RFC 4559 section 6, as HAProxy's http-reuse). */
  bound = false
  idleSinceTurn = 0
  idleSinceMs = 0
  /** Connections with the same number were opened before the same DNS refresh. */
  readonly generation: number

  /** `own`: what the socket reads into; without it, its `data` is read. */
  constructor(socket: Socket, owner: ConnectionOwner, generation: number, own?: OwnBuffer) {
    this.#socket = socket
    this.#owner = owner
    this.#reader = new ResponseReader(this, owner.maxHeadBytes)
    this.generation = generation
    if (own === undefined) socket.on('data', this.#onData)
    else own.onPiece = this.#onData
    socket.on('end', this.#onEnd).on('error', this.onError).on('close', this.#onClose)
  }

  /** Sends a request and reports its response to the receiver. */
  send(request: OutgoingRequest, receiver: ResponseReceiver): void {
    const { method, upgrade, body } = request
    this.#receiver = receiver
    this.client = request.client
    this.#reader.expect({ method, upgrade: upgrade !== null })
    this.#headersTimeoutMs = request.headersTimeoutMs
    this.#headCame = false
    this.#setDeadline(Infinity)
    receiver.onSent(() => {
      if (this.#receiver === receiver) this.#fail(new Cancelled())
    })
    if (this.#receiver !== receiver) return
    const head = requestHead(request, this.#owner.host)
    if (head === undefined) {
      this.#fail(new Error('the path holds what no request line may'))
      return
    }
    if (head.binds) this.bound = true
    if (body === null) {
      this.#socket.write(head.text, 'latin1')
      this.#awaitHead()
      return
    }
    if (body.whole !== undefined) {
      writeWhole(this.#socket, head.text, body.whole)
      this.#awaitHead()
      return
    }
    // Corked until the next tick, so that the head and the body bytes that have arrived go out in one write. No longer than
    // that: the upstream may close the idle connection meanwhile.
    this.#socket.cork()
    this.#socket.write(head.text, 'latin1')
    this.#sender = new BodySender(this.#socket, body, head.chunked, this)
    process.nextTick(uncork, this.#socket)
  }

  /** Returns the connection to the pool, and starts its idle timeout. */
  release(): void {
    this.idleSinceMs = this.#owner.now()
    this.#setDeadline(this.idleSinceMs + this.#keepMs)
    this.#owner.onIdle(this)
  }

  /** Closes the connection, because `deadlineMs` has passed. An exchange in flight fails with TimedOut. */
  onDeadline(): void {
    this.#fail(new TimedOut(`the response did not begin within ${this.#headersTimeoutMs} ms (timeouts.headers)`))
  }

  /** Closes the connection. Call it only when no exchange is in flight. */
  close(): void {
    this.#leave()
    this.#socket.destroy()
  }

  onBackpressure(): void {
    this.#awaitHead()
  }

  onDrained(): void {
    this.#setDeadline(Infinity)
  }

  onBodySent(): void {
    this.#awaitHead()
  }

  onInfo({ status, headers }: ResponseHead): void {
    this.#receiver?.onInfo(status, headers)
  }

  onHead({ status, reason, headers, keepMs, binds }: ResponseHead): void {
    this.#headCame = true
    if (binds) this.bound = true
    this.#setDeadline(Infinity)
    this.#keepMs = keepMs === undefined ? KEEP_MS : Math.min(keepMs - KEEP_MARGIN_MS, MOST_KEEP_MS)
    this.#receiver?.onHead(status, reason, headers, this.#resume)
  }

  onBody(piece: Buffer): void {
    if (this.#receiver?.onBody(piece) !== false || this.#gone) return
    this.#paused = true
    this.#socket.pause()
  }

  onEnd(trailers: readonly string[], clean: boolean): void {
    const receiver = this.#receiver
    this.#receiver = undefined
    // After an early response the rest of the request body is unsent: the upstream would read the next request as that rest.
    const whole = this.#sender?.sent !== false
    this.#sender?.stop()
    this.#sender = undefined
    if (clean && whole && this.#keepMs > 0 && this.#socket.writable) {
      if (this.#paused) this.#resume()
      this.release()
    } else {
      this.close()
    }
    receiver?.onEnd(trailers)
  }

  onSwitch({ headers }: ResponseHead, rest: Buffer): void {
    const receiver = this.#receiver
    this.#receiver = undefined
    const socket = this.#socket
    socket.off('data', this.#onData).off('end', this.#onEnd).off('error', this.onError).off('close', this.#onClose)
    this.#leave()
    if (rest.length > 0) socket.unshift(rest)
    receiver?.onUpgrade(headers, socket)
  }

  #awaitHead(): void {
    if (!this.#headCame && this.#headersTimeoutMs > 0) this.#setDeadline(this.#owner.now() + this.#headersTimeoutMs)
  }

  #setDeadline(deadlineMs: number): void {
    this.deadlineMs = deadlineMs
    if (deadlineMs !== Infinity) this.#owner.onDeadline(deadlineMs)
  }

  #leave(): void {
    if (this.#gone) return
    this.#gone = true
    this.deadlineMs = Infinity
    this.#owner.onGone(this)
  }

  #fail(error: Error): void {
    const receiver = this.#receiver
    this.#receiver = undefined
    this.#reader.stop()
    this.#sender?.stop()
    this.#sender = undefined
    this.close()
    receiver?.onError(error)
  }

  readonly #resume = (): void => {
    this.#paused = false
    this.#socket.resume()
  }

  readonly #onData = (piece: Buffer): void => {
    if (!this.#reader.busy) this.#owner.onExcess(piece)
    const problem = this.#reader.read(piece)
    if (problem !== undefined) this.#fail(problem)
  }

  readonly #onEnd = (): void => {
    if (!this.#reader.close()) this.#fail(new UpstreamReset('the connection ended before the response was complete'))
  }

  readonly onError = (error: Error): void => {
    this.#fail(error)
  }

  readonly #onClose = (): void => {
    if (!this.#gone) this.#fail(new UpstreamReset('the connection was closed before the response was complete'))
  }
}

function uncork(socket: Socket): void {
  socket.uncork()
}

/** Small ones as one text: a write of several pieces costs more than the copy. */
function writeWhole(socket: Socket, head: string, body: Buffer): void {
  if (body.length <= ONE_WRITE_BYTES) {
    socket.write(head + body.toString('latin1'), 'latin1')
    return
  }
  socket.cork()
  socket.write(head, 'latin1')
  socket.write(body)
  socket.uncork()
}
