// An admitted request, as the forward stage receives it.
import type { Duplex } from 'node:stream'

import type { RecordedRequest } from '../accept/request-record.ts'
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { StripToken, TokenLocation } from '../authenticate/locations/location.ts'
import type { GatewayResponse } from '../message/client-exchange.ts'

export interface Admitted {
  readonly request: RecordedRequest
  readonly response: GatewayResponse
  readonly requestId: string
  /** Path and query as the client sent them. */
  readonly target: string
  /** The authenticated or anonymous caller; undefined on routes with `auth: none`. */
  readonly caller: AuthResult | undefined
  /** The location in which the token was found. */
  readonly location: TokenLocation | undefined
  /** Strips the token from the forwarded request; undefined when the token is forwarded. */
  readonly strip: StripToken | undefined
  /** CORS headers for every response, as alternating names and values. They replace the CORS headers of the upstream. */
  readonly extraHeaders: readonly string[] | undefined
  /** The upstream switched protocols. Takes over the connection, or returns an error. */
  readonly onUpgrade?: (rawHeaders: readonly string[], connection: Duplex) => Error | undefined
}
