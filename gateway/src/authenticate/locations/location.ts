// One location of tokens in a request: how a token there is found, taken away and put, and what responses vary by.
import type { IncomingHttpHeaders } from 'node:http'

import type { Failure } from '../../failure.ts'

/** The parts of a request that can hold a token. `url` is the path with its query. */
export interface TokenCarrier {
  readonly headers: IncomingHttpHeaders
  readonly url: string
}

/** Edits the outgoing headers (names and values in turn) in place, and returns the target without the token. */
export type StripToken = (headers: string[], target: string) => string

/** What a request with this token has besides: its target, and headers with names in lower case. */
export interface PutToken {
  readonly target: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** Each kind of location gives all of this: the compiler refuses one that can find a token and not take it away. */
export interface TokenLocation {
  /** For logs and `explain`, such as `header authorization`. */
  readonly name: string
  /**
   * The token here; undefined when there is none; a failure when what is here cannot be a single token. Several only of cookies:
   * a browser has one for each domain and path, and the gateway's own may stand beside that of the log-in.
   */
  readonly find: (carrier: TokenCarrier) => string | readonly string[] | Failure | undefined
  /** Takes all tokens away, in each spelling that an upstream would read, and leaves every other byte as it came. */
  readonly strip: StripToken
  /** Whether tokens never go on from here, with `tokens.forward: keep` neither: they would reach logs. */
  readonly isAlwaysStripped: boolean
  /** Where several tokens can be here: takes only these away, so that no upstream believes another than the gateway does. */
  readonly stripOnly: ((tokens: readonly string[]) => StripToken) | undefined
  /** Puts a token where `find` would find it. */
  readonly put: (token: string, target: string) => PutToken
  /** The request header that tokens stand in, lower case; undefined where they are in the URL. Responses vary by it (RFC 9110 section 12.5.5). */
  readonly header: string | undefined
  /** Name of the cookie; undefined for other kinds. */
  readonly cookie: string | undefined
  /** Name of the subprotocol that a token follows; undefined for other kinds. */
  readonly subprotocol: string | undefined
  /** What carries a successor back to whoever sent a token from here. Undefined: no response can. */
  readonly wayBack: 'header' | 'cookie' | undefined
  /** Where several cookies held a token: those that do not count. */
  readonly superseded?: readonly string[]
}

/** A token and its location. */
export interface FoundToken {
  readonly token: string
  readonly location: TokenLocation
  /** All cookies that hold a token, this one first, where there are several: one-session.ts says which counts. */
  readonly rivals: readonly FoundToken[] | undefined
}

/** More in one request are refused: each may cost a signature check. */
export const MAX_COOKIES = 4
