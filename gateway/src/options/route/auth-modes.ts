// The rules of each auth mode of a route, in one table: a new mode is a name and a row.

export const AUTH_MODE_NAMES = ['required', 'optional', 'none', 'report-only'] as const

export type AuthMode = (typeof AUTH_MODE_NAMES)[number]

/** The rules as plain data, shared by all routes of a mode, because each request reads them several times. */
export interface AuthRules {
  /** Description for the reference. */
  readonly description: string
  /** True when the gateway looks for a token. When false, every request passes and the other rules do not apply. */
  readonly readsToken: boolean
  /** True when a request without a token is a failure; otherwise it passes as anonymous. */
  readonly requiresToken: boolean
  /** True when a failure is answered; otherwise it is counted, and the request passes as anonymous. */
  readonly enforces: boolean
}

export const AUTH_MODES: Readonly<Record<AuthMode, AuthRules>> = {
  required: { description: 'no valid token, no entry', readsToken: true, requiresToken: true, enforces: true },
  optional: {
    description: 'no token passes as anonymous, a bad token is still 401',
    readsToken: true,
    requiresToken: false,
    enforces: true,
  },
  none: { description: 'no token is looked at', readsToken: false, requiresToken: false, enforces: false },
  'report-only': {
    description: 'forwards as anonymous and counts what would have been refused',
    readsToken: true,
    requiresToken: true,
    enforces: false,
  },
}

export const DEFAULT_AUTH_MODE: AuthMode = 'required'

/** True when only requests with a valid token pass. */
export function keepsOut({ readsToken, requiresToken, enforces }: AuthRules): boolean {
  return readsToken && requiresToken && enforces
}
