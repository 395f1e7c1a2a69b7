// Who called, as every answer of this API shows it.
import type { IncomingHttpHeaders } from 'node:http'

import { decodeAuthResult, type AuthResult, type NotAuthenticated } from '../auth-result.ts'

export interface KnownCaller {
  readonly authenticated: true
  readonly subject: string | null
  readonly issuer: string
  readonly scopes: readonly string[]
}

export type Caller = KnownCaller | NotAuthenticated

export interface CallerView {
  readonly caller: Caller
  /** Everything that the gateway said. */
  readonly authResult: AuthResult
}

export function viewCaller(headers: IncomingHttpHeaders): CallerView {
  const authResult = decodeAuthResult(headers['x-auth-result'])
  return { caller: shorten(authResult), authResult }
}

function shorten(authResult: AuthResult): Caller {
  if (!authResult.authenticated) return authResult
  const { subject = null, issuer, scopes } = authResult
  return { authenticated: true, subject, issuer, scopes }
}
