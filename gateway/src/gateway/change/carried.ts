// Says of what each part of a generation is made, so that it is carried to the next one where that is the same.
import { createFailureLimit, type FailureLimit } from '../../accept/failure-limit.ts'
import type { AuthenticationParts } from '../../authenticate/authentication.ts'
import type { KeySource } from '../../authenticate/keys/key-source.ts'
import { createRemembered, type Remembered } from '../../authenticate/cache/remembered.ts'
import type { Clock, Schedule } from '../../clock.ts'
import { claimFieldsOf } from '../../forward/headers/claim-fields.ts'
import type { ForwardingParts } from '../../forward/forwarding.ts'
import type { Upstream } from '../../forward/upstream/upstream.ts'
import type { Log } from '../../observe/log.ts'
import type { Config } from '../../options/config.ts'
import type { Renewals, RenewalsParts } from '../../renew/renewals.ts'
import { redisAddressOf } from '../../revoke/stores/create-store.ts'
import { boundTokenCache } from '../bound-token-cache.ts'
import { meetingPlaceOf, type RedisMeetingPlace } from '../redis-meeting-place.ts'
import { carryAssertions } from './carried-assertions.ts'
import type { Carrying } from './carrying.ts'
import { issuerFiles } from './issuer-files.ts'

type IssuerConfig = Config['issuers'][number]

/** What makes the tokens that are known, beside their issuers: the headers that each was made to, and the caches themselves. */
export function tokenFacts(config: Config) {
  const { tokens, limits, authResult } = config
  return { cache: tokens.cache, tokenBytes: limits.tokenBytes, authResult, claimFields: claimFieldsOf(config) }
}

/** Of two issuers with one `iss` the first that has the algorithm counts. */
function comesAfter({ issuers }: Config, { name, issuer }: IssuerConfig) {
  const before = issuers.slice(
    0,
    issuers.findIndex((other) => other.name === name),
  )
  return before.filter((other) => other.issuer === issuer).map(({ algorithms }) => algorithms)
}

function meetingFacts({ issuers, revocation: { store, keyPrefix } }: Config) {
  const isNeeded = issuers.some(({ renewal }) => renewal?.endpoint !== undefined)
  return isNeeded && store !== 'memory' && 'redis' in store ? { address: redisAddressOf(store), keyPrefix } : undefined
}

/** Undefined for an issuer that is not there. `shared`: made once for all issuers, as it looks at every route. */
export function issuerFacts(config: Config, name: string, shared: ReturnType<typeof tokenFacts>) {
  const issuer = config.issuers.find((one) => one.name === name)
  if (issuer === undefined) return undefined
  const meeting = issuer.renewal?.endpoint === undefined ? undefined : meetingFacts(config)
  const { watch, tokens } = config
  const after = comesAfter(config, issuer)
  return { issuer, ...shared, files: issuerFiles([issuer]), from: tokens.from, watch, meeting, after }
}

interface IdentityParts {
  readonly clock: Clock
  readonly schedule: Schedule
  readonly heapBytes?: number
  readonly log: Log
}

export interface CarriedIdentity {
  readonly remembered: Remembered
  readonly takeIssuer: NonNullable<AuthenticationParts['takeIssuer']>
  readonly takeRenewal: NonNullable<RenewalsParts['takeRenewal']>
  readonly meetingPlace: RedisMeetingPlace | undefined
}

/**
 * Who is let in. An issuer of which nothing changed is the same object, and so are the tokens known to be good for it; one that
 * changed is another, for which no token is known.
 */
export function carryIdentity(
  config: Config,
  carrying: Carrying,
  { clock, schedule, heapBytes, log }: IdentityParts,
): CarriedIdentity {
  const shared = tokenFacts(config)
  const remembered = carrying.take('known tokens', shared, () =>
    createRemembered(boundTokenCache(config, heapBytes, log).tokens.cache, clock),
  )
  const createPlace = () => meetingPlaceOf(config, { clock, schedule })
  const closePlace = (place: RedisMeetingPlace | undefined) => place?.close()
  return {
    remembered,
    takeIssuer: (name, compile) =>
      carrying.take(`issuer ${name}`, issuerFacts(config, name, shared), compile, (issuer) => {
        remembered.caches.forget(issuer)
      }),
    takeRenewal: (name, make) => carrying.take(`renewal of ${name}`, issuerFacts(config, name, shared), make),
    meetingPlace: carrying.take('meeting place', meetingFacts(config), createPlace, closePlace),
  }
}

/** What makes the keys of an issuer, beside those that the gateway itself signs with. */
export function keyFacts(config: IssuerConfig | undefined, watch: boolean) {
  const { keys, algorithms, weakKeys, issuer } = config ?? {}
  const files = config === undefined ? [] : issuerFiles([config])
  return { keys, algorithms, weakKeys, issuer, watch, files }
}

/** Fetched keys, and when they were fetched, stay with an issuer whose rules for tokens change. */
export function carryKeys(
  { issuers, watch }: Config,
  { byIssuer }: Pick<Renewals, 'byIssuer'>,
  carrying: Carrying,
): AuthenticationParts['replaceKeys'] {
  return (name, create) => {
    const config = issuers.find((issuer) => issuer.name === name)
    const facts = { ...keyFacts(config, watch), own: byIssuer.get(name)?.verificationKeys }
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
