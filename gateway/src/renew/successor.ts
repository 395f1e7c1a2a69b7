// The claims of a successor, a pure function of the old token, so that every machine makes the same one without a lock.
import type { RenewalOptions } from '../options/issuer/renewal.ts'
import type { Claims } from '../authenticate/auth-result.ts'
import { magnitudeOf } from '../message/json/exact-number.ts'
import { firstIssuedAtOf, firstJtiOf, successorJti } from '../message/session-origin.ts'

/** The rules for successors. Times are in seconds. */
export interface SuccessorRules {
  /** Time before `exp` in which a token is due; 0 for renewal in the grace period only. */
  readonly windowSec: number
  readonly lifetimeSec: number
  readonly maxSessionSec: number
}

export function successorRulesOf({
  strategy,
  window,
  lifetime,
  maxSession,
}: Pick<RenewalOptions, 'strategy' | 'window' | 'lifetime' | 'maxSession'>): SuccessorRules {
  return {
    windowSec: strategy === 'grace' ? 0 : (window ?? 0) / 1000,
    // Infinity when the issuer makes successors and decides their lifetime.
    lifetimeSec: lifetime === undefined ? Infinity : lifetime / 1000,
    maxSessionSec: maxSession / 1000,
  }
}

/** Returns when the session began: `auth_time`, which renewal keeps, or `iat` of a first token. Undefined: not known. */
export function sessionStartOf({ auth_time: authTime, iat }: Claims): number | undefined {
  const start = magnitudeOf(authTime === undefined ? iat : authTime)
  return start === undefined ? undefined : Math.floor(start)
}

/** Returns when a token becomes due; Infinity without `exp`. */
export function dueSecOf({ exp }: Claims, { windowSec }: Pick<SuccessorRules, 'windowSec'>): number {
  return Math.floor(magnitudeOf(exp) ?? Infinity) - windowSec
}

interface SuccessorTimes {
  readonly startedAtSec: number
  readonly issuedAtSec: number
  readonly expiresAtSec: number
}

// 9999-12-31, as for exp, nbf and iat.
const LAST_SECOND = 253_402_300_799
const NAMES = ['jti', 'sid', 'renewed_from'] as const

/** Returns the name of a claim that renewal cannot use. The token itself stays valid, but has no successor. */
export function unfitClaim(claims: Claims): string | undefined {
  const authTime = claims['auth_time']
  const seconds = magnitudeOf(authTime) ?? Number.NaN
  if (authTime !== undefined && !(seconds >= 0 && seconds <= LAST_SECOND)) return 'auth_time'
  return NAMES.find((name) => {
    const value = claims[name]
    return value !== undefined && (typeof value !== 'string' || value === '')
  })
}

/** Returns the times of the successor. Undefined without `exp` or a session start, or when the session ends with the token. */
export function successorTimes(claims: Claims, rules: SuccessorRules): SuccessorTimes | undefined {
  const exp = magnitudeOf(claims['exp'])
  const startedAtSec = sessionStartOf(claims)
  if (startedAtSec === undefined || exp === undefined || unfitClaim(claims) !== undefined) return undefined
  // Not before the token itself: a cut-off that spares a token must also spare its successor.
  const issuedAtSec = Math.max(dueSecOf(claims, rules), Math.floor(magnitudeOf(claims['iat']) ?? 0))
  // A session cannot begin after the issue of the successor.
  if (startedAtSec > issuedAtSec) return undefined
  const expiresAtSec = Math.min(issuedAtSec + rules.lifetimeSec, startedAtSec + rules.maxSessionSec)
  return expiresAtSec > exp ? { startedAtSec, issuedAtSec, expiresAtSec } : undefined
}

/**
 * Returns the claims of S(T), from the token and the config alone: no clock, no random number, no store.
 * `tokenId` is sha256(header "." payload) of T; `jtiOf` makes an id of it that only the signing key can.
 */
export function successorOf(
  claims: Claims,
  tokenId: string,
  rules: SuccessorRules,
  jtiOf: (tokenId: string) => string,
): Claims | undefined {
  const times = successorTimes(claims, rules)
  if (times === undefined) return undefined
  const own = jtiOf(tokenId)
  return {
    ...claims,
    iat: times.issuedAtSec,
    exp: times.expiresAtSec,
    // A string or undefined, as unfitClaim has checked.
    jti: successorJti(firstJtiOf((claims['jti'] as string | undefined) ?? own), own),
    origin_iat: Math.floor(firstIssuedAtOf(claims) ?? times.startedAtSec),
    sid: claims['sid'] ?? tokenId,
    auth_time: times.startedAtSec,
    renewed_from: tokenId,
  }
}
