// Creates the authenticate stage: for each route, the functions that find, authenticate and strip tokens.
import { anonymousResult, type AuthResult, type IdentityHeaders } from './auth-result.ts'
import { createAuthenticator, type Authenticator, type AuthenticatorParts } from './authenticate.ts'
import { compileIssuers, type IssuersParts, type TrustedIssuer } from './issuers.ts'
import { createCookieClearing, type ClearCookies, type CookieSlot } from './locations/cookie-clearing.ts'
import { createTokenLocation } from './locations/create-location.ts'
import { createTokenFinder } from './locations/find-token.ts'
import type { FoundToken, StripToken, TokenCarrier, TokenLocation } from './locations/location.ts'
import { createStripSuperseded, createStripTokens } from './locations/strip-tokens.ts'
import { createSettle, createSettleAny } from './one-session.ts'
import { Failure } from '../failure.ts'
import type { PeerTrust } from '../message/trusted-proxies.ts'
import type { Config } from '../options/config.ts'
import { AUTH_MODES, type AuthRules } from '../options/route/auth-modes.ts'

export interface AuthenticationParts
  extends
    Omit<IssuersParts, 'renewals'>,
    Pick<AuthenticatorParts, 'clock' | 'remembered' | 'encodeResult' | 'blockList'> {
  /** Renewals by name of the issuer. */
  readonly renewals: NonNullable<IssuersParts['renewals']>
  /** The cookies that successors are set in. */
  readonly renewedCookies: readonly CookieSlot[]
  /** What upstreams are told of a caller without a token. */
  readonly anonymousHeaders: IdentityHeaders
  /** Returns a failure while the block list is unavailable (`onStoreDown: refuse`). Undefined: tokens are accepted then. */
  readonly refusal: (() => Failure | undefined) | undefined
  /** True for the address of a trusted proxy. */
  readonly isTrusted: PeerTrust
  /** Whether a token was verified before. Left out: as the caches of this stage tell. */
  readonly isCached?: Identification['isCached'] | undefined
}

/** Finds and authenticates the token of a request. Shared by all routes with the same action. */
export interface Identification {
  readonly findToken: (carrier: TokenCarrier) => FoundToken | Failure | undefined
  /** Chooses among several token cookies (one-session.ts). */
  readonly settle: (rivals: readonly FoundToken[], issuers: readonly TrustedIssuer[]) => FoundToken | Failure
  readonly authenticate: Authenticator['authenticate']
  /** True when the token is cached, so that authenticating it needs no signature check. */
  readonly isCached: (token: string) => boolean
}

/** The demands of one route on tokens. */
export interface AuthenticationPolicy {
  readonly auth: AuthRules
  readonly identification: Identification
  readonly issuers: readonly TrustedIssuer[]
}

export interface Authentication {
  policyOf(route: Pick<Config['routes'][number], 'action' | 'auth' | 'issuers'>): AuthenticationPolicy
  readonly anonymous: AuthResult
  readonly authenticator: Authenticator
  readonly issuers: readonly TrustedIssuer[]
  readonly locations: readonly TokenLocation[]
  /** Lower-case names of the request headers that may hold tokens. */
  readonly tokenHeaders: readonly string[]
  /** Strips tokens from forwarded requests; undefined when they are forwarded. */
  readonly strip: StripToken | undefined
  readonly stripSuperseded: (superseded: readonly string[]) => StripToken
  readonly clearCookies: ClearCookies
  /** Returns the caller of a token, expired and blocked ones too; undefined for an invalid token. */
  callerOf(token: string): AuthResult | undefined
  /** Verifies a token of this issuer without caches. */
  verify(token: string, issuerName: string): ReturnType<Authenticator['verify']>
  /** Fetches the keys of all issuers. Resolves when all fetches have ended, successful or not. */
  loadKeys(): Promise<void>
  stop(): void
}

type RoutePolicySource = Parameters<Authentication['policyOf']>[0]

/** Creates the identification of forwarded requests, and that of log-outs (`action: revoke`). */
function createIdentifications(
  { authenticate, recognise, cache }: Authenticator,
  locations: readonly TokenLocation[],
  { refusal, isCached = cache.has }: Pick<AuthenticationParts, 'refusal' | 'isCached'>,
): Readonly<Record<NonNullable<RoutePolicySource['action']> | 'forward', Identification>> {
  function withList(judge: Authenticator['authenticate']): Authenticator['authenticate'] {
    return refusal === undefined ? judge : (token, accepted, trace) => refusal() ?? judge(token, accepted, trace)
  }
  const forward: Identification = {
    findToken: createTokenFinder(locations),
    settle: createSettle(recognise),
    authenticate: withList(authenticate),
    isCached,
  }
  /** A log-out accepts an ended token: a second tab may repeat it, and a client may return after the expiry. */
  const revoke: Identification = {
    ...forward,
    settle: createSettleAny(recognise),
    authenticate: withList((token, accepted, trace) => {
      const recognised = recognise(token, accepted, trace)
      return recognised instanceof Failure ? recognised : recognised.result
    }),
  }
  return { forward, revoke }
}

/** Routes that name the same issuers share one list, which helps the processor's cache (decision 0018). */
function createIssuersOf(issuers: readonly TrustedIssuer[]) {
  const lists = new Map<string, readonly TrustedIssuer[]>()
  return function issuersOf({ issuers: names }: RoutePolicySource): readonly TrustedIssuer[] {
    if (names === undefined) return issuers
    const key = JSON.stringify(names)
    const list = lists.get(key) ?? issuers.filter(({ name }) => names.includes(name))
    lists.set(key, list)
    return list
  }
}

/** Creates the stage, without fetching keys. Throws CannotStart when local keys cannot be used. */
export function createAuthentication(
  { tokens, issuers: issuerConfigs, limits }: Pick<Config, 'tokens' | 'issuers' | 'limits'>,
  parts: AuthenticationParts,
): Authentication {
  const authenticator = createAuthenticator({ ...parts, cache: tokens.cache, maxTokenBytes: limits.tokenBytes })
  const issuers = compileIssuers(issuerConfigs, parts)
  const issuersOf = createIssuersOf(issuers)
  const locations = tokens.from.map(createTokenLocation)
  const identifications = createIdentifications(authenticator, locations, parts)

  return {
    policyOf: (route) => ({
      auth: AUTH_MODES[route.auth],
      identification: identifications[route.action ?? 'forward'],
      issuers: issuersOf(route),
    }),
    anonymous: anonymousResult(parts.anonymousHeaders),
    authenticator,
    issuers,
    locations,
    tokenHeaders: [...new Set(locations.flatMap(({ header }) => header ?? []))],
    strip: createStripTokens(locations, tokens.forward),
    stripSuperseded: createStripSuperseded(locations),
    clearCookies: createCookieClearing({
      cookies: locations.flatMap(({ cookie }) => cookie ?? []),
      delivered: parts.renewedCookies,
      isTrusted: parts.isTrusted,
    }),
    callerOf(token) {
      const recognised = authenticator.recognise(token, issuers)
      return recognised instanceof Failure ? undefined : recognised.result
    },
    verify: (token, issuerName) =>
      authenticator.verify(
        token,
        issuers.filter(({ name }) => name === issuerName),
        parts.clock.now() / 1000,
      ),
    async loadKeys() {
      await Promise.all(issuers.flatMap(({ keys }) => (keys.remote === undefined ? [] : [keys.remote.start()])))
    },
    stop() {
      for (const { keys } of issuers) keys.stop()
    },
  }
}
