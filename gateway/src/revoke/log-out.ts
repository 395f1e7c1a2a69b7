// The answer of a route with `action: revoke`: the caller's own token is blocked, and that is all.
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { AuthResult } from '../authenticate/auth-result.ts'
import type { Clock, Schedule } from '../clock.ts'
import { entriesFor, type RenewalFacts } from './entries-for.ts'
import type { Revocation } from './revocation.ts'

export interface LogOutParts {
  readonly revocation: Pick<Revocation, 'block' | 'status'>
  readonly clock: Clock
  readonly schedule: Schedule
  readonly renewalOf: (issuerName: string) => RenewalFacts | undefined
  readonly onLogOut: (caller: AuthResult, requestId: string) => void
}

export interface LogOutRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  readonly caller: AuthResult | undefined
  /** CORS, names and values in turn. */
  readonly extraHeaders: readonly string[] | undefined
}

/** The token is refused from now on in any case; the answer waits this long for the store to have it as well. */
const STORE_WAIT_MS = 250

export function createLogOut({ revocation, clock, schedule, renewalOf, onLogOut }: LogOutParts) {
  return function logOut({ request, response, requestId, caller, extraHeaders = [] }: LogOutRequest): void {
    request.resume()
    function done(): void {
      if (response.headersSent || response.destroyed) return
      response.writeHead(204, ['cache-control', 'no-store', 'x-request-id', requestId, ...extraHeaders])
      response.end()
    }
    if (caller?.authenticated !== true) {
      done()
      return
    }
    const renewal = renewalOf(caller.issuer)
    const stored = revocation.block(entriesFor(caller, { nowSec: clock.now() / 1000, reason: 'logout', renewal }))
    onLogOut(caller, requestId)
    if (!revocation.status().up) {
      done()
      return
    }
    const cancel = schedule(STORE_WAIT_MS, done)
    void stored.then(() => {
      cancel()
      done()
    })
  }
}
