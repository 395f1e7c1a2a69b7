// What the forward stage knows of an exchange with an upstream: head and body out; head, body, end or error back.
import type { Readable } from 'node:stream'

/** A request as it goes out. Headers are names and values in turn; `body` is null where there is none. */
export interface OutgoingRequest {
  readonly method: string
  /** Path with query. */
  readonly path: string
  readonly headers: readonly string[]
  readonly body: Readable | null
  /** Time from the end of the request to the response head. */
  readonly headersTimeoutMs: number
  /** Longest silence inside the response body; 0 for none. */
  readonly idleTimeoutMs: number
}

/** Whoever waits for the response. Each method is called in this order; nothing comes after onEnd or onError. */
export interface ResponseReceiver {
  /** The request is on its way; `abort` takes it back, after which nothing more is reported. */
  onSent(abort: () => void): void
  /** `rawHeaders` are names and values in turn. `resume` ends a pause that onBody asked for. */
  onHead(status: number, statusText: string, rawHeaders: readonly Buffer[], resume: () => void): void
  /** False asks for a pause. */
  onBody(chunk: Buffer): boolean
  onEnd(trailers: readonly string[] | null): void
  onError(error: Error): void
}

/** One upstream. `send` never throws: what goes wrong is reported to the receiver. */
export interface Transport {
  send(request: OutgoingRequest, receiver: ResponseReceiver): void
  /** Waits for what is under way; `destroy` does not. */
  close(): Promise<void>
  destroy(): Promise<void>
}
