// The interface of renewal as authentication uses it: the renew stage implements it for each issuer that renews.
import type { AuthResult, Claims, RenewalState } from './auth-result.ts'
import type { Validity } from './token/claims.ts'
import type { UnverifiedToken } from './token/token-shape.ts'
import type { Failure } from '../failure.ts'

/** A token that was found good, as far as renewing it must know. */
export interface Renewable {
  readonly raw: string
  readonly result: AuthResult
}

export interface IssuerRenewal {
  /** When a token counts: longer where it may be renewed after its expiry, never beyond the end of its session. */
  validityOf(claims: Claims, plain: Validity): Validity
  /** Why an expired token cannot be renewed, when that is because its session is over. */
  sessionOver(claims: Claims, nowSec: number): Failure | undefined
  /** Kept beside the token; undefined when it can never be renewed. */
  stateOf(claims: Claims, token: Pick<UnverifiedToken, 'signed' | 'signature'>): RenewalState | undefined
  /** The token is due: makes its successor, once. A failure when it has expired and passes only with one. */
  renew(token: Renewable, state: RenewalState, nowSec: number): Failure | undefined
  /** A token was verified for the first time in this process: if it is a successor, its client has it. */
  onFirstUse(token: Renewable, nowSec: number): void
  /** A token that is blocked was sent. */
  onBlocked(token: Renewable, nowSec: number): void
}
