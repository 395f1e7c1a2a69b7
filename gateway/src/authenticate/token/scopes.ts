// The scopes of a token, as a list and as JSON.
import type { Claims } from '../auth-result.ts'

/** `names` is frozen; `json` is what JSON.stringify writes for it. */
export interface Scopes {
  readonly names: readonly string[]
  readonly json: string
}

function scopesOfNames(names: readonly string[]): Scopes {
  return { names: Object.freeze(names), json: JSON.stringify(names) }
}

const NONE = scopesOfNames([])

/** `scope` as a string with spaces (RFC 8693 section 4.2), or `scp` as string or array (Entra, Okta). */
export function scopesOf(claims: Claims): Scopes {
  const scope = claims['scope'] ?? claims['scp']
  if (typeof scope === 'string') return scopesOfNames(scope.split(' ').filter((name) => name !== ''))
  if (Array.isArray(scope)) return scopesOfNames(scope.filter((name): name is string => typeof name === 'string'))
  return NONE
}
