// Reads the scopes of a token.
import type { Claims } from '../auth-result.ts'

/** Scopes as a frozen list, and as JSON text. */
export interface Scopes {
  readonly names: readonly string[]
  readonly json: string
}

function scopesOfNames(names: readonly string[]): Scopes {
  return { names: Object.freeze(names), json: JSON.stringify(names) }
}

const NONE = scopesOfNames([])

/** Reads `scope`, a string with spaces (RFC 8693 section 4.2), or `scp`, a string or an array (Entra, Okta). */
export function scopesOf(claims: Claims): Scopes {
  const scope = claims['scope'] ?? claims['scp']
  if (typeof scope === 'string') return scopesOfNames(scope.split(' ').filter((name) => name !== ''))
  if (Array.isArray(scope)) return scopesOfNames(scope.filter((name): name is string => typeof name === 'string'))
  return NONE
}
