// Finds what identifies a session in each of its tokens: the jti and the issue time of the first token.
import { magnitudeOf } from './json/exact-number.ts'

/** Separates the jti of the session's first token from the own part of a successor. */
const MARK = '~renewed.'

/**
 * Makes the jti of a successor. It begins with the jti of the first token, so that any token's jti names the session: a
 * revocation of one token need not know the others, and the block list does not grow with each renewal.
 */
export function successorJti(first: string, own: string): string {
  return `${first}${MARK}${own}`
}

/** The jti of the session's first token, for the jti of any of its tokens. */
export function firstJtiOf(jti: string): string {
  const at = jti.lastIndexOf(MARK)
  return at > 0 ? jti.slice(0, at) : jti
}

/** Issue time of the session's first token, in seconds since the epoch, from the claims of any of its tokens; undefined if unknown. */
export function firstIssuedAtOf({
  iat,
  renewed_from: renewedFrom,
  origin_iat: origin,
  auth_time,
}: Readonly<Record<string, unknown>>): number | undefined {
  const own = magnitudeOf(iat)
  if (renewedFrom === undefined) return own
  // An issuer with its own renewal may omit origin_iat. Then auth_time, the time of the log-in, counts as the start of the session.
  const first = magnitudeOf(origin === undefined ? auth_time : origin)
  return first === undefined ? own : Math.min(first, own ?? Infinity)
}
