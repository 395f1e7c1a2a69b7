// Checks the claims and type of a token against the rules of its issuer (RFC 7519 section 4.1, RFC 8725 section 3).
import type { Claims, JsonValue } from '../auth-result.ts'
import type { TokenHeader } from './token-shape.ts'
import { ExactNumber, magnitudeOf } from '../../message/json/exact-number.ts'
import { kindOfValue, mismatch, quoted, quotedList } from '../../message/shown-value.ts'
import { Failure } from '../../failure.ts'

/** What an issuer's tokens must look like. Times in seconds. */
export interface ClaimRules {
  readonly audiences: ReadonlySet<string> | undefined
  readonly clockToleranceSec: number
  readonly requiredClaims: readonly string[]
  readonly maxLifetimeSec: number | undefined
  /** Lower case, without `application/`. */
  readonly typ: string | undefined
  /** What becomes of tokens that are bound to a key of their client. */
  readonly binding: 'refuse' | 'ignore'
}

/** When a token counts, in seconds, clock tolerance included: valid while notBeforeSec <= now < notAfterSec. */
export interface Validity {
  readonly notBeforeSec: number
  readonly notAfterSec: number
}

// 9999-12-31: a larger exp is milliseconds by mistake (year 55840), and such a token would never expire.
const LAST_SECOND = 253_402_300_799
const DATE_CLAIMS = ['exp', 'nbf', 'iat'] as const

function isDate(value: unknown): boolean {
  if (value === undefined) return true
  const seconds = magnitudeOf(value)
  return seconds !== undefined && seconds >= 0 && seconds <= LAST_SECOND
}

/** Times are nobody's secret. */
function dateShown(value: unknown): string {
  const seconds = magnitudeOf(value)
  return seconds === undefined ? kindOfValue(value) : String(seconds)
}

function isAudience(value: unknown): boolean {
  if (value === undefined || typeof value === 'string') return true
  return Array.isArray(value) && value.every((member) => typeof member === 'string')
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && !(value instanceof ExactNumber) && Object.keys(value).length === 0
}

/**
 * What is read here has the types of RFC 7519 section 4.1, or is not there. Nothing else is judged: access tokens of AD FS have an
 * auth_time that is text, and others a sid that is null. `iss` was compared already, where it is looked at.
 */
function checkTypes({ audiences }: ClaimRules, claims: Claims): Failure | undefined {
  const { sub, aud } = claims
  if (sub !== undefined && (typeof sub !== 'string' || sub === ''))
    return new Failure('claim_invalid', `sub is ${kindOfValue(sub)}, and not a string that names somebody`)
  for (const name of DATE_CLAIMS) {
    if (!isDate(claims[name]))
      return new Failure(
        'claim_invalid',
        `${name} is ${dateShown(claims[name])}, and not a number of seconds since 1970`,
      )
  }
  return audiences === undefined || isAudience(aud)
    ? undefined
    : new Failure('claim_invalid', `aud is ${kindOfValue(aud)}, and neither a string nor an array of strings`)
}

/**
 * A token with `cnf` (RFC 7800) is for whoever proves to have a key: DPoP (RFC 9449), a client certificate (RFC 8705). Without that
 * proof it must not pass, or whoever stole it could use it after all. No proof is checked here yet.
 */
function checkBinding({ cnf }: Claims): Failure | undefined {
  if (cnf === undefined || cnf === null) return undefined
  const members = typeof cnf === 'object' ? Object.keys(cnf) : []
  const kind = members.includes('jkt')
    ? 'of DPoP (cnf: jkt)'
    : members.includes('x5t#S256')
      ? 'of a client certificate (cnf: x5t#S256)'
      : '(cnf)'
  return new Failure(
    'binding_unproven',
    `it is bound to a key ${kind}, and no proof of that key is checked here (binding of the issuer)`,
  )
}

/** Which claims a token has is not personal, what they say may be. */
function missing(claims: Claims, name: string): string {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  return `${name} is ${kindOfValue(value)}; the token has ${quotedList(Object.keys(claims)) || 'no claims'}`
}

function checkRequired(claims: Claims, names: readonly string[]): Failure | undefined {
  for (const name of names) {
    // hasOwn: a required claim named `toString` is not there because every object inherits one.
    if (!Object.hasOwn(claims, name) || isEmpty(claims[name]))
      return new Failure('claim_missing', missing(claims, name))
  }
  return undefined
}

function checkAudience(claims: Claims, audiences: ReadonlySet<string>): Failure | undefined {
  const aud = claims['aud']
  const named =
    typeof aud === 'string'
      ? audiences.has(aud)
      : Array.isArray(aud) && aud.some((name) => audiences.has(name as string))
  return named ? undefined : new Failure('audience_mismatch', otherAudience(aud, [...audiences]))
}

