// The route handler: sends an admitted request to its upstream and the response back, byte for byte.
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { HeaderFilter } from './headers.ts'
import { BodyTooLarge, hasBody, RequestBody } from './request-body.ts'
import type { ResponseReceiver, Transport } from './transport.ts'
import { upstreamFailure } from './upstream-failure.ts'
import type { Answer } from '../answer.ts'
import type { FailureCode } from '../failure.ts'

/** What a route needs to forward. Compiled once. */
export interface ForwardPolicy {
  readonly upstream: string
  readonly transport: Transport
  readonly filter: HeaderFilter
  readonly rewrite: (target: string) => string
  readonly headersTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly maxBodyBytes: number
  readonly answer: Answer
  /** The gateway had to answer in the upstream's place; `cause` is for the log only. */
  readonly onFailure: (requestId: string, code: FailureCode, cause: string) => void
}

/** A request that was admitted. */
export interface Admitted {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  /** Path in canonical form, with the query as it came. */
  readonly target: string
  /** Value of the auth-result header; undefined where none is sent. */
  readonly authResult: string | undefined
  /** Takes the token out of what goes on; undefined where it stays. */
  readonly strip: ((headers: string[], target: string) => string) | undefined
  /** Headers that every answer to this request carries (CORS), names and values in turn; the upstream's own are dropped. */
  readonly extraHeaders: readonly string[] | undefined
}

const CORS_NAMES: ReadonlySet<string> = new Set([
  ...['access-control-allow-origin', 'access-control-allow-credentials', 'access-control-allow-methods'],
  ...['access-control-allow-headers', 'access-control-expose-headers', 'access-control-max-age'],
])

/** One exchange: lives from the admission to the last byte, and is where client and upstream learn of each other's end. */
class Exchange implements ResponseReceiver {
  readonly #policy: ForwardPolicy
  readonly #admitted: Admitted
  #abort: (() => void) | undefined
  #resume: (() => void) | undefined
  /** The first piece of the body, for the tick in which the head came: nearly always it is the whole. */
  #held: Buffer | undefined
  #waited = false
  #over = false

  constructor(policy: ForwardPolicy, admitted: Admitted) {
    this.#policy = policy
    this.#admitted = admitted
    admitted.response.on('close', () => {
      this.#onClientGone()
    })
  }

  onSent(abort: () => void): void {
    this.#abort = abort
    if (this.#over) abort()
    else if (this.#admitted.request.headers.expect !== undefined) this.#admitted.response.writeContinue()
  }

  onHead(status: number, statusText: string, rawHeaders: readonly Buffer[], resume: () => void): void {
    const { response, requestId, extraHeaders } = this.#admitted
    const headers = this.#policy.filter.toClient(
      rawHeaders,
      requestId,
      extraHeaders === undefined ? undefined : CORS_NAMES,
    )
    if (extraHeaders !== undefined) headers.push(...extraHeaders)
    this.#resume = resume
    response.writeHead(status, statusText, headers)
    // A body that came with the head goes out with it in one write; a head that waits for its body goes out alone.
    process.nextTick(sendWhatWaits, this)
  }

  onBody(chunk: Buffer): boolean {
    const { response } = this.#admitted
    if (!this.#waited && this.#held === undefined) {
      this.#held = chunk
      return true
    }
    this.#writeHeld()
    if (response.write(chunk)) return true
    response.once('drain', this.#resume as () => void)
    return false
  }

  onEnd(): void {
    if (this.#over) return
    this.#over = true
    const held = this.#held
    this.#held = undefined
    if (held === undefined) this.#admitted.response.end()
    else endWith(this.#admitted.response, held)
  }

  /** The tick in which the head came is over, and the response is not: what is here goes out. */
  sendWhatWaits(): void {
    this.#waited = true
    const { response } = this.#admitted
    if (this.#held !== undefined) this.#writeHeld()
    else if (!response.writableEnded && !response.destroyed) response.flushHeaders()
  }

  #writeHeld(): void {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    this.#admitted.response.write(held)
  }

  onError(error: Error): void {
    if (this.#over) return
    this.#over = true
    const { response, request, requestId, extraHeaders } = this.#admitted
    const tooLarge = error instanceof BodyTooLarge
    const code = tooLarge ? 'body_too_large' : upstreamFailure(error)
    this.#policy.onFailure(requestId, code, error.message)
    // Half of an answer is out: ending it properly would pass it off as whole (RFC 9112 section 8).
    this.#writeHeld()
    if (response.headersSent) response.destroy()
    else
      this.#policy.answer(response, code, requestId, {
        headers: extraHeaders,
        close: tooLarge || (hasBody(request) && !request.complete),
      })
  }

  #onClientGone(): void {
    if (this.#over) return
    this.#over = true
    this.#abort?.()
  }
}

// With its head it fits into the buffer on the stack that libuv's fast path writes from.
const ONE_WRITE_BYTES = 8192

/**
 * Ends a response with a body that came whole. As text, Node joins it to the head: one plain write, where `end(chunk)`
 * would gather three pieces (a tenth of the CPU time of a small request). Corked, so that the write is not put off.
 */
function endWith(response: ServerResponse, body: Buffer): void {
  const { socket } = response
  if (socket === null || response.chunkedEncoding || body.length > ONE_WRITE_BYTES) {
    response.end(body)
    return
  }
  socket.cork()
  response.write(body.toString('latin1'), 'latin1')
  socket.uncork()
  response.end()
}

function sendWhatWaits(exchange: Exchange): void {
  exchange.sendWhatWaits()
}

/** Makes the handler of one route. */
export function createForward(policy: ForwardPolicy): (admitted: Admitted) => void {
  const { transport, filter, rewrite, maxBodyBytes, answer, headersTimeoutMs, idleTimeoutMs } = policy

  return function forward(admitted) {
    const { request, response, requestId, strip } = admitted
    const withBody = hasBody(request)
    if (withBody && Number(request.headers['content-length']) > maxBodyBytes) {
      policy.onFailure(requestId, 'body_too_large', 'announced by content-length')
      answer(response, 'body_too_large', requestId, { headers: admitted.extraHeaders, close: true })
      return
    }
    const headers = filter.toUpstream(request.rawHeaders, request.headers.connection, {
      requestId,
      clientAddress: addressOf(request),
      protocol: 'encrypted' in request.socket ? 'https' : 'http',
      host: request.headers.host,
      authResult: admitted.authResult,
    })
    const target = strip === undefined ? admitted.target : strip(headers, admitted.target)
    const body = withBody ? new RequestBody(request, maxBodyBytes) : null
    const outgoing = {
      method: request.method as string,
      path: rewrite(target),
      headers,
      body,
      headersTimeoutMs,
      idleTimeoutMs,
    }
    transport.send(outgoing, new Exchange(policy, admitted))
  }
}

/** The client's address; an IPv4 client of a dual-stack listener without the IPv6 prefix. */
function addressOf({ socket }: IncomingMessage): string {
  const address = socket.remoteAddress ?? ''
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
