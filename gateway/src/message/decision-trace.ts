// Records the results of all checks of one request, for `explain` and the debug log.
import { failureRule, type CheckName, type Failure } from '../failure.ts'

export interface TracedCheck {
  readonly check: CheckName
  readonly outcome: 'passed' | 'failed'
  /** In plain words, without tokens and without claim values except times. '' when there are no details. */
  readonly text: string
}

export class DecisionTrace {
  #checks: TracedCheck[] = []

  get checks(): readonly TracedCheck[] {
    return this.#checks
  }

  /** Records a passed check. When a decision is repeated after a key fetch, drops the earlier results from this check on. */
  passed(check: CheckName, text = ''): void {
    const known = this.#checks.findIndex((traced) => traced.check === check)
    if (known !== -1) this.#checks = this.#checks.slice(0, known)
    this.#checks.push({ check, outcome: 'passed', text })
  }

  failed({ code, detail }: Failure): void {
    this.#checks.push({ check: failureRule(code).check, outcome: 'failed', text: detail })
  }

  /** The text for the log, such as `shape passed, issuer passed, time failed: it expired 35 s ago`. */
  toString(): string {
    return this.#checks
      .map(({ check, outcome, text }) => `${check} ${outcome}${outcome === 'failed' && text !== '' ? `: ${text}` : ''}`)
      .join(', ')
  }
}
