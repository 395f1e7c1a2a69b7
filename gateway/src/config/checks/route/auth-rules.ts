// Reads the auth rules of a route as written in the config; those of the default mode when it has none.
import { text, type Loose } from '../loose.ts'
import { AUTH_MODES, DEFAULT_AUTH_MODE, type AuthRules } from '../../../options/route/auth-modes.ts'

const MODES: ReadonlyMap<string, AuthRules> = new Map(Object.entries(AUTH_MODES))

/** Returns the rules of the auth mode; undefined for an unknown mode. */
export function authRulesOf({ auth = DEFAULT_AUTH_MODE }: Loose): AuthRules | undefined {
  return MODES.get(text(auth) ?? '')
}

/** True when the route looks for tokens. An unknown mode counts as one that does, because it may be misspelt. */
export function readsToken(route: Loose): boolean {
  return authRulesOf(route)?.readsToken !== false
}
