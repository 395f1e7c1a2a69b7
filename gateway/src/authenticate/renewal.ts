// The interface between authentication and renewal. The renew stage implements it for each issuer with renewal.
import type { AuthResult, Claims, RenewalState } from './auth-result.ts'
import type { Validity } from './token/claims.ts'
import type { UnverifiedToken } from './token/token-shape.ts'
import type { Failure } from '../failure.ts'

/** The parts of a verified token that renewal needs. */
export interface Renewable {
  readonly raw: string
  readonly result: AuthResult
}

export interface IssuerRenewal {
  /** Returns the validity with the grace period for renewal, limited by the end of the session. */
  validityOf(claims: Claims, plain: Validity): Validity
  /** Returns session_too_old for a token whose session has exceeded `maxSession`. */
  sessionOver(claims: Claims, nowSec: number): Failure | undefined
  /** Creates the renewal state of a token; undefined when it can never be renewed. */
  stateOf(claims: Claims, token: Pick<UnverifiedToken, 'signed' | 'signature'>): RenewalState | undefined
  /** Makes the successor of a due token, once. Failure token_expired for an expired token without a successor. */
  renew(token: Renewable, state: RenewalState, nowSec: number): Failure | undefined
  /** Called when this process verifies a token for the first time. If it is a successor, its client has received it. */
  onFirstUse(token: Renewable, nowSec: number): void
  /** Called when a client sends a blocked token. */
  onBlocked(token: Renewable, nowSec: number): void
}
