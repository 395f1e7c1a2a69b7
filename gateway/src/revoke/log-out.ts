// Handles routes with `action: revoke`: blocks the caller's tokens and clears the cookies that hold them.
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { Authentication } from '../authenticate/authentication.ts'
import type { TokenLocation } from '../authenticate/locations/location.ts'
import type { Clock, Schedule } from '../clock.ts'
import type { GatewayRequest, GatewayResponse } from '../message/client-exchange.ts'
import { closeUnlessRead, dropBody } from '../message/connection/unread-body.ts'
import { entriesFor, type RenewalFacts } from './entries-for.ts'
import type { Revocation } from './revocation.ts'

export interface LogOutParts {
  readonly revocation: Pick<Revocation, 'block' | 'status'>
  readonly clock: Clock
  readonly schedule: Schedule
  readonly renewalOf: (issuerName: string) => RenewalFacts | undefined
  readonly authentication: Pick<Authentication, 'clearCookies' | 'callerOf'>
  readonly onLogOut: (caller: AuthResult, requestId: string) => void
}

export interface LogOutRequest {
  readonly request: GatewayRequest
  readonly response: GatewayResponse
  readonly requestId: string
  readonly caller: AuthResult | undefined
  /** The location in which the token was found. Superseded tokens of other cookies are blocked too. */
  readonly location: Pick<TokenLocation, 'superseded'> | undefined
  /** CORS headers for the response, as alternating names and values. */
  readonly extraHeaders: readonly string[] | undefined
}

/** The log-out options of a route. */
interface LogOutOptions {
  /** Types for the Clear-Site-Data header (W3C Clear Site Data); undefined sends no header. */
  readonly clearSiteData?: readonly string[] | undefined
}

/** Longest wait before the response, for the store and for the request body. The token is blocked at once in any case. */
const WAIT_MS = 250

export interface LogOut {
  /** Returns the function that responds to the admitted requests of a log-out route. */
  policyOf(route: LogOutOptions): (admitted: LogOutRequest) => void
}

/** Creates the handlers of log-out routes. They answer 204 with cleared cookies. */
export function createLogOut(parts: LogOutParts): LogOut {
  const { revocation, clock, schedule, renewalOf, authentication, onLogOut } = parts

  /** Blocks the tokens at once. The promise settles when the store has the entries. */
  function block(callers: readonly AuthResult[]): Promise<unknown> {
    const nowSec = clock.now() / 1000
    const entries = callers.flatMap((caller) =>
      entriesFor(caller, { nowSec, reason: 'logout', renewal: renewalOf(caller.issuer) }),
    )
    // An expired token needs no entry, but its session may continue with a successor.
    const stored = revocation.block(entries.filter(({ untilSec }) => untilSec > nowSec))
    return revocation.status().up ? stored : Promise.resolve()
  }

  function logOut(admitted: LogOutRequest, { clearSiteData }: LogOutOptions): void {
    const { request, response, requestId, caller, location, extraHeaders = [] } = admitted
    function answer(): void {
      cancel()
      if (response.headersSent || response.destroyed) return
      const headers = ['cache-control', 'no-store', 'x-request-id', requestId, ...extraHeaders]
      for (const line of authentication.clearCookies(request)) headers.push('set-cookie', line)
      if (clearSiteData !== undefined)
        headers.push('clear-site-data', clearSiteData.map((kind) => `"${kind}"`).join(', '))
      response.writeHead(204, [...headers, ...closeUnlessRead(request, response)])
      response.end()
    }
    const cancel = schedule(WAIT_MS, answer)
    const others = (location?.superseded ?? [])
      .map((token) => authentication.callerOf(token))
      .filter((other) => other !== undefined)
    const callers = caller?.authenticated === true ? [caller, ...others] : []
    const stored = block(callers)
    for (const one of callers) onLogOut(one, requestId)
    void Promise.all([stored, dropBody(request)]).then(answer)
  }

  return {
    policyOf: (route) => (admitted) => {
      logOut(admitted, route)
    },
  }
}
