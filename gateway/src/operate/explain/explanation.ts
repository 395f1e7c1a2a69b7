// The explanation of a request: its route, each check, its renewal, and what client and upstream would receive.
import type { CheckReport } from './explain-checks.ts'
import type { RenewalReport } from './explain-renewal.ts'
import type { NearRoute } from './near-routes.ts'
import type { Claims } from '../../authenticate/auth-result.ts'
import type { Config } from '../../options/config.ts'

/** An answer of the gateway itself: a refusal, a preflight response, published keys or a log-out. */
export interface OwnAnswer {
  readonly status: number
  /** The failure code of the x-tollgate header; undefined for a log-out. */
  readonly code: string | undefined
  readonly challenge: string | undefined
}

export interface Explanation {
  /** `not known`: the decision depends on the running gateway or on the network. */
  readonly verdict: 'passes' | 'refused' | 'not known'
  readonly passes: boolean
  readonly route: Config['routes'][number] | undefined
  /** The nearest routes and their differences, when no route matches. */
  readonly nearRoutes: readonly NearRoute[] | undefined
  /** The location of the token, such as `header authorization`; undefined when no token was found. */
  readonly foundIn: string | undefined
  readonly token: { readonly header: Readonly<Record<string, unknown>>; readonly claims: Claims } | undefined
  readonly checks: readonly CheckReport[]
  /** Whether the response would carry a successor; undefined when the tokens of the issuer are not renewed. */
  readonly renewal: RenewalReport | undefined
  /** The auth-result header; undefined when the request is not forwarded, or without this header. */
  readonly upstreamHeader: { readonly name: string; readonly value: string; readonly decoded: unknown } | undefined
  /** The headers with single claims that the upstream would get. */
  readonly claimHeaders: readonly { readonly name: string; readonly value: string }[]
  /** The gateway's own answer to the client; undefined when the response comes from the upstream. */
  readonly answer: OwnAnswer | undefined
}
