// Schemes that authenticate the connection and not the request: what comes over it later counts as the same user's.

const FIRST_LETTER = 'n'.charCodeAt(0)
const LOWER_CASE = 32
const BINDS = /^(?:nego|ntlm)/i
const OFFERS = /(?:^|,)[ \t]*(?:nego|ntlm)/i
const AUTHENTICATE_NAMES: ReadonlySet<string> = new Set(['www-authenticate', 'proxy-authenticate'])

/** Credentials of NTLM or Negotiate (RFC 4559), as HAProxy tells them for http-reuse: by the first letters of the scheme. */
export function credentialsBind(authorization: string): boolean {
  // Nearly always a bearer token: the first letter is all that is looked at.
  return (authorization.charCodeAt(0) | LOWER_CASE) === FIRST_LETTER && BINDS.test(authorization)
}

/** A challenge, or the last word of a handshake, of such a scheme; others may stand beside it. */
export function challengeBinds(authenticate: string): boolean {
  return OFFERS.test(authenticate)
}

/** The same of whole heads, names and values in turn. */
export function requestBinds(headers: readonly string[]): boolean {
  for (let index = 0; index < headers.length; index += 2)
    if (credentialsBind(headers[index + 1] as string) && headers[index]?.toLowerCase() === 'authorization') return true
  return false
}

export function responseBinds(headers: readonly string[]): boolean {
  for (let index = 0; index < headers.length; index += 2)
    if (
      AUTHENTICATE_NAMES.has((headers[index] as string).toLowerCase()) &&
      challengeBinds(headers[index + 1] as string)
    )
      return true
  return false
}
