// Delivers successors inside an open stream, for issuers with `renewal.stream: event`.
import type { AuthResult, RenewedToken } from '../../authenticate/auth-result.ts'
import type { TokenLocation } from '../../authenticate/locations/location.ts'

/** What stream renewal needs of a route. Compiled once. */
export interface StreamRenewalPolicy {
  /** Returns the successor of the caller's token, if it is due and may be sent in a stream. */
  readonly successorOnStream: (caller: AuthResult, wallMs: number) => RenewedToken | undefined
  readonly onRenewed: (caller: AuthResult) => void
}

/** Name of the server-sent event, and `type` of the WebSocket message. */
export const RENEWED_TOKEN = 'renewed_token'

/** Returns each successor once, when it is due. A delivered successor replaces the token of the stream. */
export type NextToken = (wallMs: number) => string | undefined

/** Creates the source of successors for one stream. Undefined for a token from a cookie: scripts must not read it. */
export function createNextToken(
  caller: AuthResult | undefined,
  location: TokenLocation | undefined,
  { successorOnStream, onRenewed }: StreamRenewalPolicy,
): NextToken | undefined {
  if (caller?.renewal === undefined || location === undefined || location.cookie !== undefined) return undefined
  let current = caller
  return (wallMs) => {
    const successor = successorOnStream(current, wallMs)
    if (successor === undefined) return undefined
    onRenewed(current)
    current = successor.verified
    return successor.value
  }
}
