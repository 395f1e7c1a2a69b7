// Adds the successor of a token to a response: only to one that this client alone sees and no cache keeps.
import type { IncomingMessage } from 'node:http'

import { hasLocation } from './location.ts'
import type { AuthResult, RenewedToken } from '../../authenticate/auth-result.ts'
import type { ClearCookies } from '../../authenticate/locations/cookie-clearing.ts'
import type { TokenLocation } from '../../authenticate/locations/location.ts'
import { eachHeader, indexOfHeader, findHeader, removeHeaders } from '../../message/raw-headers.ts'

/** What a route knows for it. Compiled once. */
export interface CarryPolicy {
  /** What tokens are found in, for the header Vary; empty where that is the URL alone. */
  readonly vary: string
  readonly onRenewed: (caller: AuthResult) => void
  readonly clearCookies: ClearCookies
}

/** Whose response it is. */
export interface CarryRequest {
  readonly request: Pick<IncomingMessage, 'headers' | 'socket' | 'url'>
  readonly caller: AuthResult | undefined
  /** Where the token was found. */
  readonly location: TokenLocation | undefined
}

/** What caches and validators go by (RFC 9111 section 5.2): none of it may be true of a response with a token in it. */
const CACHING: ReadonlySet<string> = new Set(['cache-control', 'expires', 'age', 'etag', 'pragma'])

/** Caches that obey these do so before Cache-Control (RFC 9213; nginx, Varnish, Fastly): the upstream means them to keep it. */
const FOR_SHARED_CACHES = /^(x-accel-expires|surrogate-control|(.+-)?cdn-cache-control)$/
const NOT_KEPT = /(^|[\s,])(no-store|private)([\s,=]|$)|^(off|0)$/i
const SHARED = /(^|[\s,])(public|s-maxage)([\s,=]|$)/i

/** Whether a redirect leads away: to another authority than the client asked. */
function leadsAway(location: string, host: string | undefined): boolean {
  const [, authority] = /^(?:[a-z][a-z0-9+.-]*:)?[/\\]{2}([^/\\?#]*)/i.exec(location) ?? []
  if (authority === undefined) return /^[a-z][a-z0-9+.-]*:/i.test(location)
  return host === undefined || authority.toLowerCase() !== host.toLowerCase()
}

/** What one header says against it. `name` in lower case. */
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
  // The service ends the session, or begins another: ours must not undo that.
  if (name === 'clear-site-data') return true
  return name === 'set-cookie' && cookies.some((cookie) => value.startsWith(`${cookie}=`))
}

/** A successor goes back the way its token came: one from a cookie, which scripts cannot read, into no header that they can. */
function isWayBack({ cookie }: RenewedToken, location: TokenLocation | undefined): boolean {
  return location?.wayBack === (cookie === undefined ? 'header' : 'cookie')
}

function mayCarry(
  headers: readonly string[],
  status: number,
  renewed: RenewedToken,
  { location, request }: CarryRequest,
): boolean {
  // 206 and 416: parts are put together by the validators that are taken away below. 304: it freshens what a cache has.
  if (status >= 500 || status === 304 || status === 206 || status === 416 || !isWayBack(renewed, location)) return false
  const cookies = renewed.cookie === undefined ? [] : [renewed.cookie.name, location?.cookie ?? '']
  let allowed = true
  eachHeader(headers, (name, value) => {
    if (allowed && forbids(name.toLowerCase(), value, cookies, status, request.headers.host)) allowed = false
  })
  return allowed
}

/**
 * Whether the browser may have the token under another name, domain or path than its successor gets: two cookies would come
 * from then on. What the gateway set itself, the successor replaces.
 */
function mayLeaveTwin(
  { renewedFrom }: AuthResult,
  location: TokenLocation | undefined,
  { cookie }: RenewedToken,
): boolean {
  return renewedFrom === undefined || location?.cookie !== cookie?.name || location?.superseded !== undefined
}

/**
 * Adds the successor of the caller's token to the headers of a response, in place. Not where the response must not carry
 * it: a later one will, since the token is due until it expires.
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
  // Where no origin is allowed, nothing is exposed. A cookie needs no script to read it.
  if (origin === undefined || origin === 'false' || renewed.cookie !== undefined) return
  const exposed = indexOfHeader(headers, 'access-control-expose-headers')
  if (exposed === -1) headers.push('access-control-expose-headers', renewed.header)
  else headers[exposed + 1] = `${headers[exposed + 1] as string}, ${renewed.header}`
}
