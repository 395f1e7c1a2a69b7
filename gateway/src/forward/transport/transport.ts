// The interface of a transport: it sends one request and reports the parts of the response to a receiver.
import type { UpstreamTls } from '../upstream/upstream-tls.ts'
import type { Duplex, Readable } from 'node:stream'

import type { ClientConnection } from './connections/bound-connections.ts'
import type { Lookup } from './connections/upstream-connection.ts'
import type { Clock, Schedule } from '../../clock.ts'

/** The body of a request. It can be opened again until the first byte is read. */
export interface OutgoingBody {
  /** All of it, where it came with the head of its request: then it can be sent as often as it must. */
  readonly whole: Buffer | undefined
  /** Returns a stream of the body. Call it only while `begun` is false. */
  open(): Readable
  /** True once the transport has begun to read; then the request cannot be retried. */
  readonly begun: boolean
  /** Trailer fields (RFC 9110 section 6.5) as alternating names and values. Empty until the body has ended. */
  trailers(): readonly string[]
}

/** A request to an upstream. `headers` alternate names and values; `body` is null for a request without one. */
export interface OutgoingRequest {
  readonly method: string
  /** Request target in origin form: path with query (RFC 9112 section 3.2.1). */
  readonly path: string
  readonly headers: readonly string[]
  readonly body: OutgoingBody | null
  /** Protocol to switch to; null for a plain request. */
  readonly upgrade: 'websocket' | null
  /** Longest time to open a connection. Does not apply to a request that reuses one. */
  readonly connectTimeoutMs: number
  /** Longest time from the last byte of the request to the head of the final response. */
  readonly headersTimeoutMs: number
  /**
   * The client's connection, if exactly one client uses it. A connection that the upstream authenticates (RFC 4559) serves
   * only this client.
   */
  readonly client?: ClientConnection | undefined
}

/** Receives one response. The transport calls the methods in this order, and none after onEnd, onError or onUpgrade. */
export interface ResponseReceiver {
  /** True once the receiver wants no response, for example because the client has disconnected. */
  readonly ended: boolean
  /** The upstream chose a target. `target` is its name in the config. Called once for each try. */
  onTry?(target: string): void
  /** The transport sends the request. `abort` cancels the exchange and calls onError at once. Called once for each try. */
  onSent(abort: () => void): void
  /** Reports an interim response (1xx). */
  onInfo(status: number, rawHeaders: readonly string[]): void
  /** Reports the head of the final response. `rawHeaders` alternate names and values. `resume` ends a pause. */
  onHead(status: number, statusText: string, rawHeaders: readonly string[], resume: () => void): void
  /** Reports a piece of the body. Returning false pauses the body until `resume` is called. */
  onBody(chunk: Buffer): boolean
  /** Reports the end of the response, with its trailer fields as alternating names and values. */
  onEnd(rawTrailers: readonly string[]): void
  /** Reports that the exchange failed. */
  onError(error: Error): void
  /** The upstream switched protocols (101). The receiver owns the connection from now on. */
  onUpgrade(rawHeaders: readonly string[], connection: Duplex): void
}

/** Dependencies of a transport. */
export interface TransportParts {
  readonly clock: Clock
  readonly schedule: Schedule
  /** Largest head of one response, in bytes. Interim responses are counted by themselves. */
  readonly maxHeadBytes: number
  /** Resolves host names. Left out: `dns.lookup`. */
  readonly lookup?: Lookup
  /** What its certificate files hold; left out where the config has no `tls`. */
  readonly tls?: UpstreamTls | undefined
}

/** Sends requests to an upstream. `send` never throws: it reports errors to the receiver. */
export interface Transport {
  send(request: OutgoingRequest, receiver: ResponseReceiver): void
  /** Resolves when all exchanges in flight have ended. */
  close(): Promise<void>
}

/** Sends requests to one target. */
export interface TargetTransport extends Transport {
  /** `fresh` opens a new connection: after a reset, the idle connections may be closed as well. */
  send(request: OutgoingRequest, receiver: ResponseReceiver, fresh?: boolean): void
  /** True when a connection is bound to this client. */
  holds(client: ClientConnection): boolean
}
