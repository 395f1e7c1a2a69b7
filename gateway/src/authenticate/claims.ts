// The checks of a token's claims and type against what its issuer promises (RFC 7519 section 4.1, RFC 8725 section 3).
import type { Claims } from './auth-result.ts'
import type { TokenHeader } from './token-shape.ts'
import { Failure } from '../failure.ts'

/** What an issuer's tokens must look like. Times in seconds. */
export interface ClaimRules {
  readonly audiences: ReadonlySet<string> | undefined
  readonly clockToleranceSec: number
  readonly requiredClaims: readonly string[]
  readonly maxLifetimeSec: number | undefined
  /** Lower case, without `application/`. */
  readonly typ: string | undefined
}

/** When a token counts, in seconds, clock tolerance included: valid while notBeforeSec <= now < notAfterSec. */
export interface Validity {
  readonly notBeforeSec: number
  readonly notAfterSec: number
}

// 9999-12-31: a larger exp is milliseconds by mistake (year 55840), and such a token would never expire.
const LAST_SECOND = 253_402_300_799
const STRING_CLAIMS = ['iss', 'sub', 'jti', 'sid'] as const
const DATE_CLAIMS = ['exp', 'nbf', 'iat', 'auth_time'] as const

function isDate(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && value >= 0 && value <= LAST_SECOND)
}

function isAudience(value: unknown): boolean {
  if (value === undefined || typeof value === 'string') return true
  return Array.isArray(value) && value.every((member) => typeof member === 'string')
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

/** The registered claims have the types of RFC 7519 section 4.1, or are not there. */
function checkTypes(claims: Claims): Failure | undefined {
  for (const name of STRING_CLAIMS) {
    const value = claims[name]
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      return new Failure('claim_invalid', `${name} is not a string, or is empty`)
  }
  for (const name of DATE_CLAIMS) {
    if (!isDate(claims[name])) return new Failure('claim_invalid', `${name} is not a number of seconds since 1970`)
  }
  if (!isAudience(claims['aud'])) return new Failure('claim_invalid', 'aud is neither a string nor an array of strings')
  return undefined
}

function checkRequired(claims: Claims, names: readonly string[]): Failure | undefined {
  for (const name of names) {
    // hasOwn: a required claim named `toString` is not there because every object inherits one.
    if (!Object.hasOwn(claims, name) || isEmpty(claims[name]))
      return new Failure('claim_missing', `${name} is missing or empty`)
  }
  return undefined
}

function checkAudience(claims: Claims, audiences: ReadonlySet<string>): Failure | undefined {
  const aud = claims['aud']
  const named =
    typeof aud === 'string'
      ? audiences.has(aud)
      : Array.isArray(aud) && aud.some((name) => audiences.has(name as string))
  return named
    ? undefined
    : new Failure(
        'audience_mismatch',
        aud === undefined ? 'aud is missing' : 'aud names none of the audiences of this issuer',
      )
}

function checkLifetime({ iat, exp, nbf }: Claims, maxLifetimeSec: number | undefined): Failure | undefined {
  if (typeof exp === 'number') {
    if (typeof iat === 'number' && iat > exp) return new Failure('claim_invalid', 'iat is after exp')
    if (typeof nbf === 'number' && nbf > exp) return new Failure('claim_invalid', 'nbf is after exp')
  }
  if (maxLifetimeSec === undefined) return undefined
  if (typeof iat !== 'number' || typeof exp !== 'number')
    return new Failure('claim_missing', 'maxLifetime needs iat and exp')
  return exp - iat > maxLifetimeSec
    ? new Failure('token_too_old', `it lives ${durationText(exp - iat)}, allowed are ${durationText(maxLifetimeSec)}`)
    : undefined
}

function checkType(header: TokenHeader, typ: string): Failure | undefined {
  // RFC 7515 section 4.1.9: the prefix application/ is optional, case does not count.
  const actual = header.typ?.toLowerCase().replace(/^application\//, '')
  return actual === typ
    ? undefined
    : new Failure('type_mismatch', actual === undefined ? 'its header has no typ' : 'its typ is another one')
}

/** When a token with these claims counts. `iat` in the future makes it as invalid as `nbf` does. */
export function validityOf(claims: Claims, clockToleranceSec: number): Validity {
  const { exp, nbf, iat } = claims
  const start = Math.max(typeof nbf === 'number' ? nbf : 0, typeof iat === 'number' ? iat : 0)
  return {
    notBeforeSec: start - clockToleranceSec,
    notAfterSec: typeof exp === 'number' ? exp + clockToleranceSec : Infinity,
  }
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const

/** `2 d 5 h`: the two largest units that say something. */
export function durationText(seconds: number): string {
  let rest = Math.ceil(seconds)
  const parts: string[] = []
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0 && parts.length < 2) parts.push(`${count} ${unit}`)
  }
  return parts.length === 0 ? '0 s' : parts.join(' ')
}

/** The one check that a remembered token needs again: it is decided by the clock, not by the token alone. */
export function checkTime(validity: Validity, nowSec: number): Failure | undefined {
  if (nowSec >= validity.notAfterSec)
    return new Failure(
      'token_expired',
      `it expired ${durationText(nowSec - validity.notAfterSec)} ago, clock tolerance included`,
    )
  if (nowSec < validity.notBeforeSec) {
    return new Failure(
      'token_not_yet_valid',
      `it will be valid in ${durationText(validity.notBeforeSec - nowSec)}, clock tolerance included`,
    )
  }
  return undefined
}

/**
 * All that an issuer's tokens must say, apart from the time. Failures: claim_invalid, claim_missing, type_mismatch,
 * audience_mismatch, token_too_old.
 */
export function checkClaims(rules: ClaimRules, header: TokenHeader, claims: Claims): Failure | undefined {
  return (
    checkTypes(claims) ??
    checkRequired(claims, rules.requiredClaims) ??
    (rules.typ === undefined ? undefined : checkType(header, rules.typ)) ??
    (rules.audiences === undefined ? undefined : checkAudience(claims, rules.audiences)) ??
    checkLifetime(claims, rules.maxLifetimeSec)
  )
}
