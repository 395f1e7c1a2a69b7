// What an explanation says of a request: its route, each check, its renewal, and what client and upstream would see.
import type { CheckReport } from './explain-checks.ts'
import type { RenewalReport } from './explain-renewal.ts'
import type { NearRoute } from './near-routes.ts'
import type { Claims } from '../../authenticate/auth-result.ts'
import type { Config } from '../../options/config.ts'

/** What the gateway answers itself: a refusal, a preflight, published keys, a log-out. */
export interface OwnAnswer {
  readonly status: number
  /** As in x-tollgate; undefined of a log-out. */
  readonly code: string | undefined
  readonly challenge: string | undefined
}

export interface Explanation {
  /** `not known`: what only the gateway that runs, or the network, can tell decides. */
  readonly verdict: 'passes' | 'refused' | 'not known'
  readonly passes: boolean
  readonly route: Config['routes'][number] | undefined
  /** Where no route takes the request: those that come nearest, and what differs. */
  readonly nearRoutes: readonly NearRoute[] | undefined
  /** `header authorization`; undefined where no token was found. */
  readonly foundIn: string | undefined
  readonly token: { readonly header: Readonly<Record<string, unknown>>; readonly claims: Claims } | undefined
  readonly checks: readonly CheckReport[]
  /** Whether the response would carry a successor of the token; undefined where its issuer's tokens are not renewed. */
  readonly renewal: RenewalReport | undefined
  /** What the upstream would get; undefined where the request would not come to it, or no header is sent. */
  readonly upstreamHeader: { readonly name: string; readonly value: string; readonly decoded: unknown } | undefined
  /** What the client would see; undefined where the response is the upstream's. */
  readonly answer: OwnAnswer | undefined
}
