// Reads the auth rules of a route as it is written: those of the default where nothing is.
import { text, type Loose } from '../loose.ts'
import { AUTH_MODES, DEFAULT_AUTH_MODE, type AuthRules } from '../../../options/route/auth-modes.ts'

const MODES: ReadonlyMap<string, AuthRules> = new Map(Object.entries(AUTH_MODES))

/** Undefined for what is no mode. */
export function authRulesOf({ auth = DEFAULT_AUTH_MODE }: Loose): AuthRules | undefined {
  return MODES.get(text(auth) ?? '')
}

/** What is no mode may be one that reads tokens, written wrongly. */
export function readsToken(route: Loose): boolean {
  return authRulesOf(route)?.readsToken !== false
}
