// Schemes that authenticate a connection instead of a request: the upstream takes all later requests for the same user's.
import { valuesOf, type RawHeaders } from '../../../message/raw-headers.ts'

const FIRST_LETTER = 'n'.charCodeAt(0)
const LOWER_CASE = 32
const BINDS = /^(?:nego|ntlm)/i
const OFFERS = /(?:^|,)[ \t]*(?:nego|ntlm)/i
const AUTHENTICATE_NAMES = ['www-authenticate', 'proxy-authenticate'] as const

/** Credentials of NTLM or Negotiate (RFC 4559), as HAProxy tells them for http-reuse: by the first letters of the scheme. */
export function credentialsBind(authorization: string): boolean {
  // Nearly always a bearer token: the first letter is all that is looked at.
  return (authorization.charCodeAt(0) | LOWER_CASE) === FIRST_LETTER && BINDS.test(authorization)
}

/** A challenge, or the last word of a handshake, of such a scheme; others may stand beside it. */
export function challengeBinds(authenticate: string): boolean {
  return OFFERS.test(authenticate)
}

/** The same of whole heads. */
export function requestBinds(headers: RawHeaders): boolean {
  return valuesOf(headers, 'authorization').some(credentialsBind)
}

export function responseBinds(headers: RawHeaders): boolean {
  return AUTHENTICATE_NAMES.some((name) => valuesOf(headers, name).some(challengeBinds))
}
