// A route as data: the policy of each stage, and the function that sends the response.
import type { Admitted } from '../forward/admitted.ts'
import type { AdmissionPolicy } from '../accept/admit.ts'
import type { AdmissionStage } from '../accept/admission.ts'
import type { Authorization } from '../authorize/authorize.ts'
import type { ForwardPolicy } from '../forward/forward.ts'
import type { Forwarding } from '../forward/forwarding.ts'
import type { RouteTally } from '../observe/metrics/route-tally.ts'
import type { Config } from '../options/config.ts'
import type { PublishedKeySet } from '../renew/signing/publish-keys.ts'
import type { LogOut } from '../revoke/log-out.ts'

export type RouteConfig = Config['routes'][number]

/** The functions are the same for all routes (steps.ts): decision 0018. */
export interface Route {
  readonly admission: AdmissionPolicy
  /** Scopes for the challenge of scope_missing. */
  readonly scopes: readonly string[]
  readonly tally: RouteTally
  /** Undefined when the gateway answers itself. */
  readonly forwarding: ForwardPolicy | undefined
  readonly ownAnswer: ((admitted: Admitted) => void) | undefined
  /** False: Node's parser reads its requests. */
  readonly isForLane: boolean
  /** Undefined for published keys. */
  readonly config: RouteConfig | undefined
}

export interface RouteParts {
  readonly admission: AdmissionStage
  readonly authorization: Authorization
  readonly forwarding: Pick<Forwarding, 'policyOf' | 'assertions'>
  readonly logOut: LogOut
  readonly renewals: { readonly published: readonly PublishedKeySet[] }
  readonly tallyOf: (path: string) => RouteTally
}

/** Creates all routes: those of the config, and one for each key set that the gateway publishes. */
export function createRoutes(
  { routes, upstreams }: Pick<Config, 'routes' | 'upstreams'>,
  parts: RouteParts,
): readonly Route[] {
  const { admission, authorization, forwarding, logOut, tallyOf } = parts
  return [
    ...[...parts.renewals.published, ...(forwarding.assertions?.published ?? [])].map(({ path, answer }): Route => ({
      admission: admission.policyForAnybody(path),
      scopes: [],
      tally: tallyOf(path),
      forwarding: undefined,
      ownAnswer({ response, requestId }) {
        answer(response, requestId)
      },
      isForLane: true,
      config: undefined,
    })),
    ...routes.map((config): Route => ({
      admission: admission.policyOf(config),
      scopes: authorization.policyOf(config).scopes,
      tally: tallyOf(config.path),
      forwarding: forwarding.policyOf(config),
      ownAnswer: config.action === undefined ? undefined : logOut.policyOf(config),
      // undici decodes names and values, so that they may hold what Node alone would refuse to write.
      isForLane: config.upstream === undefined || upstreams[config.upstream]?.transport !== 'undici',
      config,
    })),
  ]
}
