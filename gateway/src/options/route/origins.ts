// The option that names the origins whose pages may use the token in a cookie of the user.
import { Type } from 'typebox'

/** An origin, or all subdomains of a host. */
export const ORIGIN = 'https?://(\\*\\.)?[^/*]+'

export const OriginsOption = Type.Array(
  Type.String({ pattern: `^${ORIGIN}$`, examples: ['https://app.example.com', 'https://*.example.com'] }),
  {
    description:
      'Origins whose pages may use a token from a cookie to change something (any method but GET, HEAD, OPTIONS, TRACE) or to open a WebSocket; others get 403 origin_forbidden. https://*.example.com: all hosts below. Left out: pages of the same site (and those that cors names with credentials) may change, pages of the gateway’s own origin may open WebSockets.',
  },
)
