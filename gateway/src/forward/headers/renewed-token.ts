// Adds the successor of a token to a response, if only this client receives the response and no cache stores it.

import { hasLocation } from './location.ts'
import type { AuthResult, RenewedToken } from '../../authenticate/auth-result.ts'
import type { ClearCookies } from '../../authenticate/locations/cookie-clearing.ts'
import type { TokenLocation } from '../../authenticate/locations/location.ts'
import { eachHeader, indexOfHeader, findHeader, removeHeaders } from '../../message/raw-headers.ts'
import type { GatewayRequest } from '../../message/client-exchange.ts'

/** What delivery needs of a route. Compiled once. */
export interface CarryPolicy {
  /** The headers in which tokens are found, for Vary. Empty when tokens come in the URL only. */
  readonly vary: string
  readonly onRenewed: (caller: AuthResult) => void
  readonly clearCookies: ClearCookies
}

/** The request of a response. */
export interface CarryRequest {
  readonly request: Pick<GatewayRequest, 'headers' | 'socket' | 'url'>
  readonly caller: AuthResult | undefined
  /** The location in which the token was found. */
  readonly location: TokenLocation | undefined
}

/** Fields of caching and validation (RFC 9111 section 5.2). They are removed from a response with a token. */
const CACHING: ReadonlySet<string> = new Set(['cache-control', 'expires', 'age', 'etag', 'pragma'])

/** Fields for shared caches, which take precedence over Cache-Control (RFC 9213; nginx, Varnish, Fastly). */
const FOR_SHARED_CACHES = /^(x-accel-expires|surrogate-control|(.+-)?cdn-cache-control)$/
const NOT_KEPT = /(^|[\s,])(no-store|private)([\s,=]|$)|^(off|0)$/i
const SHARED = /(^|[\s,])(public|s-maxage)([\s,=]|$)/i

/** True when a redirect leads to another authority than that of the request. */
function leadsAway(location: string, host: string | undefined): boolean {
  const [, authority] = /^(?:[a-z][a-z0-9+.-]*:)?[/\\]{2}([^/\\?#]*)/i.exec(location) ?? []
  if (authority === undefined) return /^[a-z][a-z0-9+.-]*:/i.test(location)
  return host === undefined || authority.toLowerCase() !== host.toLowerCase()
}

/** True when one header of the response forbids delivery. `name` is in lower case. */
function forbids(
  name: string,
  value: string,
  cookies: readonly string[],
  status: number,
  host: string | undefined,
): boolean {
  if (name === 'cache-control') return SHARED.test(value) && !NOT_KEPT.test(value)
  if (FOR_SHARED_CACHES.test(name)) return !NOT_KEPT.test(value.trim())
  if (name === 'location') return hasLocation(status) && leadsAway(value, host)
  // The service ends or replaces the session, which a successor would undo.
  if (name === 'clear-site-data') return true
  return name === 'set-cookie' && cookies.some((cookie) => value.startsWith(`${cookie}=`))
}

/** A successor takes the way of its token: scripts must not read in a header what was in an HttpOnly cookie. */
function isWayBack({ cookie }: RenewedToken, location: TokenLocation | undefined): boolean {
  return location?.wayBack === (cookie === undefined ? 'header' : 'cookie')
}

function mayCarry(
  headers: readonly string[],
  status: number,
  renewed: RenewedToken,
  { location, request }: CarryRequest,
): boolean {
  // 206 and 416 need the validators that are removed below. A 304 updates a cached response.
  if (status >= 500 || status === 304 || status === 206 || status === 416 || !isWayBack(renewed, location)) return false
  const cookies = renewed.cookie === undefined ? [] : [renewed.cookie.name, location?.cookie ?? '']
  let allowed = true
  eachHeader(headers, (name, value) => {
    if (allowed && forbids(name.toLowerCase(), value, cookies, status, request.headers.host)) allowed = false
  })
  return allowed
}

/**
 * True when the browser may hold the token in a cookie with another name, domain or path than the successor's: it would send
 * both from then on. A cookie that the gateway set itself is replaced.
 */
function mayLeaveTwin(
  { renewedFrom }: AuthResult,
  location: TokenLocation | undefined,
  { cookie }: RenewedToken,
): boolean {
  return renewedFrom === undefined || location?.cookie !== cookie?.name || location?.superseded !== undefined
}

/**
 * Adds the successor of the caller's token to the headers of a response, in place. Skips responses that must not carry it: a
 * later one will, because the token stays due until it expires.
 */
export function carryRenewedToken(
  headers: string[],
  status: number,
  carried: CarryRequest,
  { vary, onRenewed, clearCookies }: CarryPolicy,
): void {
  const renewed = carried.caller?.renewal?.successor
  if (carried.caller === undefined || renewed === undefined || !mayCarry(headers, status, renewed, carried)) return
  removeHeaders(headers, (name) => CACHING.has(name) || FOR_SHARED_CACHES.test(name))
  headers.push('cache-control', 'no-store')
  if (vary !== '') headers.push('vary', vary)
  if (renewed.cookie !== undefined && mayLeaveTwin(carried.caller, carried.location, renewed))
    for (const line of clearCookies(carried.request, renewed.cookie)) headers.push('set-cookie', line)
  headers.push(renewed.header, renewed.value)
  onRenewed(carried.caller)
  const origin = findHeader(headers, 'access-control-allow-origin')
  // Exposed only to an allowed origin. A cookie needs no exposure, because scripts do not read it.
  if (origin === undefined || origin === 'false' || renewed.cookie !== undefined) return
  const exposed = indexOfHeader(headers, 'access-control-expose-headers')
  if (exposed === -1) headers.push('access-control-expose-headers', renewed.header)
  else headers[exposed + 1] = `${headers[exposed + 1] as string}, ${renewed.header}`
}
