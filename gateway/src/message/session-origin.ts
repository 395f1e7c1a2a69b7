// What all tokens of a session share, however often it was renewed: the jti and the issue time of the first.
import { magnitudeOf } from './json/exact-number.ts'

/** Parts the jti of a session's first token from what makes that of a successor its own. */
const MARK = '~renewed.'

/**
 * The jti of a successor begins with that of the first token, so that the jti of any token names the session: who revokes one
 * knows neither the tokens before nor those after it, and a list of all of them would grow with each renewal.
 */
export function successorJti(first: string, own: string): string {
  return `${first}${MARK}${own}`
}

/** The jti of the first token of the session; that of a first token is its own. */
export function firstJtiOf(jti: string): string {
  const at = jti.lastIndexOf(MARK)
  return at > 0 ? jti.slice(0, at) : jti
}

/** When the session's first token was issued, of what any of its tokens says; undefined where nobody knows. */
export function firstIssuedAtOf({
  iat,
  renewed_from: renewedFrom,
  origin_iat: origin,
  auth_time,
}: Readonly<Record<string, unknown>>): number | undefined {
  const own = magnitudeOf(iat)
  if (renewedFrom === undefined) return own
  // An issuer that renews by itself may not tell. A session is no younger than its log-in.
  const first = magnitudeOf(origin === undefined ? auth_time : origin)
  return first === undefined ? own : Math.min(first, own ?? Infinity)
}
