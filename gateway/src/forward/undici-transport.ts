// Exchanges with one target over undici's dispatcher: the fastest client on Node, used below its request API.
import { readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'

import { Pool, type Dispatcher } from 'undici'

import type { OutgoingRequest, ResponseReceiver, Transport } from './transport.ts'
import type { UpstreamOptions } from './upstream-options.ts'

type DeepReadonly<T> = { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
export type UpstreamConfig = DeepReadonly<UpstreamOptions>

const NO_TRAILERS: readonly Buffer[] = []

/** Turns undici's callbacks into those of the receiver. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #receiver: ResponseReceiver

  constructor(receiver: ResponseReceiver) {
    this.#receiver = receiver
  }

  onConnect(abort: () => void): void {
    this.#receiver.onSent(abort)
  }

  onUpgrade(_status: number, rawHeaders: Buffer[] | string[] | null, connection: Duplex): void {
    this.#receiver.onUpgrade((rawHeaders ?? []) as Buffer[], connection)
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void, statusText: string): boolean {
    if (status >= 200) this.#receiver.onHead(status, statusText, rawHeaders, resume)
    else this.#receiver.onInfo(status, rawHeaders)
    return true
  }

  onData(chunk: Buffer): boolean {
    return this.#receiver.onBody(chunk)
  }

  onComplete(rawTrailers: unknown): void {
    this.#receiver.onEnd((rawTrailers as readonly Buffer[] | null) ?? NO_TRAILERS)
  }

  onError(error: Error): void {
    this.#receiver.onError(error)
  }
}

function optional(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readFileSync(file, 'utf8')
}

const UNIX = 'unix:'

/**
 * A pool for one target and nobody else, without pipelining: a broken upstream that sends an answer too many must never
 * reach another caller (GHSA-35p6-xmwp-9g52). TLS certificates are verified. Silence inside a body is watched elsewhere
 * (stream-watch.ts): undici's timer cannot tell an event stream.
 */
export function createUndiciTransport(target: string, config: UpstreamConfig): Transport {
  const { connections, timeouts, tls, dnsRefresh } = config
  const isUnix = target.startsWith(UNIX)
  const pool = new Pool(isUnix ? 'http://localhost' : target, {
    connections,
    pipelining: 1,
    headersTimeout: timeouts.headers,
    bodyTimeout: 0,
    clientTtl: dnsRefresh,
    connect: {
      timeout: timeouts.connect,
      rejectUnauthorized: true,
      ...(isUnix ? { socketPath: target.slice(UNIX.length) } : {}),
      ...(tls === undefined ? {} : { ca: optional(tls.ca), cert: optional(tls.cert), key: optional(tls.key) }),
      ...(tls?.servername === undefined ? {} : { servername: tls.servername }),
    },
  })
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
        },
        new Exchange(receiver),
      )
    },
    close: () => pool.close(),
  }
}
