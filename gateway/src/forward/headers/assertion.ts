// Signs what upstreams are told of a caller: a token of the gateway, made once for each token and upstream while it lasts.
import type { AuthResult, Claims, JsonValue } from '../../authenticate/auth-result.ts'
import type { Clock } from '../../clock.ts'
import type { Config } from '../../options/config.ts'
import type { GatewayResponse } from '../../message/client-exchange.ts'
import { createRecentMap } from './recent-map.ts'

export type AssertionConfig = NonNullable<Config['assertion']>

/** Returns the assertion for a caller with a token, as long as it lasts the same one. */
export type Assert = (caller: AuthResult) => string

export interface Assertions {
  /** By the name of an upstream; undefined where it gets none. */
  readonly forUpstream: (upstream: string) => Assert | undefined
  readonly published: readonly PublishedPath[]
}

/** A path at which the gateway answers with its public keys. */
export interface PublishedPath {
  readonly path: string
  readonly answer: (response: GatewayResponse, requestId: string) => void
}

export interface AssertionParts {
  readonly clock: Clock
  /** Returns a signed token of this type. */
  readonly sign: (claims: Claims, typ: string) => string
  readonly published: readonly PublishedPath[]
  /** For the assertions that are kept, of each audience. */
  readonly maxBytes: number
}

/** RFC 8725 section 3.11: of another type than tokens of clients, so that neither passes for the other. */
const TYPE = 'assertion+jwt'

/** What is left of an assertion when it is made anew: the time that a request may spend on its way. */
const MARGIN_SEC = 30
const MOST_MARGIN = 1 / 4

/** What the gateway says itself. */
export const OWN_CLAIMS: ReadonlySet<string> = new Set([
  ...['iss', 'aud', 'sub', 'sub_id', 'iat', 'exp', 'nbf', 'jti', 'txn', 'act', 'cnf'],
])

interface Made {
  readonly value: string
  readonly freshUntilSec: number
}

type Told = Readonly<Record<string, JsonValue>>

/** Only what is there: a member that is undefined has no JSON. */
function present(members: Readonly<Record<string, JsonValue | undefined>>): Told {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Told
}

function copied(claims: Claims, names: readonly string[]): Told {
  return Object.fromEntries(
    names.filter((name) => Object.hasOwn(claims, name)).map((name) => [name, claims[name] ?? null]),
  )
}

/** Who calls. Two issuers may know different people by one sub, so the issuer is told with it (RFC 9493 section 3.2.5). */
function subjectOf({ subject, issuerId }: AuthResult): Told {
  return subject === undefined ? {} : { sub: subject, sub_id: { format: 'iss_sub', iss: issuerId, sub: subject } }
}

/** `exp` of the token; in the time for which it is tolerated after that, the end of this time. */
function endOf({ expiresAtSec, validUntilSec }: AuthResult, nowSec: number): number {
  return Math.floor(nowSec < Math.floor(expiresAtSec) ? expiresAtSec : validUntilSec)
}

function createAssert(
  { issuer, lifetime, claims: names }: AssertionConfig,
  audience: string,
  { sign, clock, maxBytes }: AssertionParts,
): Assert {
  const lifetimeSec = lifetime / 1000
  const made = createRecentMap<AuthResult, Made>(maxBytes)

  function make(caller: AuthResult, nowSec: number): Made {
    const { claims, tokenId } = caller
    const iat = Math.floor(nowSec)
    const lastSec = endOf(caller, nowSec)
    const exp = Math.min(iat + lifetimeSec, lastSec)
    const { txn, act } = claims
    const told = {
      ...copied(claims, names),
      ...present({ iss: issuer, aud: audience, iat, exp, txn: txn ?? tokenId, act }),
      ...subjectOf(caller),
    }
    const margin = exp === lastSec ? 0 : Math.min(MARGIN_SEC, (exp - iat) * MOST_MARGIN)
    return { value: sign(told, TYPE), freshUntilSec: exp - margin }
  }

  return (caller) => {
    const nowSec = clock.now() / 1000
    const known = made.get(caller)
    if (known !== undefined && nowSec < known.freshUntilSec) return known.value
    const next = make(caller, nowSec)
    made.set(caller, next, next.value.length)
    return next.value
  }
}

export function createAssertions(options: AssertionConfig, parts: AssertionParts): Assertions {
  const { audiences } = options
  const byAudience = new Map<string, Assert>()
  return {
    published: parts.published,
    forUpstream(upstream) {
      const audience = Object.hasOwn(audiences, upstream) ? audiences[upstream] : upstream
      if (audience === undefined || audience === false) return undefined
      const assert = byAudience.get(audience) ?? createAssert(options, audience, parts)
      byAudience.set(audience, assert)
      return assert
    },
  }
}
