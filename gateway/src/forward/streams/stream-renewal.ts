// The successors that an open stream itself delivers to its client, where the issuer's renewal says so.
import type { AuthResult, RenewedToken } from '../../authenticate/auth-result.ts'
import type { TokenLocation } from '../../authenticate/locations/location.ts'

/** What a route knows for it. Compiled once. */
export interface StreamRenewalPolicy {
  /** The successor of this caller's token, when it is due and may go into a stream. */
  readonly successorOnStream: (caller: AuthResult, wallMs: number) => RenewedToken | undefined
  readonly onRenewed: (caller: AuthResult) => void
}

/** Name of the event, and `type` of the message. */
export const RENEWED_TOKEN = 'renewed_token'

/** Gives each token of a chain once, as it falls due: what a stream was given takes the place of what opened it. */
export type NextToken = (wallMs: number) => string | undefined

/** Undefined where nothing may be sent: a token from a cookie, which scripts cannot read, never goes where they can. */
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
