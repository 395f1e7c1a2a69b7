// One connection to a target: carries one exchange after the other, and knows whether it may carry another.
import type { Socket } from 'node:net'

import { BodySender, type BodySenderEvents } from '../body-sender.ts'
import type { ClientConnection } from './bound-connections.ts'
import type { Keepable } from './kept-connections.ts'
import { requestHead } from '../request-head.ts'
import type { ResponseHead } from '../response-head.ts'
import { ResponseReader, type ResponseSink } from '../response-reader.ts'
import type { OutgoingRequest, ResponseReceiver } from '../transport.ts'
import { Cancelled, TimedOut, UpstreamReset } from '../../upstream/upstream-failure.ts'

/** How long an idle connection is kept where the upstream does not say for how long it keeps it. */
const KEEP_MS = 4000
const MOST_KEEP_MS = 600_000
/** A connection is given up so long before the upstream would: a request that meets its end half-way is lost. */
const KEEP_MARGIN_MS = 1000

export interface ConnectionOwner {
  readonly host: string
  readonly maxHeadBytes: number
  now(): number
  /** The connection has something to be looked at then (`onDeadline`). */
  onDeadline(deadlineMs: number): void
  /** The connection is fit for another request. */
  onIdle(connection: PooledConnection): void
  /** The upstream spoke though nobody had asked. */
  onExcess(piece: Buffer): void
  /** It is not, and never will be. */
  onGone(connection: PooledConnection): void
}

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
  /** When somebody has to look: the head of a response is due, or an idle connection is old. Infinity for never. */
  deadlineMs = Infinity
  /** Whoever asked last. */
  client: ClientConnection | undefined
  /** The upstream has authenticated it, or began to: it serves nobody else (RFC 4559 section 6, as HAProxy's http-reuse). */
  bound = false
  restedInTurn = 0
  restedAtMs = 0
  /** Connections of one generation were made with the same answer of the name service. */
  readonly generation: number

  constructor(socket: Socket, owner: ConnectionOwner, generation: number) {
    this.#socket = socket
    this.#owner = owner
    this.#reader = new ResponseReader(this, owner.maxHeadBytes)
    this.generation = generation
    socket.on('data', this.#onData).on('end', this.#onEnd).on('error', this.onError).on('close', this.#onClose)
  }

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
    // Until what the client has sent already was read: head and body go out as one. Not a turn later, for until then the
    // upstream may have closed the connection.
    this.#socket.cork()
    this.#socket.write(head.text, 'latin1')
    this.#sender = new BodySender(this.#socket, body, head.chunked, this)
    process.nextTick(uncork, this.#socket)
  }

  /** Waits for its next request, as long as the upstream is likely to keep it. */
  rest(): void {
    this.restedAtMs = this.#owner.now()
    this.#setDeadline(this.restedAtMs + this.#keepMs)
    this.#owner.onIdle(this)
  }

  /** Called when the deadline has passed. */
  onDeadline(): void {
    this.#fail(new TimedOut('the response did not begin in time'))
  }

  /** Ends a connection that carries nothing. */
  close(): void {
    this.#leave()
    this.#socket.destroy()
  }

  onStuck(): void {
    this.#awaitHead()
  }

  onMoving(): void {
    this.#setDeadline(Infinity)
  }

  onSent(): void {
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
    // The response is here before all of the request was sent: what is left would be taken for the next one.
    const whole = this.#sender?.sent !== false
    this.#sender?.stop()
    this.#sender = undefined
    if (clean && whole && this.#keepMs > 0 && this.#socket.writable) {
      if (this.#paused) this.#resume()
      this.rest()
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
