// An admitted request: all that forwarding needs to know of it.
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

import type { RecordedRequest } from '../accept/request-record.ts'
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { StripToken, TokenLocation } from '../authenticate/locations/location.ts'

export interface Admitted {
  readonly request: RecordedRequest
  readonly response: ServerResponse
  readonly requestId: string
  /** Path and query as they came. */
  readonly target: string
  /** Who calls; undefined where nobody was asked. */
  readonly caller: AuthResult | undefined
  /** Where its token was found. */
  readonly location: TokenLocation | undefined
  /** Takes the token out of what goes on; undefined where it stays. */
  readonly strip: StripToken | undefined
  /** Headers that every response to this request carries (CORS), names and values in turn; the upstream's own are dropped. */
  readonly extraHeaders: readonly string[] | undefined
  /** The upstream switched protocols, as was asked: takes the connection, or says why it cannot. */
  readonly onUpgrade?: (rawHeaders: readonly string[], connection: Duplex) => Error | undefined
}
