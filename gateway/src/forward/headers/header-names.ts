// Sets of header names that the gateway must not forward unchanged.

/** Hop-by-hop fields (RFC 9110 section 7.6.1) and other fields of one connection. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['proxy-authenticate', 'proxy-authorization', 'proxy-authentication-info', 'http2-settings', 'expect'],
])

/** Headers about the client that only trusted proxies may set, with `x-forwarded-*`. Others could spoof their address. */
export const SAID_BY_PROXIES: ReadonlySet<string> = new Set(['forwarded', 'x-real-ip'])

/**
 * Headers that become settings of a program. CGI servers pass headers as environment variables: `Proxy` becomes HTTP_PROXY,
 * which many programs use as their proxy (httpoxy: CVE-2016-5385 and others). No client needs them.
 */
export const MISTAKEN_FOR_SETTINGS: ReadonlySet<string> = new Set(['proxy'])

/** Framing and routing fields. A variant spelling is dropped, because a CGI upstream would read it as the field itself. */
export const FRAMING: ReadonlySet<string> = new Set(['content-length', 'content-type', 'transfer-encoding', 'host'])

/** Headers that the gateway sets (the request id) or that could override the path on which it has decided. */
export const SAID_BY_GATEWAY: ReadonlySet<string> = new Set(['x-request-id', 'x-original-url', 'x-rewrite-url'])

/** Fields that are not allowed in trailers: framing, routing, authentication and caching (RFC 9110 section 6.5.1). */
export const NEVER_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...['content-length', 'content-encoding', 'content-type', 'content-range', 'host', 'date', 'vary', 'age', 'expires'],
  ...['authorization', 'www-authenticate', 'set-cookie', 'cookie', 'cache-control', 'location', 'retry-after'],
])

/** Fields that Connection must not remove: the request would have other framing or another target. */
const NEVER_NAMED_BY_CONNECTION: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'host',
  'transfer-encoding',
])

/**
 * Folds a name to what CGI (RFC 3875 section 4.1.18), WSGI and PHP upstreams distinguish: lower-case letters and digits. lighttpd
 * and others replace all other characters with `_`, so `x.auth~result` becomes X_AUTH_RESULT.
 */
export function foldName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-')
}

/** Returns the lower-case names that a Connection header removes from the next hop. Undefined for none, the usual case. */
export function namedByConnection(value: string | undefined): ReadonlySet<string> | undefined {
  if (value === undefined || value === 'keep-alive' || value === 'close') return undefined
  const names = value
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !NEVER_NAMED_BY_CONNECTION.has(name))
  return names.length === 0 ? undefined : new Set(names)
}

/** CORS response headers. A CORS policy of the gateway replaces those of the upstream. */
export const CORS_NAMES: ReadonlySet<string> = new Set([
  ...['access-control-allow-origin', 'access-control-allow-credentials', 'access-control-allow-methods'],
  ...['access-control-allow-headers', 'access-control-expose-headers', 'access-control-max-age'],
])
