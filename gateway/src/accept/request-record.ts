// The record of a request for its access line, which the stages fill in; kept only where access lines are written.
import type { IncomingMessage } from 'node:http'

import type { AuthResult } from '../authenticate/auth-result.ts'
import type { DecisionTrace } from '../message/decision-trace.ts'

/** One object for each request. Bytes are those of bodies; of a WebSocket all that went over it. */
export class RequestRecord {
  readonly startedAtMs = performance.now()
  /** Whose token was good, even where the route then refused its caller. */
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

/** A request with its record; `record` is undefined where no access lines are written. */
export type RecordedRequest = IncomingMessage & {
  record?: RequestRecord
  /** Present only when somebody reads how the request is decided (`explain`, the debug log). */
  trace?: DecisionTrace
}
