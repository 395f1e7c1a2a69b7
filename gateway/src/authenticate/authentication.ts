// Creates the authenticate stage: for each route, how tokens are found in requests, judged and stripped.
import { anonymousResult, type AuthResult } from './auth-result.ts'
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
  extends Omit<IssuersParts, 'renewals'>, Pick<AuthenticatorParts, 'clock' | 'encodeResult' | 'blockList'> {
  /** By name of the issuer. */
  readonly renewals: NonNullable<IssuersParts['renewals']>
  /** Cookies that renewals set. */
  readonly renewedCookies: readonly CookieSlot[]
  /** Header value for a caller without a token; undefined where none is sent. */
  readonly anonymousHeader: string | undefined
  /** Why no token can be believed now, as nobody knows which are revoked. Left out: they are believed all the same. */
  readonly refusal: (() => Failure | undefined) | undefined
  /** Whether a peer is a proxy whose word about the client counts. */
  readonly isTrusted: PeerTrust
}

/** How the token of a request is found and judged. All routes that do the same share one. */
export interface Identification {
  readonly findToken: (carrier: TokenCarrier) => FoundToken | Failure | undefined
  /** Which of several cookies counts. */
  readonly settle: (rivals: readonly FoundToken[], issuers: readonly TrustedIssuer[]) => FoundToken | Failure
  readonly authenticate: Authenticator['authenticate']
  /** Whether the token was verified before: such a one costs nothing, whoever sends it. */
  readonly isCached: (token: string) => boolean
}

/** What one route asks of tokens. */
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
  /** Names of the request headers that tokens stand in, lower case. */
  readonly tokenHeaders: readonly string[]
  /** Takes tokens out of what goes on; undefined where they stay. */
  readonly strip: StripToken | undefined
  readonly stripSuperseded: (superseded: readonly string[]) => StripToken
  readonly clearCookies: ClearCookies
  /** Whose token this is, ended or not; undefined for what is no good token. */
  callerOf(token: string): AuthResult | undefined
  /** The result for a token of this issuer, decided from scratch and kept nowhere. */
  verify(token: string, issuerName: string): ReturnType<Authenticator['verify']>
  /** Fetches the keys of all issuers; settles when each fetch ended, well or not. */
  loadKeys(): Promise<void>
  stop(): void
}

type RoutePolicySource = Parameters<Authentication['policyOf']>[0]

/** For requests that go on, and for those that log out. */
function createIdentifications(
  { authenticate, recognise, cache }: Authenticator,
  locations: readonly TokenLocation[],
  refusal: AuthenticationParts['refusal'],
): Readonly<Record<NonNullable<RoutePolicySource['action']> | 'forward', Identification>> {
  function withList(judge: Authenticator['authenticate']): Authenticator['authenticate'] {
    return refusal === undefined ? judge : (token, accepted, trace) => refusal() ?? judge(token, accepted, trace)
  }
  const forward: Identification = {
    findToken: createTokenFinder(locations),
    settle: createSettle(recognise),
    authenticate: withList(authenticate),
    isCached: cache.has,
  }
  /** A token need not be live: two tabs may say it, and who comes back late means it as well. */
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

/** Routes that name the same issuers share the list: then it is also the same place in memory. */
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

/** Throws CannotStart when keys that are here already cannot be used. Nothing is fetched yet. */
export function createAuthentication(
  { tokens, issuers: issuerConfigs, limits }: Pick<Config, 'tokens' | 'issuers' | 'limits'>,
  parts: AuthenticationParts,
): Authentication {
  const authenticator = createAuthenticator({ ...parts, cache: tokens.cache, maxTokenBytes: limits.tokenBytes })
  const issuers = compileIssuers(issuerConfigs, parts)
  const issuersOf = createIssuersOf(issuers)
  const locations = tokens.from.map(createTokenLocation)
  const identifications = createIdentifications(authenticator, locations, parts.refusal)

  return {
    policyOf: (route) => ({
      auth: AUTH_MODES[route.auth],
      identification: identifications[route.action ?? 'forward'],
      issuers: issuersOf(route),
    }),
    anonymous: anonymousResult(parts.anonymousHeader),
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
