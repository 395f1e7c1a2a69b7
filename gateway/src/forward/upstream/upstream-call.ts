// One request to an upstream with its retries: stands between the transport of a target and the exchange.
import type { Duplex } from 'node:stream'

import type { Target } from './target.ts'
import type { OutgoingRequest, ResponseReceiver } from '../transport/transport.ts'
import { isTransient, isUpstreamsFault } from './upstream-failure.ts'

/** What an upstream is told of its calls. */
export interface CallOwner {
  readonly maxRetries: number
  onHead(target: Target, status: number): void
  /** The connection is free again. Called once for each start. */
  onDone(target: Target): void
  onFailed(target: Target, error: Error): void
  onForgotten(target: Target): void
  /** Places the call anew; false when it may not. */
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

  /** Where the last try went: the next one should go elsewhere. */
  get triedLast(): Target | undefined {
    return this.#target
  }

  get client(): OutgoingRequest['client'] {
    return this.#request.client
  }

  get over(): boolean {
    return this.#receiver.over
  }

  start(target: Target): void {
    this.#target = target
    this.#tries += 1
    this.#receiver.onTry?.(target.name)
    target.transport.send(this.#request, this, this.#tries > 1)
  }

  /** No target could be asked. */
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
    // Aborted by our own side, for whatever reason: says nothing about the target.
    if (this.#receiver.over || !isUpstreamsFault(error)) this.#owner.onForgotten(target)
    else this.#owner.onFailed(target, error)
    const again = this.#mayRetry(error)
    this.#owner.onDone(target)
    if (!again || !this.#owner.retry(this)) this.#receiver.onError(error)
  }

  #mayRetry(error: Error): boolean {
    const { method, body } = this.#request
    return (
      !this.#answered &&
      !this.#receiver.over &&
      this.#tries <= this.#owner.maxRetries &&
      IDEMPOTENT.has(method) &&
      body?.begun !== true &&
      isTransient(error)
    )
  }
}
