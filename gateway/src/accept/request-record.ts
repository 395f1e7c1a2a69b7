// The record of a request for its access line. The stages fill it in. Only exists while access lines are enabled.
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { GatewayRequest } from '../message/client-exchange.ts'
import type { DecisionTrace } from '../message/decision-trace.ts'

/** One object for each request. Counts the bytes of bodies; for a WebSocket, all bytes after the switch. */
export class RequestRecord {
  readonly startedAtMs = performance.now()
  /** The caller, if the token was valid, even when authorization then failed. */
  caller: AuthResult | undefined = undefined
  upstream: string | undefined = undefined
  /** The target of the last try. */
  target: string | undefined = undefined
  tries = 0
  sentAtMs = 0
  headAtMs = 0
  bytesIn = 0
  bytesOut = 0

  onTry(upstream: string, target: string): void {
    if (this.tries === 0) this.sentAtMs = performance.now()
    this.tries += 1
    this.upstream = upstream
    this.target = target
  }

  onHead(): void {
    this.headAtMs = performance.now()
  }
}

/** A request with its record; `record` is undefined while access lines are disabled. */
export type RecordedRequest = GatewayRequest & {
  record?: RequestRecord | undefined
  /** The decision trace, for `explain` and the debug log only. */
  trace?: DecisionTrace | undefined
}
