// The interface of a transport: request head and body go out; response head, body, and end or error come back.
import type { Duplex, Readable } from 'node:stream'

import type { ClientConnection } from './connections/bound-connections.ts'
import type { Lookup } from './connections/upstream-connection.ts'
import type { Clock, Schedule } from '../../clock.ts'

/** A request body that can be opened again as long as nothing was read of it. */
export interface OutgoingBody {
  open(): Readable
  /** True when some of it was read: then the request cannot be sent a second time. */
  readonly begun: boolean
  /** Fields that came after it, names and values in turn, once it was read to its end. */
  trailers(): readonly string[]
}

/** A request as it goes out. Headers are names and values in turn; `body` is null where there is none. */
export interface OutgoingRequest {
  readonly method: string
  /** Path with query. */
  readonly path: string
  readonly headers: readonly string[]
  readonly body: OutgoingBody | null
  /** Protocol to switch to; null for a plain request. */
  readonly upgrade: 'websocket' | null
  /** Time to connect, where there is no connection yet. */
  readonly connectTimeoutMs: number
  /** Time from the end of the request to the response head. */
  readonly headersTimeoutMs: number
  /** The client's connection, where it is one client's own: a connection that the upstream authenticates is kept for it alone. */
  readonly client?: ClientConnection | undefined
}

/** Whoever waits for the response. Each method is called in this order; nothing comes after onEnd, onError or onUpgrade. */
export interface ResponseReceiver {
  /** Nobody waits any more: what has not been sent need not be. */
  readonly over: boolean
  /** A target was chosen, by its name in the config. Again for another try. */
  onTry?(target: string): void
  /** The request is on its way; `abort` takes it back, which is reported as an error at once. Again for another try. */
  onSent(abort: () => void): void
  /** An interim response (1xx). */
  onInfo(status: number, rawHeaders: readonly string[]): void
  /** `rawHeaders` are names and values in turn. `resume` ends a pause that onBody asked for. */
  onHead(status: number, statusText: string, rawHeaders: readonly string[], resume: () => void): void
  /** False asks for a pause. */
  onBody(chunk: Buffer): boolean
  onEnd(rawTrailers: readonly string[]): void
  onError(error: Error): void
  /** The upstream switched protocols: from here on the connection is the receiver's. */
  onUpgrade(rawHeaders: readonly string[], connection: Duplex): void
}

/** What a transport needs besides its target and config. */
export interface TransportParts {
  readonly clock: Clock
  readonly schedule: Schedule
  /** Of the head of a response, interim ones apart. */
  readonly maxHeadBytes: number
  readonly lookup?: Lookup
}

/** Whoever carries requests to an upstream. `send` never throws: what goes wrong is reported to the receiver. */
export interface Transport {
  send(request: OutgoingRequest, receiver: ResponseReceiver): void
  /** Waits for what is under way. */
  close(): Promise<void>
}

/** Whoever carries requests to one target. */
export interface TargetTransport extends Transport {
  /** `fresh`: over a new connection, for the kept ones may be as dead as the one that was tried. */
  send(request: OutgoingRequest, receiver: ResponseReceiver, fresh?: boolean): void
  /** A connection is kept for this client alone. */
  holds(client: ClientConnection): boolean
}
