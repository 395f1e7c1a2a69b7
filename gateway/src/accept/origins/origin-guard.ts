// Whether a page may use the token in its visitor's cookie: browsers send cookies for pages of any site.
import type { IncomingMessage } from 'node:http'

import { compileOrigins, type OriginMatcher } from './origins.ts'
import { isWebSocketUpgrade } from '../routes/upgrades.ts'
import { forwardedValue, type PeerTrust } from '../../message/trusted-proxies.ts'

/** False when the request would act with a cookie that another site's page could have had sent. Only for tokens from cookies. */
export type OriginGuard = (request: IncomingMessage) => boolean

export interface OriginGuardParts {
  /** `origins` of the route; undefined where it names none. */
  readonly origins: readonly string[] | undefined
  /** Origins that may send cookies by the CORS policy of the route: named as the user's own already. */
  readonly credentialed: readonly string[]
  readonly isTrusted: PeerTrust
}

/** RFC 9110 section 9.2.1. */
const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** Whether an origin has this host and port: written as its own scheme writes them. */
function hasHost({ protocol, host }: URL, asked: string | undefined): boolean {
  const text = `${protocol}//${asked ?? ''}`
  return URL.canParse(text) && new URL(text).host === host
}

/**
 * Whether an origin is the one that was asked. Behind a proxy that nobody named here the scheme is not known, and plain HTTP
 * may be HTTPS to the client; where HTTPS is known to be spoken, a page that came over plain HTTP is another origin.
 */
function isOwnOrigin(text: string, request: IncomingMessage, parts: OriginGuardParts): boolean {
  if (!URL.canParse(text)) return false
  const origin = new URL(text)
  const isHttps =
    'encrypted' in request.socket || forwardedValue(request, 'x-forwarded-proto', parts.isTrusted) === 'https'
  if (isHttps && origin.protocol !== 'https:') return false
  return (
    hasHost(origin, request.headers.host) ||
    hasHost(origin, forwardedValue(request, 'x-forwarded-host', parts.isTrusted))
  )
}

/**
 * As Go's CrossOriginProtection and OWASP's cheat sheet have it: Sec-Fetch-Site, which no page can set, and where there is
 * none (an old browser, or plain HTTP) Origin. Who sends neither is no browser, and has the cookie from its user's own hand.
 * A site is scheme and registrable domain, which needs the list of public suffixes that browsers have: where they do not say,
 * only the own origin counts. Browsers send an Origin with every unsafe method (Fetch standard section 3.2).
 */
function mayChange(request: IncomingMessage, isNamed: OriginMatcher, parts: OriginGuardParts): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers
  if (origin !== undefined && isNamed(origin)) return true
  if (parts.origins !== undefined) return origin === undefined && site !== 'cross-site' && site !== 'same-site'
  if (site !== undefined) return site === 'same-origin' || site === 'same-site' || site === 'none'
  return origin === undefined || isOwnOrigin(origin, request, parts)
}

/** Stricter: no CORS keeps a page from reading what a WebSocket says, and browsers differ in what they call its site. */
function mayOpen(request: IncomingMessage, isNamed: OriginMatcher, parts: OriginGuardParts): boolean {
  const { origin } = request.headers
  if (origin === undefined) return true
  return parts.origins === undefined ? isOwnOrigin(origin, request, parts) : isNamed(origin)
}

export function createOriginGuard(parts: OriginGuardParts): OriginGuard {
  const isNamed = compileOrigins(parts.origins ?? parts.credentialed)
  return (request) => {
    if (isWebSocketUpgrade(request)) return mayOpen(request, isNamed, parts)
    return SAFE_METHODS.has(request.method) || mayChange(request, isNamed, parts)
  }
}
