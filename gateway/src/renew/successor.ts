// The successor of a token: a pure function of it, so that every machine makes the same one and none needs a lock.
import type { RenewalOptions } from './options.ts'
import type { Claims } from '../authenticate/auth-result.ts'

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
  const start = authTime ?? iat
  return typeof start === 'number' ? Math.floor(start) : undefined
}

/** From when on a token may be renewed; Infinity when it has no end. */
export function dueSecOf({ exp }: Claims, { windowSec }: Pick<SuccessorRules, 'windowSec'>): number {
  return typeof exp === 'number' ? Math.floor(exp) - windowSec : Infinity
}

interface SuccessorTimes {
  readonly startedAtSec: number
  readonly issuedAtSec: number
  readonly expiresAtSec: number
}

/** Whether all claims can be copied: a number that JavaScript cannot hold would come out as another one, signed by us. */
export function isCopyable(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value)
  return typeof value !== 'object' || value === null || Object.values(value).every(isCopyable)
}

/** Undefined where a token has no successor: it does not say when it ends or when its session began, or the session ends with it. */
export function successorTimes(claims: Claims, rules: SuccessorRules): SuccessorTimes | undefined {
  const { exp, iat } = claims
  const startedAtSec = sessionStartOf(claims)
  if (startedAtSec === undefined || typeof exp !== 'number') return undefined
  // Not before the token itself: whoever blocks what was issued before some moment must not meet the successors of later tokens.
  const issuedAtSec = Math.max(dueSecOf(claims, rules), typeof iat === 'number' ? Math.floor(iat) : 0)
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
  return {
    ...claims,
    iat: times.issuedAtSec,
    exp: times.expiresAtSec,
    jti: jtiOf(tokenId),
    sid: claims['sid'] ?? tokenId,
    auth_time: times.startedAtSec,
    renewed_from: tokenId,
  }
}
