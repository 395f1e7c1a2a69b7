// Exchanges over undici's dispatcher: the fastest client on Node, used below its request API.
import { readFileSync } from 'node:fs'

import { Pool, type Dispatcher } from 'undici'

import type { UpstreamOptions } from './options.ts'
import type { OutgoingRequest, ResponseReceiver, Transport } from './transport.ts'

type DeepReadonly<T> = { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
export type UpstreamConfig = DeepReadonly<UpstreamOptions>

/** Turns undici's callbacks into those of the receiver. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #receiver: ResponseReceiver

  constructor(receiver: ResponseReceiver) {
    this.#receiver = receiver
  }

  onConnect(abort: () => void): void {
    this.#receiver.onSent(abort)
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void, statusText: string): boolean {
    if (status >= 200) this.#receiver.onHead(status, statusText, rawHeaders, resume)
    return true
  }

  onData(chunk: Buffer): boolean {
    return this.#receiver.onBody(chunk)
  }

  onComplete(trailers: string[] | null): void {
    this.#receiver.onEnd(trailers)
  }

  onError(error: Error): void {
    this.#receiver.onError(error)
  }
}

/**
 * A pool for one upstream and nobody else, without pipelining: a broken upstream that sends an answer too many must never
 * reach another caller (GHSA-35p6-xmwp-9g52). TLS certificates are verified.
 */
export function createUndiciTransport(origin: string, { connections, timeouts, tls }: UpstreamConfig): Transport {
  const pool = new Pool(origin, {
    connections,
    pipelining: 1,
    headersTimeout: timeouts.headers,
    bodyTimeout: timeouts.idle,
    connect: {
      timeout: timeouts.connect,
      rejectUnauthorized: true,
      ...(tls?.ca === undefined ? {} : { ca: readFileSync(tls.ca, 'utf8') }),
      ...(tls?.servername === undefined ? {} : { servername: tls.servername }),
    },
  })
  return {
    send({ method, path, headers, body, headersTimeoutMs, idleTimeoutMs }: OutgoingRequest, receiver) {
      pool.dispatch(
        {
          method,
          path,
          headers: headers as string[],
          body,
          headersTimeout: headersTimeoutMs,
          bodyTimeout: idleTimeoutMs,
        },
        new Exchange(receiver),
      )
    },
    close: () => pool.close(),
    destroy: () => pool.destroy(),
  }
}
