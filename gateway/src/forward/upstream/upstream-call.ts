// One request to an upstream with its retries: passes events from the transport of a target to the exchange.
import type { Duplex } from 'node:stream'

import type { Target } from './target.ts'
import type { OutgoingRequest, ResponseReceiver } from '../transport/transport.ts'
import { isTransient, isUpstreamsFault, RefusedUnseen } from './upstream-failure.ts'

/** The upstream of a call. It counts requests and failures for each target. */
export interface CallOwner {
  readonly maxRetries: number
  onHead(target: Target, status: number): void
  /** The exchange with the target has ended. Called once for each `start`. */
  onDone(target: Target): void
  /** The target failed: the error counts against its health. */
  onFailed(target: Target, error: Error): void
  /** The exchange failed for a reason that tells nothing about the target. */
  onInconclusive(target: Target): void
  /** Assigns the call to a target again; false when the retry budget is spent. */
  retry(call: UpstreamCall): boolean
}

// RFC 9110 section 9.2.2.
const IDEMPOTENT: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
  'PROPFIND',
  'QUERY',
])

/** Retries an idempotent request after a transient error, as long as no response has begun and no body was read. */
export class UpstreamCall implements ResponseReceiver {
  readonly #owner: CallOwner
  readonly #request: OutgoingRequest
  readonly #receiver: ResponseReceiver
  #target: Target | undefined
  #answered = false
  #tries = 0

  constructor(owner: CallOwner, request: OutgoingRequest, receiver: ResponseReceiver) {
    this.#owner = owner
    this.#request = request
    this.#receiver = receiver
  }

  /** The target of the last try. A retry prefers another one. */
  get triedLast(): Target | undefined {
    return this.#target
  }

  get client(): OutgoingRequest['client'] {
    return this.#request.client
  }

  get ended(): boolean {
    return this.#receiver.ended
  }

  /** Sends the request to this target. Retries open a new connection. */
  start(target: Target): void {
    this.#target = target
    this.#tries += 1
    this.#receiver.onTry?.(target.name)
    target.transport.send(this.#request, this, this.#tries > 1)
  }

  /** Fails without a target: none is available. */
  fail(error: Error): void {
    this.#receiver.onError(error)
  }

  onSent(abort: () => void): void {
    this.#receiver.onSent(abort)
  }

  onInfo(status: number, rawHeaders: readonly string[]): void {
    this.#receiver.onInfo(status, rawHeaders)
  }

  onHead(status: number, statusText: string, rawHeaders: readonly string[], resume: () => void): void {
    this.#answered = true
    this.#owner.onHead(this.#target as Target, status)
    this.#receiver.onHead(status, statusText, rawHeaders, resume)
  }

  onBody(chunk: Buffer): boolean {
    return this.#receiver.onBody(chunk)
  }

  onEnd(rawTrailers: readonly string[]): void {
    this.#receiver.onEnd(rawTrailers)
    this.#owner.onDone(this.#target as Target)
  }

  onUpgrade(rawHeaders: readonly string[], connection: Duplex): void {
    this.#owner.onHead(this.#target as Target, 101)
    this.#receiver.onUpgrade(rawHeaders, connection)
    this.#owner.onDone(this.#target as Target)
  }

  onError(error: Error): void {
    const target = this.#target as Target
    // The gateway or the client ended the exchange, which tells nothing about the target.
    if (this.#receiver.ended || !isUpstreamsFault(error) || error instanceof RefusedUnseen)
      this.#owner.onInconclusive(target)
    else this.#owner.onFailed(target, error)
    const again = this.#mayRetry(error)
    this.#owner.onDone(target)
    if (!again || !this.#owner.retry(this)) this.#receiver.onError(error)
  }

  #mayRetry(error: Error): boolean {
    const { method, body } = this.#request
    return (
      !this.#answered &&
      !this.#receiver.ended &&
      this.#tries <= this.#owner.maxRetries &&
      (IDEMPOTENT.has(method) || error instanceof RefusedUnseen) &&
      body?.begun !== true &&
      isTransient(error)
    )
  }
}
