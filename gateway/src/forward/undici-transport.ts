// Exchanges with one target over undici's dispatcher, below its request API: for services that do not get on with our own connections.
import type { Duplex } from 'node:stream'

import { Pool, type Dispatcher } from 'undici'

import { createConnector, hasName, originOf } from './upstream-connection.ts'
import type { OutgoingRequest, ResponseReceiver, Transport, TransportParts } from './transport.ts'
import type { UpstreamConfig } from './upstream-options.ts'

const NO_TRAILERS: readonly string[] = []

/** Names and values in turn, as texts. */
function asTexts(raw: readonly Buffer[]): string[] {
  return raw.map((field) => field.toString('latin1'))
}

/** Turns undici's callbacks into those of the receiver. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #receiver: ResponseReceiver
  #bodiless = false

  constructor(receiver: ResponseReceiver) {
    this.#receiver = receiver
  }

  onConnect(abort: () => void): void {
    this.#receiver.onSent(abort)
  }

  onUpgrade(_status: number, rawHeaders: Buffer[] | string[] | null, connection: Duplex): void {
    this.#receiver.onUpgrade(asTexts((rawHeaders ?? []) as Buffer[]), connection)
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void, statusText: string): boolean {
    this.#bodiless = status === 304 || status === 204
    if (status >= 200) this.#receiver.onHead(status, statusText, asTexts(rawHeaders), resume)
    else this.#receiver.onInfo(status, asTexts(rawHeaders))
    return true
  }

  onData(chunk: Buffer): boolean {
    return this.#receiver.onBody(chunk)
  }

  onComplete(rawTrailers: unknown): void {
    this.#receiver.onEnd(asTexts((rawTrailers as readonly Buffer[] | null) ?? []))
  }

  onError(error: Error & { readonly code?: string }): void {
    // The length in a 304 is that of the body that is not sent (RFC 9110 section 8.6): undici waits for it and then complains.
    if (this.#bodiless && error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') this.#receiver.onEnd(NO_TRAILERS)
    else this.#receiver.onError(error)
  }
}

/**
 * A pool for one target and nobody else, without pipelining: a broken upstream that sends an answer too many must never
 * reach another caller (GHSA-35p6-xmwp-9g52). Silence inside a body is watched elsewhere (stream-watch.ts): undici's timer
 * cannot tell an event stream.
 */
export function createUndiciTransport(target: string, config: UpstreamConfig, parts: TransportParts): Transport {
  const connect = createConnector(target, config, config.timeouts.connect, parts.lookup)
  const servername = new URL(originOf(target)).hostname
  const closing = new Set<Promise<void>>()
  let pool = createPool()
  let callOff = hasName(target) ? parts.schedule(config.dnsRefresh, renew) : undefined

  function createPool(): Pool {
    return new Pool(originOf(target), {
      connect,
      connections: config.connections,
      pipelining: 1,
      headersTimeout: config.timeouts.headers,
      bodyTimeout: 0,
    })
  }

  /**
   * A name is looked up for each new connection, so all of them are replaced from time to time. undici's own `clientTtl`
   * asks a connection again to close with every request that comes while it is busy, and remembers each time: one event
   * stream of some hours would hold a closure for every request in between (7.30.2).
   */
  function renew(): void {
    const closed = pool.close().finally(() => closing.delete(closed))
    closing.add(closed)
    pool = createPool()
    callOff = parts.schedule(config.dnsRefresh, renew)
  }

  return {
    send({ method, path, headers, body, upgrade, headersTimeoutMs }: OutgoingRequest, receiver) {
      pool.dispatch(
        {
          method,
          path,
          headers: headers as string[],
          body: body === null ? null : body.open(),
          upgrade,
          headersTimeout: headersTimeoutMs,
          // Always the same, or undici would take it from the request's Host and change connections with it.
          servername,
        } as Dispatcher.DispatchOptions,
        new Exchange(receiver),
      )
    },
    async close() {
      callOff?.()
      await Promise.all([pool.close(), ...closing])
    },
  }
}