/** Its type was checked before. */
function otherAudience(aud: unknown, wanted: readonly string[]): string {
  const actual = typeof aud === 'string' ? [aud] : Array.isArray(aud) ? (aud as readonly string[]) : undefined
  return actual === undefined
    ? `aud is ${kindOfValue(aud)}, wanted is ${wanted.length > 1 ? 'one of ' : ''}${quotedList(wanted)}`
    : mismatch('aud', actual, wanted, 'an audience of this issuer')
}

function checkLifetime(claims: Claims, maxLifetimeSec: number | undefined): Failure | undefined {
  const [iat, exp, nbf] = [magnitudeOf(claims['iat']), magnitudeOf(claims['exp']), magnitudeOf(claims['nbf'])]
  if (exp !== undefined) {
    if (iat !== undefined && iat > exp)
      return new Failure('claim_invalid', `iat (${dateText(iat)}) is after exp (${dateText(exp)})`)
    if (nbf !== undefined && nbf > exp)
      return new Failure('claim_invalid', `nbf (${dateText(nbf)}) is after exp (${dateText(exp)})`)
  }
  if (maxLifetimeSec === undefined) return undefined
  if (iat === undefined || exp === undefined)
    return new Failure(
      'claim_missing',
      `maxLifetime needs iat and exp: ${missing(claims, iat === undefined ? 'iat' : 'exp')}`,
    )
  return exp - iat > maxLifetimeSec
    ? new Failure('token_too_old', `it lives ${durationText(exp - iat)}, allowed are ${durationText(maxLifetimeSec)}`)
    : undefined
}

function checkType(header: TokenHeader, typ: string): Failure | undefined {
  // RFC 7515 section 4.1.9: the prefix application/ is optional, case does not count.
  const actual = header.typ?.toLowerCase().replace(/^application\//, '')
  return actual === typ
    ? undefined
    : new Failure(
        'type_mismatch',
        `${actual === undefined ? 'its header has no typ' : `its typ is ${quoted(actual)}`}, wanted is ${quoted(typ)}`,
      )
}

/** When a token with these claims counts. `iat` in the future makes it as invalid as `nbf` does. */
export function validityOf(claims: Claims, clockToleranceSec: number): Validity {
  const start = Math.max(magnitudeOf(claims['nbf']) ?? 0, magnitudeOf(claims['iat']) ?? 0)
  return {
    notBeforeSec: start - clockToleranceSec,
    notAfterSec: (magnitudeOf(claims['exp']) ?? Infinity) + clockToleranceSec,
  }
}

/** What a claim such as jti calls something: a text, or a number by its digits. Undefined: it names nothing. */
export function nameIn(claim: JsonValue | undefined): string | undefined {
  if (typeof claim === 'string') return claim === '' ? undefined : claim
  if (typeof claim === 'number') return String(claim)
  return claim instanceof ExactNumber ? ExactNumber.textOf(claim) : undefined
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

/** A moment as people read it. */
export function dateText(second: number): string {
  const date = new Date(second * 1000)
  return Number.isNaN(date.getTime()) ? 'in no year that has a number' : date.toISOString()
}

/** The one check that a cached token needs again: it is decided by the clock, not by the token alone. */
export function checkTime(validity: Validity, nowSec: number): Failure | undefined {
  if (nowSec >= validity.notAfterSec)
    return new Failure(
      'token_expired',
      `it expired ${durationText(nowSec - validity.notAfterSec)} ago, at ${dateText(validity.notAfterSec)}, clock tolerance included`,
    )
  if (nowSec < validity.notBeforeSec) {
    return new Failure(
      'token_not_yet_valid',
      `it will be valid in ${durationText(validity.notBeforeSec - nowSec)}, at ${dateText(validity.notBeforeSec)}, clock tolerance included`,
    )
  }
  return undefined
}

/**
 * All that an issuer's tokens must say, apart from the time. Failures: claim_invalid, claim_missing, type_mismatch,
 * audience_mismatch, binding_unproven, token_too_old.
 */
export function checkClaims(rules: ClaimRules, header: TokenHeader, claims: Claims): Failure | undefined {
  return (
    checkTypes(rules, claims) ??
    checkRequired(claims, rules.requiredClaims) ??
    (rules.typ === undefined ? undefined : checkType(header, rules.typ)) ??
    (rules.audiences === undefined ? undefined : checkAudience(claims, rules.audiences)) ??
    (rules.binding === 'ignore' ? undefined : checkBinding(claims)) ??
    checkLifetime(claims, rules.maxLifetimeSec)
  )
}
