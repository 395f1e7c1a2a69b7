// What a running gateway lends to one that only explains a request: keys, block list and counts, to be read and never changed.
import type { AdmissionStage } from '../accept/admission.ts'
import { lendFailureLimit } from '../accept/failure-limit.ts'
import type { Authentication, AuthenticationParts } from '../authenticate/authentication.ts'
import type { KeySourceParts } from '../authenticate/keys/key-source.ts'
import { lendKeys } from '../authenticate/keys/lent-keys.ts'
import type { Clock } from '../clock.ts'
import type { Forwarding } from '../forward/forwarding.ts'
import type { Renewals, RenewalsParts } from '../renew/renewals.ts'
import { lendRevocation } from '../revoke/lent-revocation.ts'
import type { Revocation } from '../revoke/revocation.ts'

export interface Lent {
  readonly clock: Clock
  readonly fetchJson: KeySourceParts['fetchJson']
  readonly revocation: Revocation
  readonly assertions: Forwarding['assertions']
  /** What stages are given beside their usual parts: keys of issuers and of renewal, counted failures, known tokens. */
  readonly parts: Required<Pick<AuthenticationParts, 'replaceKeys' | 'isCached'> & Pick<RenewalsParts, 'keysOf'>> &
    Pick<AdmissionStage, 'failureLimit'>
}

export interface LenderParts extends Pick<Lent, 'clock' | 'fetchJson' | 'revocation'> {
  readonly authentication: Pick<Authentication, 'authenticator' | 'issuers'>
  readonly admission: Pick<AdmissionStage, 'failureLimit'>
  readonly renewals: Pick<Renewals, 'keysOf'>
  readonly forwarding: Pick<Forwarding, 'assertions'>
}

/** For one question. */
export function lend({ authentication, admission, renewals, forwarding, ...rest }: LenderParts): Lent {
  const { issuers, authenticator } = authentication
  const { failureLimit } = admission
  const { revocation, clock, fetchJson } = rest
  return {
    clock,
    fetchJson,
    revocation: lendRevocation(revocation),
    assertions: forwarding.assertions,
    parts: {
      replaceKeys(name, create) {
        const running = issuers.find((issuer) => issuer.name === name)
        return running === undefined ? create() : lendKeys(running.keys, create)
      },
      isCached: authenticator.cache.has,
      keysOf: renewals.keysOf,
      failureLimit: failureLimit === undefined ? undefined : lendFailureLimit(failureLimit),
    },
  }
}
