// The successor of a token: a pure function of it, so that every machine makes the same one without a lock.
import type { RenewalOptions } from '../options/issuer/renewal.ts'
import type { Claims } from '../authenticate/auth-result.ts'
import { magnitudeOf } from '../message/json/exact-number.ts'
import { firstIssuedAtOf, firstJtiOf, successorJti } from '../message/session-origin.ts'

/** In seconds. */
export interface SuccessorRules {
  /** 0 for renewal in the grace period alone. */
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
    // The issuer's to say, where it is asked.
    lifetimeSec: lifetime === undefined ? Infinity : lifetime / 1000,
    maxSessionSec: maxSession / 1000,
  }
}

/** When a session began: of what its first token says, what cannot move when it is renewed. Undefined: nobody knows. */
export function sessionStartOf({ auth_time: authTime, iat }: Claims): number | undefined {
  const start = magnitudeOf(authTime === undefined ? iat : authTime)
  return start === undefined ? undefined : Math.floor(start)
}

/** From when on a token may be renewed; Infinity when it has no end. */
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

/** A claim that only renewal reads, and cannot use: the token is as good as any other, and has no successor. */
export function unfitClaim(claims: Claims): string | undefined {
  const authTime = claims['auth_time']
  const seconds = magnitudeOf(authTime) ?? Number.NaN
  if (authTime !== undefined && !(seconds >= 0 && seconds <= LAST_SECOND)) return 'auth_time'
  return NAMES.find((name) => {
    const value = claims[name]
    return value !== undefined && (typeof value !== 'string' || value === '')
  })
}

/** Undefined where a token has no successor: it does not say when it ends or when its session began, or the session ends with it. */
export function successorTimes(claims: Claims, rules: SuccessorRules): SuccessorTimes | undefined {
  const exp = magnitudeOf(claims['exp'])
  const startedAtSec = sessionStartOf(claims)
  if (startedAtSec === undefined || exp === undefined || unfitClaim(claims) !== undefined) return undefined
  // Not before the token itself: whoever blocks what was issued before some moment must not meet the successors of later tokens.
  const issuedAtSec = Math.max(dueSecOf(claims, rules), Math.floor(magnitudeOf(claims['iat']) ?? 0))
  // A session that begins later than the successor is issued is a lie about one of both.
  if (startedAtSec > issuedAtSec) return undefined
  const expiresAtSec = Math.min(issuedAtSec + rules.lifetimeSec, startedAtSec + rules.maxSessionSec)
  return expiresAtSec > exp ? { startedAtSec, issuedAtSec, expiresAtSec } : undefined
}

/**
 * The claims of S(T). Nothing but the token and the configuration goes in: no clock, no random number, no store.
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
    // unfitClaim: it is text, or is not there.
    jti: successorJti(firstJtiOf((claims['jti'] as string | undefined) ?? own), own),
    origin_iat: Math.floor(firstIssuedAtOf(claims) ?? times.startedAtSec),
    sid: claims['sid'] ?? tokenId,
    auth_time: times.startedAtSec,
    renewed_from: tokenId,
  }
}
