// What the checks of a token found, in plain words, for a decision trace.
import { dateText, durationText, type ClaimRules } from './claims.ts'
import type { UnverifiedToken } from './token-shape.ts'
import type { Claims } from '../auth-result.ts'
import { magnitudeOf } from '../../message/json/exact-number.ts'

export function shapeText({ signed, signature }: UnverifiedToken): string {
  return `three parts of base64url, ${signed.length + 1 + signature.length} characters`
}

/** What was asked of the claims, by name: their values are no business of a log. */
export function claimsText({ audiences, requiredClaims, typ, maxLifetimeSec }: ClaimRules): string {
  return [
    requiredClaims.length === 0 ? 'nothing is required' : `${requiredClaims.join(', ')} there`,
    audiences === undefined ? 'aud not looked at' : 'aud names us',
    ...(typ === undefined ? [] : [`typ is ${typ}`]),
    ...(maxLifetimeSec === undefined ? [] : [`lives at most ${durationText(maxLifetimeSec)}`]),
  ].join(', ')
}

export function timeText({ exp }: Claims): string {
  const expiresAtSec = magnitudeOf(exp)
  return expiresAtSec === undefined ? 'it has no exp' : `it expires ${dateText(expiresAtSec)}`
}

export function keyText({ header: { kid } }: UnverifiedToken): string {
  return kid === undefined ? 'no kid: one of the keys that fit' : `kid ${JSON.stringify(kid)}`
}
