// Lists the checks of an explained request, each with its result: passed, failed, not reached or not known.
import { CHECKS, failureRule, type CheckName, type Failure } from '../../failure.ts'
import type { DecisionTrace } from '../../message/decision-trace.ts'

export interface CheckReport {
  readonly check: CheckName
  /** `not known`: the result depends on the running gateway or on the network. */
  readonly outcome: 'passed' | 'failed' | 'not reached' | 'not known'
  /** The reason in plain words, without claim values or the token. Empty when there is nothing to add. */
  readonly text: string
}

/** The reason why the result of a check is not known. */
export type Unknowns = ReadonlyMap<CheckName, string>

export function onlyFailed(refusal: Failure | undefined): readonly CheckReport[] {
  return refusal === undefined
    ? []
    : [{ check: failureRule(refusal.code).check, outcome: 'failed', text: refusal.detail }]
}

/** The checks that ran, in their order, followed by those that were not reached. */
export function reportsOf(
  { checks }: DecisionTrace,
  refusal: Failure | undefined,
  unknowns: Unknowns,
): readonly CheckReport[] {
  const failed = refusal === undefined ? undefined : failureRule(refusal.code).check
  return CHECKS.filter((check) => check !== 'upstream').map((check): CheckReport => {
    if (check === failed) return { check, outcome: 'failed', text: refusal?.detail ?? '' }
    const passed = checks.find((traced) => traced.check === check && traced.outcome === 'passed')
    if (passed === undefined) return { check, outcome: 'not reached', text: '' }
    const unknown = unknowns.get(check)
    return unknown === undefined
      ? { check, outcome: 'passed', text: passed.text }
      : { check, outcome: 'not known', text: `not known: ${unknown}` }
  })
}
