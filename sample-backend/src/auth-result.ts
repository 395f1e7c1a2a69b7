// Reads the header in which Tollgate tells a service who is calling. Copy this file into your own service: it imports nothing.

/** The gateway has verified a token; these are its contents. */
export interface Authenticated {
  readonly authenticated: true
  /** The name of the issuer in the gateway's config, not its URL. */
  readonly issuer: string
  /** Absent when the token has no `sub`. */
  readonly subject?: string
  readonly scopes: readonly string[]
  /** Unix seconds. Absent when the token has no `exp`. */
  readonly expiresAt?: number
  readonly claims: Readonly<Record<string, unknown>>
}

/**
 * Nobody is known to be calling:
 * `anonymous`: the route takes calls without a token, and this one had none;
 * `header_missing`: the route has `auth: none`, or the call did not come through the gateway;
 * `header_invalid`: no gateway has written this.
 */
export interface NotAuthenticated {
  readonly authenticated: false
  readonly reason: 'anonymous' | 'header_missing' | 'header_invalid'
}

export type AuthResult = Authenticated | NotAuthenticated

const MISSING: NotAuthenticated = { authenticated: false, reason: 'header_missing' }
const INVALID: NotAuthenticated = { authenticated: false, reason: 'header_invalid' }
const ANONYMOUS: NotAuthenticated = { authenticated: false, reason: 'anonymous' }

/**
 * Decodes the value of `x-auth-result`: base64url without padding of UTF-8 JSON. Never throws.
 *
 * The header carries no signature. It can be believed only because the gateway removes every copy that a client sends,
 * so the service must be reachable through the gateway alone (a private network, a loopback address, or mutual TLS):
 * whoever reaches it directly can be anybody.
 */
export function decodeAuthResult(header: string | readonly string[] | undefined): AuthResult {
  if (header === undefined) return MISSING
  // The gateway sends the header once. Node joins two copies with a comma, which base64url does not know either.
  if (typeof header !== 'string') return INVALID

  const bytes = Buffer.from(header, 'base64url')
  // Buffer skips what it cannot decode: only the one spelling that encodes back to itself is what the gateway sent.
  if (bytes.toString('base64url') !== header) return INVALID

  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    return INVALID
  }

  if (!isObject(value)) return INVALID
  if (value['authenticated'] === false) return ANONYMOUS
  return isAuthenticated(value) ? value : INVALID
}

function isAuthenticated(value: object): value is Authenticated {
  const { authenticated, issuer, subject, scopes, expiresAt, claims } = value as Record<string, unknown>
  return (
    authenticated === true &&
    typeof issuer === 'string' &&
    (subject === undefined || typeof subject === 'string') &&
    Array.isArray(scopes) &&
    scopes.every((scope) => typeof scope === 'string') &&
    (expiresAt === undefined || Number.isFinite(expiresAt)) &&
    isObject(claims)
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
