// One exchange with an upstream, from admission to the last byte: each side learns here that the other ended.
import type { Duplex } from 'node:stream'

import type { Admitted } from './admitted.ts'
import { endWith, sendInformation, writeHead } from './streams/client-response.ts'
import { CORS_NAMES } from './headers/header-names.ts'
import type { HeaderFilter } from './headers/headers.ts'
import { hasLocation, restoreLocation } from './headers/location.ts'
import { hasBody } from './streams/request-body.ts'
import { responseKind, type ResponseKind } from './streams/long-lived-response.ts'
import { carryRenewedToken, type CarryPolicy } from './headers/renewed-token.ts'
import type { Rewrite } from './headers/rewrite.ts'
import type { LongLived, StreamWatch } from './streams/stream-watch.ts'
import type { ResponseReceiver } from './transport/transport.ts'
import { isUpstreamsFault, TimedOut, upstreamFailure } from './upstream/upstream-failure.ts'
import type { Answer } from '../accept/answer.ts'
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { Clock } from '../clock.ts'
import type { FailureCode } from '../failure.ts'

/** How a route answers. Compiled once. `upstream`: its name in the config. */
export interface ExchangePolicy extends CarryPolicy {
  readonly upstream: string
  readonly filter: HeaderFilter
  readonly rewrite: Rewrite
  /** Of the targets: a Location that names one of them leads back through the gateway. */
  readonly authorities: ReadonlySet<string>
  /** Longest silence in a body, and in an event stream (0: may be silent for ever). */
  readonly idleTimeoutMs: number
  readonly eventStreamIdleTimeoutMs: number
  /** Time for the whole exchange; undefined for no limit. */
  readonly totalTimeoutMs: number | undefined
  readonly clock: Clock
  readonly watch: StreamWatch
  /** False as soon as the caller's token does not count any more. Undefined: streams may go on without it. */
  readonly isStillGood: ((caller: AuthResult, wallMs: number) => boolean) | undefined
  readonly answer: Answer
  /** The gateway had to answer in the upstream's place; `cause` is for the log only. */
  readonly onFailure: (requestId: string, code: FailureCode, cause: string) => void
}

export class Exchange implements ResponseReceiver, LongLived {
  readonly #policy: ExchangePolicy
  readonly #admitted: Admitted
  readonly #startedAtMs: number | undefined
  #abort: (() => void) | undefined
  #resume: (() => void) | undefined
  /** The first piece of the body, for the tick in which the head came: nearly always it is the whole. */
  #held: Buffer | undefined
  #rawHead: readonly string[] | undefined
  /** For the client, until it is written: as long as nothing is out, a failure can still be told as one. */
  #headers: string[] | undefined
  #status = 0
  #reason = ''
  /** Worked out by the first look: most responses are over before. */
  #kind: ResponseKind | undefined
  #waited = false
  #continued = false
  /** Something moved since the last look. */
  #moved = true
  #movedAtMs = 0
  #over = false

  constructor(policy: ExchangePolicy, admitted: Admitted) {
    this.#policy = policy
    this.#admitted = admitted
    admitted.response.on('close', () => {
      this.#onClientGone()
    })
    if (policy.totalTimeoutMs === undefined) return
    this.#startedAtMs = policy.clock.monotonic()
    policy.watch.add(this)
  }

  get over(): boolean {
    return this.#over
  }

  onTry(target: string): void {
    this.#admitted.request.record?.onTry(this.#policy.upstream, target)
  }

