// Detects NTLM and Negotiate, which authenticate a connection: the upstream attributes later requests on it to the same user.
import { valuesOf, type RawHeaders } from '../../../message/raw-headers.ts'

const FIRST_LETTER = 'n'.charCodeAt(0)
const LOWER_CASE = 32
const BINDS = /^(?:nego|ntlm)/i
const OFFERS = /(?:^|,)[ \t]*(?:nego|ntlm)/i
const AUTHENTICATE_NAMES = ['www-authenticate', 'proxy-authenticate'] as const

/** True when an Authorization value uses NTLM or Negotiate (RFC 4559), by the same prefixes as HAProxy's http-reuse. */
export function credentialsBind(authorization: string): boolean {
  // Nearly every value is a bearer token, which the first letter rules out.
  return (authorization.charCodeAt(0) | LOWER_CASE) === FIRST_LETTER && BINDS.test(authorization)
}

/** True when a WWW-Authenticate or Proxy-Authenticate value names such a scheme, alone or among others. */
export function challengeBinds(authenticate: string): boolean {
  return OFFERS.test(authenticate)
}

/** `credentialsBind` for all headers of a request. */
export function requestBinds(headers: RawHeaders): boolean {
  return valuesOf(headers, 'authorization').some(credentialsBind)
}

/** `challengeBinds` for all headers of a response. */
export function responseBinds(headers: RawHeaders): boolean {
  return AUTHENTICATE_NAMES.some((name) => valuesOf(headers, name).some(challengeBinds))
}
