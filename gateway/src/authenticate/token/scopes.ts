// The scopes of a token, taken apart and written as JSON once for all tokens that say the same.
import type { Claims } from '../auth-result.ts'

/** `names` is frozen; `json` is what JSON.stringify writes for it. */
export interface Scopes {
  readonly names: readonly string[]
  readonly json: string
}

const MAX_REMEMBERED = 1000
/** Longer texts are rare, and would make the memory as large as its tokens. */
const MAX_REMEMBERED_LENGTH = 256

function scopesOfNames(names: readonly string[]): Scopes {
  return { names: Object.freeze(names), json: JSON.stringify(names) }
}

const NONE = scopesOfNames([])

function scopesIn(text: string): Scopes {
  const names = text.split(' ')
  return scopesOfNames(names.includes('') ? names.filter((name) => name !== '') : names)
}

/**
 * Makes a reader of scopes: `scope` as a string with spaces (RFC 8693 section 4.2), or `scp` as string or array (Entra,
 * Okta). It remembers what it took apart: the tokens of one application have the same scopes, and to split and freeze them
 * anew takes six times as long as to find them. Ask it about verified tokens only, so that nobody else can fill the memory.
 */
export function createScopeReader(): (claims: Claims) => Scopes {
  const remembered = new Map<string, Scopes>()

  function recall(text: string): Scopes {
    const known = remembered.get(text)
    if (known !== undefined) return known
    const scopes = scopesIn(text)
    if (text.length > MAX_REMEMBERED_LENGTH) return scopes
    if (remembered.size >= MAX_REMEMBERED) remembered.clear()
    remembered.set(text, scopes)
    return scopes
  }

  return function scopesOf(claims) {
    const scope = claims['scope'] ?? claims['scp']
    if (typeof scope === 'string') return recall(scope)
    if (Array.isArray(scope)) return scopesOfNames(scope.filter((name): name is string => typeof name === 'string'))
    return NONE
  }
}