  onSent(abort: () => void): void {
    this.#abort = abort
    const { request, response } = this.#admitted
    if (this.#over) abort()
    else if (request.headers.expect !== undefined && request.httpVersionMinor !== 0 && !this.#continued) {
      this.#continued = true
      response.writeContinue()
    }
  }

  onInfo(status: number, rawHeaders: readonly string[]): void {
    const { request, response, requestId } = this.#admitted
    if (request.httpVersionMinor === 0 || response.headersSent) return
    sendInformation(response, status, this.#policy.filter.toClient(rawHeaders, requestId, undefined))
  }

  onHead(status: number, statusText: string, rawHeaders: readonly string[], resume: () => void): void {
    const { request, requestId, extraHeaders, target, caller } = this.#admitted
    request.record?.onHead()
    const { filter, authorities, rewrite } = this.#policy
    const headers = filter.toClient(rawHeaders, requestId, extraHeaders === undefined ? undefined : CORS_NAMES)
    if (extraHeaders !== undefined) headers.push(...extraHeaders)
    if (hasLocation(status)) restoreLocation(headers, authorities, rewrite, target)
    if (caller?.renewal?.successor !== undefined) carryRenewedToken(headers, status, this.#admitted, this.#policy)
    this.#rawHead = rawHeaders
    this.#resume = resume
    this.#headers = headers
    this.#status = status
    this.#reason = statusText
    // A body that came with the head goes out with it in one write; a head that waits for its body goes out alone.
    process.nextTick(sendWhatWaits, this)
  }

  onBody(chunk: Buffer): boolean {
    this.#moved = true
    const { request, response } = this.#admitted
    if (request.record !== undefined) request.record.bytesOut += chunk.length
    if (!this.#waited && this.#held === undefined) {
      this.#held = chunk
      return true
    }
    this.#writeHeld()
    if (response.write(chunk)) return true
    response.once('drain', () => {
      this.#moved = true
      this.#resume?.()
    })
    return false
  }

  onEnd(rawTrailers: readonly string[]): void {
    if (this.#over) return
    this.#finish()
    this.#writeHead()
    const { response } = this.#admitted
    if (rawTrailers.length > 0 && response.chunkedEncoding)
      response.addTrailers(this.#policy.filter.trailersToClient(rawTrailers))
    endWith(response, this.#held)
    this.#held = undefined
  }

  onError(error: Error): void {
    if (this.#over) return
    this.#finish()
    const { response, request, requestId, extraHeaders } = this.#admitted
    const code = upstreamFailure(error)
    this.#policy.onFailure(requestId, code, error.message)
    // Half of a response is out: ending it properly would pass it off as whole (RFC 9112 section 8).
    if (response.headersSent) {
      this.#writeHeld()
      response.destroy()
    } else
      this.#policy.answer(response, code, requestId, {
        headers: extraHeaders,
        close: !isUpstreamsFault(error) || (hasBody(request) && !request.complete),
      })
  }

  onUpgrade(rawHeaders: readonly string[], connection: Duplex): void {
    if (this.#over) {
      connection.destroy()
      return
    }
    const unasked = new Error('protocols were switched though nobody asked')
    const { onUpgrade = () => unasked } = this.#admitted
    const problem = onUpgrade(rawHeaders, connection)
    if (problem === undefined) this.#finish()
    else {
      connection.destroy()
      this.onError(problem)
    }
  }

  /** The tick in which the head came is over, and the response is not: what is here goes out, and it is looked after. */
  sendWhatWaits(): void {
    this.#waited = true
    if (this.#over || this.#admitted.response.destroyed) return
    this.#writeHead()
    if (this.#held === undefined) this.#admitted.response.flushHeaders()
    else this.#writeHeld()
    this.#policy.watch.add(this)
  }

  check(nowMs: number, wallMs: number, leaveMs: number): void {
    if (this.#moved) this.#movedAtMs = nowMs
    this.#moved = false
    const { totalTimeoutMs, idleTimeoutMs, eventStreamIdleTimeoutMs, isStillGood } = this.#policy
    if (totalTimeoutMs !== undefined && nowMs - (this.#startedAtMs ?? nowMs) >= totalTimeoutMs) {
      this.#giveUp(new TimedOut('the whole exchange took too long'))
      return
    }
    if (this.#rawHead === undefined) return
    const kind = (this.#kind ??= responseKind(this.#rawHead))
    const { caller } = this.#admitted
    const mustLeave = kind === 'events' && this.#movedAtMs <= leaveMs
    if (mustLeave || (kind !== 'bounded' && caller !== undefined && isStillGood?.(caller, wallMs) === false)) {
      this.#endEarly(kind)
      return
    }
    const idleMs = kind === 'events' ? eventStreamIdleTimeoutMs : idleTimeoutMs
    if (idleMs > 0 && nowMs - this.#movedAtMs >= idleMs) this.#giveUp(new TimedOut('the body stood still for too long'))
  }

  /** An event stream has no end to miss: the client connects anew and is told why. Of anything else half must not pass for all. */
  #endEarly(kind: ResponseKind): void {
    this.#finish()
    this.#writeHead()
    this.#abort?.()
    if (kind === 'events') this.#admitted.response.end()
    else this.#admitted.response.destroy()
  }

  #giveUp(error: Error): void {
    const abort = this.#abort
    this.onError(error)
    abort?.()
  }

  #writeHead(): void {
    const headers = this.#headers
    if (headers === undefined) return
    this.#headers = undefined
    writeHead(this.#admitted.response, this.#status, this.#reason, headers)
  }

  #writeHeld(): void {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    this.#writeHead()
    this.#admitted.response.write(held)
  }

  #onClientGone(): void {
    if (this.#over) return
    this.#finish()
    this.#abort?.()
  }

  #finish(): void {
    this.#over = true
    this.#policy.watch.delete(this)
  }
}

function sendWhatWaits(exchange: Exchange): void {
  exchange.sendWhatWaits()
}
