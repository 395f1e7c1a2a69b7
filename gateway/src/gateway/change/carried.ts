// Says of what each part of a generation is made, so that it is carried to the next one where that is the same.
import { createFailureLimit, type FailureLimit } from '../../accept/failure-limit.ts'
import type { Authentication, AuthenticationParts } from '../../authenticate/authentication.ts'
import type { KeySource } from '../../authenticate/keys/key-source.ts'
import type { Clock } from '../../clock.ts'
import { claimFieldsOf } from '../../forward/headers/claim-headers.ts'
import type { ForwardingParts } from '../../forward/forwarding.ts'
import type { Upstream } from '../../forward/upstream/upstream.ts'
import type { Config } from '../../options/config.ts'
import type { Renewals } from '../../renew/renewals.ts'
import { carryAssertions } from './carried-assertions.ts'
import { carry, type CarriedParts, type Carrying } from './carrying.ts'
import { issuerFiles } from './issuer-files.ts'

/** Who is let in: issuers with their keys and renewal, and the tokens that are known. */
export interface Identity {
  readonly authentication: Authentication
  readonly renewals: Renewals
  readonly meetingPlace: { close(): void } | undefined
  /** The key sources in it, which the next one may carry on by themselves. */
  readonly keys: CarriedParts
}

/**
 * Known tokens are carried as a whole: they are bound to their issuers, the rules of these, and the header that each was made to.
 * Where one issuer changes, the tokens of all are verified once more.
 */
export function carryIdentity(
  config: Config,
  carrying: Carrying,
  join: (keys: Carrying) => Omit<Identity, 'keys'>,
): Identity {
  const { issuers, tokens, limits, authResult, proxy, revocation, watch } = config
  const { tokenBytes } = limits
  const [files, claimFields] = [issuerFiles(issuers), claimFieldsOf(config)]
  return carrying.take<Identity>(
    'identity',
    { issuers, tokens, tokenBytes, authResult, claimFields, proxy, revocation, watch, files },
    (before) => carry(before?.keys, (keys) => ({ ...join(keys), keys })),
    async ({ meetingPlace, keys }) => {
      meetingPlace?.close()
      await keys.release()
    },
  )
}

/** Fetched keys, and when they were fetched, stay with an issuer whose rules for tokens change. */
export function carryKeys(
  { issuers, watch }: Config,
  { byIssuer }: Pick<Renewals, 'byIssuer'>,
  carrying: Carrying,
): AuthenticationParts['replaceKeys'] {
  return (name, create) => {
    const config = issuers.find((issuer) => issuer.name === name)
    const { keys, algorithms, weakKeys, issuer } = config ?? {}
    const facts = {
      ...{ keys, algorithms, weakKeys, issuer, watch },
      own: byIssuer.get(name)?.verificationKeys,
      files: config === undefined ? [] : issuerFiles([config]),
    }
    return carrying.take<KeySource>(`keys of ${name}`, facts, create, (source) => {
      source.stop()
    })
  }
}

export function carryFailureLimit(
  { limits: { authFailures } }: Config,
  carrying: Carrying,
  clock: Clock,
): FailureLimit | undefined {
  return carrying.take('failure limit', authFailures, () =>
    authFailures === undefined ? undefined : createFailureLimit(authFailures, clock),
  )
}

/** With its connections, and what is known of the health of its targets. */
function carryUpstreams(carrying: Carrying): ForwardingParts['takeUpstream'] {
  return (name, facts, create) =>
    carrying.take<Upstream>(`upstream ${name}`, facts, create, (upstream) => upstream.close())
}

export function carryForwarding(
  config: Config,
  carrying: Carrying,
  sources: Parameters<typeof carryAssertions>[2],
): Pick<ForwardingParts, 'takeUpstream' | 'assertions'> {
  return { takeUpstream: carryUpstreams(carrying), assertions: carryAssertions(config, carrying, sources) }
}
