// The checks of an explained request, each with its result: passed, failed, not reached, or not known here.
import { CHECKS, failureRule, type CheckName, type Failure } from '../../failure.ts'
import type { DecisionTrace } from '../../message/decision-trace.ts'

export interface CheckReport {
  readonly check: CheckName
  /** `not known`: only the gateway that runs, or the network, could tell. */
  readonly outcome: 'passed' | 'failed' | 'not reached' | 'not known'
  /** In plain words; no claim value, no token. '' where there is nothing to say. */
  readonly text: string
}

/** Why the result of a check is not known here. */
export type Unknowns = ReadonlyMap<CheckName, string>

export function onlyFailed(refusal: Failure | undefined): readonly CheckReport[] {
  return refusal === undefined
    ? []
    : [{ check: failureRule(refusal.code).check, outcome: 'failed', text: refusal.detail }]
}

/** The checks that were met, in their order, then those that were not reached. */
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
