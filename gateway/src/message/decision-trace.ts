// The decision trace: which check gave which result for one request. Kept only for requests whose decision somebody wants to read.
import { failureRule, type CheckName, type Failure } from '../failure.ts'

export interface TracedCheck {
  readonly check: CheckName
  readonly outcome: 'passed' | 'failed'
  /** In plain words; no claim value but times, no token. '' where there is nothing to say. */
  readonly text: string
}

export class DecisionTrace {
  #checks: TracedCheck[] = []

  get checks(): readonly TracedCheck[] {
    return this.#checks
  }

  /** A decision that is asked for again, once keys are here, is traced anew from this check on. */
  passed(check: CheckName, text = ''): void {
    const known = this.#checks.findIndex((traced) => traced.check === check)
    if (known !== -1) this.#checks = this.#checks.slice(0, known)
    this.#checks.push({ check, outcome: 'passed', text })
  }

  failed({ code, detail }: Failure): void {
    this.#checks.push({ check: failureRule(code).check, outcome: 'failed', text: detail })
  }

  /** For the log: `shape passed, issuer passed, time failed: it expired 35 s ago`. */
  toString(): string {
    return this.#checks
      .map(({ check, outcome, text }) => `${check} ${outcome}${outcome === 'failed' && text !== '' ? `: ${text}` : ''}`)
      .join(', ')
  }
}
