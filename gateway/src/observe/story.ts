// The story of a decision: each check in its order, what it found, and where it ended.
import type { Failure, FailureCode } from '../failure.ts'

/** The checks of a request in the order in which they are made, with the refusals that each can give. */
const CHECKS = [
  ['request', ['path_unsafe', 'request_invalid', 'overloaded', 'route_not_found', 'method_not_allowed']],
  ['token', ['token_missing', 'token_ambiguous']],
  ['origin', ['origin_forbidden']],
  ['shape', ['token_malformed', 'token_too_large']],
  ['issuer', ['issuer_unknown']],
  ['algorithm', ['algorithm_not_allowed']],
  [
    'claims',
    ['claim_invalid', 'claim_missing', 'type_mismatch', 'audience_mismatch', 'binding_unproven', 'token_too_old'],
  ],
  ['time', ['token_expired', 'token_not_yet_valid']],
  ['key', ['key_unknown', 'keys_unavailable']],
  ['signature', ['signature_invalid']],
  ['result', ['auth_result_too_large']],
  ['revocation', ['token_revoked', 'revocations_unavailable']],
  ['requirements', ['scope_missing', 'claim_forbidden']],
] as const satisfies readonly (readonly [string, readonly FailureCode[]])[]

export type CheckName = (typeof CHECKS)[number][0]

export interface CheckReport {
  readonly check: CheckName
  readonly outcome: 'passed' | 'failed' | 'not reached'
  /** In plain words; no claim value, no token. '' where there is nothing to say. */
  readonly text: string
}

/** What was found by the checks that passed, in plain words. */
export type Findings = Partial<Record<CheckName, string>>

/** All checks up to the refusal passed, what comes after it was not reached. Undefined: nothing was refused. */
export function tellStory(refusal: Failure | undefined, findings: Findings = {}): readonly CheckReport[] {
  const failedAt =
    refusal === undefined
      ? CHECKS.length
      : CHECKS.findIndex(([, codes]) => (codes as readonly string[]).includes(refusal.code))
  return CHECKS.map(([check], index) => {
    if (index === failedAt) return { check, outcome: 'failed', text: refusal?.detail ?? '' }
    return index < failedAt
      ? { check, outcome: 'passed', text: findings[check] ?? '' }
      : { check, outcome: 'not reached', text: '' }
  })
}

/** For the log: `shape passed, issuer passed, time failed: it expired 35 s ago`. */
export function storyLine(refusal: Failure): string {
  return tellStory(refusal)
    .filter(({ outcome }) => outcome !== 'not reached')
    .map(({ check, outcome, text }) => `${check} ${outcome}${text === '' ? '' : `: ${text}`}`)
    .join(', ')
}
