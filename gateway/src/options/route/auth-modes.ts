// What each auth mode of a route means: whoever tells modes apart reads it here, so a new mode is a name and a row.

export const AUTH_MODE_NAMES = ['required', 'optional', 'none', 'report-only'] as const

export type AuthMode = (typeof AUTH_MODE_NAMES)[number]

/** Plain data that all routes of a mode share: a request asks it several times. */
export interface AuthRules {
  /** For the reference. */
  readonly description: string
  /** Whether a token is looked for. Without it the rest has no meaning: any request passes. */
  readonly readsToken: boolean
  /** Whether a request without a token is a failure; otherwise it passes as anonymous. */
  readonly requiresToken: boolean
  /** Whether a failure is answered; otherwise it is counted, and the request passes as anonymous. */
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

/** Whether no request passes that has no valid token. */
export function keepsOut({ readsToken, requiresToken, enforces }: AuthRules): boolean {
  return readsToken && requiresToken && enforces
}
