// Checks the claims and type of a token against the rules of its issuer (RFC 7519 section 4.1, RFC 8725 section 3).
import type { Claims, JsonValue } from '../auth-result.ts'
import type { TokenHeader } from './token-shape.ts'
import { ExactNumber, magnitudeOf } from '../../message/json/exact-number.ts'
import { kindOfValue, mismatch, quoted, quotedList } from '../../message/shown-value.ts'
import { Failure } from '../../failure.ts'

/** The rules for tokens of an issuer. Times are in seconds. */
export interface ClaimRules {
  readonly audiences: ReadonlySet<string> | undefined
  readonly clockToleranceSec: number
  readonly requiredClaims: readonly string[]
  readonly maxLifetimeSec: number | undefined
  /** Required `typ`, lower case, without `application/`. */
  readonly typ: string | undefined
  /** Whether tokens that are bound to a key of their client (`cnf`) are refused. */
  readonly binding: 'refuse' | 'ignore'
}

/** The validity of a token in seconds, with clock tolerance: notBeforeSec <= now < notAfterSec. */
export interface Validity {
  readonly notBeforeSec: number
  readonly notAfterSec: number
}

// 9999-12-31. A larger exp is in milliseconds by mistake (year 55840), and the token would never expire.
const LAST_SECOND = 253_402_300_799
const DATE_CLAIMS = ['exp', 'nbf', 'iat'] as const

function isDate(value: unknown): boolean {
  if (value === undefined) return true
  const seconds = magnitudeOf(value)
  return seconds !== undefined && seconds >= 0 && seconds <= LAST_SECOND
}

/** Shows a date claim in a log text: times are not secret. */
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
 * Checks the types of the claims that the gateway reads (RFC 7519 section 4.1). Other claims are not checked: AD FS writes
 * auth_time as text, others write sid as null. `iss` was compared before.
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
 * Refuses a token with `cnf` (RFC 7800): its client must prove possession of a key, by DPoP (RFC 9449) or a client certificate
 * (RFC 8705). The gateway checks no proof yet, and without it a stolen token would work.
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

/** Names the claims of the token, not their values, which may be personal. */
function missing(claims: Claims, name: string): string {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  return `${name} is ${kindOfValue(value)}; the token has ${quotedList(Object.keys(claims)) || 'no claims'}`
}

function checkRequired(claims: Claims, names: readonly string[]): Failure | undefined {
  for (const name of names) {
    // hasOwn, because every object inherits `toString`, which a config may require as a claim.
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

/** Describes a wrong `aud`, whose type was checked before. */
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

/** Returns the validity from `nbf`, `iat` and `exp`. A token with `iat` in the future is not yet valid. */
export function validityOf(claims: Claims, clockToleranceSec: number): Validity {
  const start = Math.max(magnitudeOf(claims['nbf']) ?? 0, magnitudeOf(claims['iat']) ?? 0)
  return {
    notBeforeSec: start - clockToleranceSec,
    notAfterSec: (magnitudeOf(claims['exp']) ?? Infinity) + clockToleranceSec,
  }
}

/** Returns the text of an id claim such as `jti`: a string, or the digits of a number. Undefined for other values and ''. */
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

/** Formats a duration with its two largest units: `2 d 5 h`. */
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

/** Formats seconds since the epoch as ISO 8601. */
export function dateText(second: number): string {
  const date = new Date(second * 1000)
  return Number.isNaN(date.getTime()) ? 'in no year that has a number' : date.toISOString()
}

/** Checks the time. Failures: token_expired, token_not_yet_valid. */
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

/** In the order in which they decide. A rule that no check reads is refused by the compiler. */
const CHECKS: Readonly<
  Record<keyof ClaimRules | 'types', (rules: ClaimRules, claims: Claims, header: TokenHeader) => Failure | undefined>
> = {
  types: checkTypes,
  requiredClaims: ({ requiredClaims }, claims) => checkRequired(claims, requiredClaims),
  typ: ({ typ }, _claims, header) => (typ === undefined ? undefined : checkType(header, typ)),
  audiences: ({ audiences }, claims) => (audiences === undefined ? undefined : checkAudience(claims, audiences)),
  binding: ({ binding }, claims) => (binding === 'ignore' ? undefined : checkBinding(claims)),
  maxLifetimeSec: ({ maxLifetimeSec }, claims) => checkLifetime(claims, maxLifetimeSec),
  // Read by validityOf and checkTime: a cached token needs that check again.
  clockToleranceSec: () => undefined,
}
const CHECKS_IN_ORDER = Object.values(CHECKS)

/**
 * Checks all rules except the time. Failures: claim_invalid, claim_missing, type_mismatch, audience_mismatch,
 * binding_unproven, token_too_old.
 */
export function checkClaims(rules: ClaimRules, header: TokenHeader, claims: Claims): Failure | undefined {
  for (const check of CHECKS_IN_ORDER) {
    const failure = check(rules, claims, header)
    if (failure !== undefined) return failure
  }
  return undefined
}
