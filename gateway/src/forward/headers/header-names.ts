// Names of headers that a proxy must not pass on unchanged.

/** Hop-by-hop fields (RFC 9110 section 7.6.1) and what else belongs to one connection only. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['proxy-authenticate', 'proxy-authorization', 'proxy-authentication-info', 'http2-settings', 'expect'],
])

/** What proxies say about a client: from anybody else it would be a client's word about itself. And all of `x-forwarded-*`. */
export const SAID_BY_PROXIES: ReadonlySet<string> = new Set(['forwarded', 'x-real-ip'])

/**
 * What only a server may set. CGI servers hand headers on as variables, and `Proxy` becomes HTTP_PROXY, which many programs take for
 * the proxy they shall use (httpoxy: CVE-2016-5385 and others). No client has a use for it.
 */
export const MISTAKEN_FOR_SETTINGS: ReadonlySet<string> = new Set(['proxy'])

/** What frames a message and says where it goes: under another spelling none of it may reach whoever reads that as this. */
export const FRAMING: ReadonlySet<string> = new Set(['content-length', 'content-type', 'transfer-encoding', 'host'])

/** The request's id is the gateway's to say; its path is decided here, so no header may name another one. */
export const SAID_BY_GATEWAY: ReadonlySet<string> = new Set(['x-request-id', 'x-original-url', 'x-rewrite-url'])

/** Framing, routing, authentication and what caches go by (RFC 9110 section 6.5.1). */
export const NEVER_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...['content-length', 'content-encoding', 'content-type', 'content-range', 'host', 'date', 'vary', 'age', 'expires'],
  ...['authorization', 'www-authenticate', 'set-cookie', 'cookie', 'cache-control', 'location', 'retry-after'],
])

/** Framing and target: naming them in Connection must not take them away (they would be sent wrong or twice). */
const NEVER_NAMED_BY_CONNECTION: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'host',
  'transfer-encoding',
])

/**
 * A name as CGI (RFC 3875 section 4.1.18), WSGI and PHP upstreams tell it from others: by letters and digits alone. lighttpd and
 * others turn every other character into `_`, so that `x.auth~result` is X_AUTH_RESULT to a program behind them. Lower case.
 */
export function foldName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-')
}

/** Names that a Connection header takes away from the next hop, in lower case; undefined when there are none, as nearly always. */
export function namedByConnection(value: string | undefined): ReadonlySet<string> | undefined {
  if (value === undefined || value === 'keep-alive' || value === 'close') return undefined
  const names = value
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !NEVER_NAMED_BY_CONNECTION.has(name))
  return names.length === 0 ? undefined : new Set(names)
}

/** What a CORS policy of ours says: an upstream's own are dropped beside it. */
export const CORS_NAMES: ReadonlySet<string> = new Set([
  ...['access-control-allow-origin', 'access-control-allow-credentials', 'access-control-allow-methods'],
  ...['access-control-allow-headers', 'access-control-expose-headers', 'access-control-max-age'],
])
