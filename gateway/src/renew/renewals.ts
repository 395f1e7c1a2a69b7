// Creates the renew stage: compiles the renewal of each issuer for authentication, responses and streams.
import type { AuthResult, RenewedToken } from '../authenticate/auth-result.ts'
import type { RenewalPart } from '../authenticate/issuers.ts'
import type { Clock, Schedule } from '../clock.ts'
import { Failure } from '../failure.ts'
import type { CookieSlot } from '../authenticate/locations/cookie-clearing.ts'
import type { Config } from '../options/config.ts'
import type { BlockList } from '../revoke/block-list.ts'
import { createDelivery } from './delivery.ts'
import { createEndpoint, type AskIssuer, type Endpoint } from './endpoint.ts'
import { publishedKeySets, type PublishedKey, type PublishedKeySet } from './signing/publish-keys.ts'
import { createRenewal, type RenewalEvents } from './renew.ts'
import { createSessionLife } from './session-life.ts'
import { createSharedAnswer, type MeetingPlace } from './shared-answer.ts'
import { readRenewalKeys, type RenewalConfig, type RenewalKeys } from './signing-keys.ts'

/** Margin of a lease over the timeout of a request to the issuer. */
const LEASE_MORE_MS = 2000

type IssuerConfig = Config['issuers'][number]

/** What renews the tokens of one issuer. */
export interface Renewing {
  readonly name: string
  readonly options: RenewalConfig
  readonly delivery: ReturnType<typeof createDelivery>
  readonly renewal: ReturnType<typeof createRenewal>
  readonly keys: RenewalKeys
}

export interface RenewalsParts {
  readonly clock: Clock
  readonly askIssuer: AskIssuer
  /** The store that machines share; left out without one. */
  readonly meeting?: { readonly place: MeetingPlace; readonly schedule: Schedule } | undefined
  readonly blockList: Pick<BlockList, 'add' | 'get' | 'find'>
  /** Verifies a token of this issuer as the gateway would now. */
  readonly verify: (token: string, issuer: string) => { readonly result: AuthResult } | Failure
  /** The keys of an issuer that were read before; left out, they are read from the config. */
  readonly keysOf?: ((issuer: string) => RenewalKeys | undefined) | undefined
  /** Returns what renewed the tokens of an issuer before, where nothing of it changed, or what `create` makes. */
  readonly takeRenewal?: ((issuer: string, create: () => Renewing) => Renewing) | undefined
  readonly events: { eventsFor(issuer: string): RenewalEvents; readonly onDelivered: (caller: AuthResult) => void }
}

export interface Renewals {
  /** Renewals for authentication, by name of the issuer. */
  readonly byIssuer: ReadonlyMap<string, RenewalPart>
  /** The renewal keys of an issuer, by name; undefined when it renews no tokens. */
  readonly keysOf: (issuer: string) => RenewalKeys | undefined
  /** The published keys that verify successors. */
  readonly published: readonly PublishedKeySet[]
  /** Called when a response has delivered the successor of this caller's token. */
  readonly onDelivered: (caller: AuthResult) => void
  /** The cookies of successors. */
  readonly cookies: readonly CookieSlot[]
  /** Returns the successor of a due token for its open stream. Undefined when no issuer has `renewal.stream: event`. */
  readonly successorOnStream: ((caller: AuthResult, wallMs: number) => RenewedToken | undefined) | undefined
}

/** Creates the stage. Throws CannotStart, with the name of the issuer, when a signing key cannot be used. */
export function createRenewals(
  { issuers, tokens, limits }: Pick<Config, 'issuers' | 'tokens' | 'limits'>,
  parts: RenewalsParts,
): Renewals {
  const { takeRenewal = (_issuer, create) => create() } = parts
  const renewing = issuers.flatMap((issuer, index) => {
    const { name, renewal: options } = issuer
    if (options === undefined) return []
    return takeRenewal(name, () => renewalOf({ ...issuer, renewal: options }, index, { tokens, limits }, parts))
  })
  const byIssuer = new Map(
    renewing.map(({ name, renewal, keys }) => [
      name,
      { renewal, verificationKeys: keys.verifying.map(({ verificationKey }) => verificationKey) },
    ]),
  )
  const life = createSessionLife(parts.blockList)

  function successorOnStream(caller: AuthResult, wallMs: number): RenewedToken | undefined {
    const { issuer, renewal: state } = caller
    if (state === undefined || state.raw === '' || wallMs / 1000 < state.dueSec) return undefined
    // The stream of a blocked caller is about to end.
    const blocked = parts.blockList.find(caller, wallMs / 1000)
    if (blocked !== undefined && blocked.reason !== 'renewed') return undefined
    byIssuer.get(issuer)?.renewal.renew({ raw: state.raw, result: caller }, state, wallMs / 1000)
    return state.successor?.cookie === undefined ? state.successor : undefined
  }

  return {
    byIssuer,
    keysOf: (issuer) => renewing.find(({ name }) => name === issuer)?.keys,
    published: publishedKeySets(renewing.flatMap(toBePublished), 'renewal_keys'),
    cookies: renewing.flatMap(({ delivery }) => delivery.cookie ?? []),
    successorOnStream: renewing.some(({ options }) => options.stream === 'event') ? successorOnStream : undefined,
    onDelivered(caller) {
      life.onDelivered(caller)
      parts.events.onDelivered(caller)
    },
  }
}

function renewalOf(
  { name, clockTolerance, renewal: options }: IssuerConfig & { readonly renewal: RenewalConfig },
  index: number,
  { tokens, limits }: Pick<Config, 'tokens' | 'limits'>,
  parts: RenewalsParts,
): Renewing {
  const keys = parts.keysOf?.(name) ?? readRenewalKeys({ options, issuer: name, index })
  const delivery = createDelivery(options.deliver, tokens.from)
  const renewal = createRenewal({
    options,
    clockToleranceSec: clockTolerance / 1000,
    maxTokenBytes: limits.tokenBytes,
    delivery,
    maker: keys.signer ?? endpointOf(options, parts),
    verify(token) {
      const verified = parts.verify(token, name)
      return verified instanceof Failure ? verified : verified.result
    },
    blockList: parts.blockList,
    events: parts.events.eventsFor(name),
  })
  return { name, options, delivery, renewal, keys }
}

/** Creates the endpoint of an issuer that makes successors itself. */
function endpointOf(
  { endpoint = '', timeout, maxRequests }: RenewalConfig,
  { meeting, clock, askIssuer }: RenewalsParts,
): Endpoint {
  return createEndpoint({
    askIssuer,
    clock,
    url: endpoint,
    timeoutMs: timeout,
    maxRequests,
    sharedAnswer:
      meeting === undefined ? undefined : createSharedAnswer({ ...meeting, clock, leaseMs: timeout + LEASE_MORE_MS }),
  })
}

function toBePublished({
  options: { jwksPath },
  keys,
}: {
  readonly options: RenewalConfig
  readonly keys: RenewalKeys
}): readonly PublishedKey[] {
  if (jwksPath === undefined) return []
  return keys.verifying.flatMap(({ publicKey }) =>
    publicKey === undefined ? [] : [{ path: jwksPath, key: publicKey }],
  )
}
