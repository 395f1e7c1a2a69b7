// Refuses requests that a page of another site made with the visitor's cookie (CSRF).
import { compileOrigins, type OriginMatcher } from './origins.ts'
import { isWebSocketUpgrade } from '../routes/upgrades.ts'
import type { GatewayRequest } from '../../message/client-exchange.ts'
import { forwardedValue, type PeerTrust } from '../../message/trusted-proxies.ts'

/** False when a page of another site may have sent this request. Call it only for tokens from cookies. */
export type OriginGuard = (request: GatewayRequest) => boolean

export interface OriginGuardParts {
  /** The `origins` of the route; undefined without them. */
  readonly origins: readonly string[] | undefined
  /** Origins that the CORS policy of the route allows to send cookies. */
  readonly credentialed: readonly string[]
  readonly isTrusted: PeerTrust
}

/** RFC 9110 section 9.2.1. */
const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** True when an origin has this host and port, with the default port of its own scheme. */
function hasHost({ protocol, host }: URL, asked: string | undefined): boolean {
  const text = `${protocol}//${asked ?? ''}`
  return URL.canParse(text) && new URL(text).host === host
}

/**
 * True when `origin` is the origin of the request itself. Behind a proxy that is not trusted the scheme is unknown: plain HTTP
 * here may be HTTPS for the client. When the request is known to use HTTPS, a page over plain HTTP is another origin.
 */
function isOwnOrigin(text: string, request: GatewayRequest, parts: OriginGuardParts): boolean {
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
 * As Go's CrossOriginProtection and OWASP's cheat sheet: reads Sec-Fetch-Site, which no page can set, and without it (an old
 * browser, or plain HTTP) Origin. A client that sends neither is no browser, so its user supplied the cookie.
 * A site is a scheme and a registrable domain, which needs the browser's list of public suffixes. Without Sec-Fetch-Site only
 * the request's own origin is allowed. Browsers send Origin with every unsafe method (Fetch standard section 3.2).
 */
function mayChange(request: GatewayRequest, isNamed: OriginMatcher, parts: OriginGuardParts): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers
  if (origin !== undefined && isNamed(origin)) return true
  if (parts.origins !== undefined) return origin === undefined && site !== 'cross-site' && site !== 'same-site'
  if (site !== undefined) return site === 'same-origin' || site === 'same-site' || site === 'none'
  return origin === undefined || isOwnOrigin(origin, request, parts)
}

/** Stricter, for WebSockets: CORS does not protect their messages, and browsers differ in the Sec-Fetch-Site they send. */
function mayOpen(request: GatewayRequest, isNamed: OriginMatcher, parts: OriginGuardParts): boolean {
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
