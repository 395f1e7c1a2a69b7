// Describes passed checks of a token for a decision trace.
import { dateText, durationText, type ClaimRules } from './claims.ts'
import type { UnverifiedToken } from './token-shape.ts'
import type { Claims } from '../auth-result.ts'
import { magnitudeOf } from '../../message/json/exact-number.ts'
import { quoted } from '../../message/shown-value.ts'

export function shapeText({ signed, signature }: UnverifiedToken): string {
  return `three parts of base64url, ${signed.length + 1 + signature.length} characters`
}

/** Describes the rules for claims by name. Values stay out of the log. */
export function claimsText({ audiences, requiredClaims, typ, maxLifetimeSec }: ClaimRules): string {
  return [
    requiredClaims.length === 0 ? 'nothing is required' : `${requiredClaims.join(', ')} there`,
    audiences === undefined ? 'aud not looked at' : 'aud names us',
    ...(typ === undefined ? [] : [`typ is ${typ}`]),
    ...(maxLifetimeSec === undefined ? [] : [`lives at most ${durationText(maxLifetimeSec)}`]),
  ].join(', ')
}

/** Describes a passed time check, also one that passed by clock tolerance or by the grace period of renewal. */
export function timeText({ exp, nbf, iat }: Claims, toleranceSec: number, nowSec: number): string {
  const expiresAtSec = magnitudeOf(exp)
  const startsAtSec = Math.max(magnitudeOf(nbf) ?? 0, magnitudeOf(iat) ?? 0)
  const tolerance = `within the clock tolerance of ${durationText(toleranceSec)}`
  if (nowSec < startsAtSec) return `it is valid in ${durationText(startsAtSec - nowSec)}, ${tolerance}`
  if (expiresAtSec === undefined) return 'it has no exp'
  if (nowSec < expiresAtSec) return `it expires ${dateText(expiresAtSec)}`
  const ago = `it expired ${durationText(nowSec - expiresAtSec)} ago`
  return nowSec < expiresAtSec + toleranceSec
    ? `${ago}, ${tolerance}`
    : `${ago}, which this route or its renewal allows`
}

export function keyText({ header: { kid } }: UnverifiedToken): string {
  return kid === undefined ? 'no kid: one of the keys that fit' : `kid ${quoted(kid)}`
}
