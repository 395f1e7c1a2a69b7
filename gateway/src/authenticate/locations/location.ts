// The interface of a token location: finds, strips and puts a token, and names the header for Vary.
import type { IncomingHttpHeaders } from 'node:http'

import type { Failure } from '../../failure.ts'
import type { RawHeaders } from '../../message/raw-headers.ts'

/** The parts of a request that can hold a token. `url` is the path with its query. */
export interface TokenCarrier {
  readonly headers: IncomingHttpHeaders
  /** Shows the second of two headers where `headers` has only the first. */
  readonly rawHeaders?: RawHeaders
  readonly url: string
}

/** Strips tokens from outgoing headers (alternating names and values) in place, and returns the target without tokens. */
export type StripToken = (headers: string[], target: string) => string

/** A request with a token: its target, and additional headers with lower-case names. */
export interface PutToken {
  readonly target: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** A token location. The compiler demands all members, so that no kind can find a token without stripping it. */
export interface TokenLocation {
  /** For logs and `explain`, such as `header authorization`. */
  readonly name: string
  /**
   * Returns the token in this location; undefined without one. Failures: token_ambiguous, token_malformed. Only cookies return
   * several tokens: a browser has one cookie for each domain and path, and the gateway's may stand beside that of the log-in.
   */
  readonly find: (carrier: TokenCarrier) => string | readonly string[] | Failure | undefined
  /** Strips all tokens, in every spelling that an upstream may read, and keeps every other byte. */
  readonly strip: StripToken
  /** True for locations that are stripped even with `tokens.forward: keep`, because they appear in logs. */
  readonly isAlwaysStripped: boolean
  /** Strips only these of several tokens, so that the upstream reads the same one. Undefined for locations with one token. */
  readonly stripOnly: ((tokens: readonly string[]) => StripToken) | undefined
  /** Returns the request parts with which `find` returns this token. */
  readonly put: (token: string, target: string) => PutToken
  /** Lower-case name of the header with the token, for Vary (RFC 9110 section 12.5.5). Undefined for the URL. */
  readonly header: string | undefined
  /** Name of the cookie; undefined for other kinds. */
  readonly cookie: string | undefined
  /** Name of the subprotocol before the token; undefined for other kinds. */
  readonly subprotocol: string | undefined
  /** How a response delivers the successor of a token from this location. Undefined: it cannot. */
  readonly wayBack: 'header' | 'cookie' | undefined
  /** The tokens that were not chosen, if several cookies held one. */
  readonly superseded?: readonly string[]
}

/** A token and its location. */
export interface FoundToken {
  readonly token: string
  readonly location: TokenLocation
  /** All candidate cookies, this one first; undefined for a single token. one-session.ts chooses among them. */
  readonly rivals: readonly FoundToken[] | undefined
}

/** Most candidate cookies in a request: each may cost a signature check. */
export const MAX_COOKIES = 4
