// Routes with `action: revoke`: block the tokens of the caller and take away the cookies that hold them.
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
  /** Where the token was found: tokens of other cookies end as well. */
  readonly location: Pick<TokenLocation, 'superseded'> | undefined
  /** CORS headers for the response, names and values in turn. */
  readonly extraHeaders: readonly string[] | undefined
}

/** What a route says about it. */
interface LogOutOptions {
  /** What the browser is told to clear of the whole site. */
  readonly clearSiteData?: readonly string[] | undefined
}

/** The token is refused from now on in any case; the response waits this long for the store to have it, and for the body. */
const WAIT_MS = 250

export interface LogOut {
  /** Returns the function that responds to the admitted requests of a log-out route. */
  policyOf(route: LogOutOptions): (admitted: LogOutRequest) => void
}

export function createLogOut(parts: LogOutParts): LogOut {
  const { revocation, clock, schedule, renewalOf, authentication, onLogOut } = parts

  /** In force when this returns. Settles when the store has them. */
  function block(callers: readonly AuthResult[]): Promise<unknown> {
    const nowSec = clock.now() / 1000
    const entries = callers.flatMap((caller) =>
      entriesFor(caller, { nowSec, reason: 'logout', renewal: renewalOf(caller.issuer) }),
    )
    // A token that has expired needs no entry; its session may live on in a successor.
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
