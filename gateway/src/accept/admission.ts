// Creates the accept stage: compiles the config of each route to the policy by which its requests are admitted.
import type { AdmissionParts, AdmissionPolicy, DecisionTally } from './admit.ts'
import type { FailureLimit } from './failure-limit.ts'
import { compileCors, type CorsConfig, type CorsPolicy } from './origins/cors.ts'
import { createOriginGuard, type OriginGuardParts } from './origins/origin-guard.ts'
import type { Authentication } from '../authenticate/authentication.ts'
import type { ClientOf } from '../message/client-address.ts'
import type { PeerTrust } from '../message/trusted-proxies.ts'
import { compileOnce } from '../options/compile-once.ts'
import type { Config } from '../options/config.ts'

type RouteConfig = Config['routes'][number]
type OriginRules = Omit<OriginGuardParts, 'isTrusted'>

export interface AdmissionStageParts {
  readonly isTrusted: PeerTrust
  readonly clientOf: ClientOf
  readonly authentication: Pick<Authentication, 'policyOf' | 'anonymous'>
  readonly authorization: { policyOf(route: Pick<RouteConfig, 'require'>): Pick<AdmissionPolicy, 'authorize'> }
  /** Returns the decision counter of a route, by its path in the config. */
  readonly tallyOf: (path: string) => DecisionTally
  /** Undefined: no limit on failed tokens. */
  readonly failureLimit: FailureLimit | undefined
}

/** The options of a route that this stage reads. */
export type AdmittingRoute = Pick<
  RouteConfig,
  | 'path'
  | 'methods'
  | 'hosts'
  | 'encodedSlashes'
  | 'emptySegments'
  | 'action'
  | 'auth'
  | 'issuers'
  | 'require'
  | 'cors'
  | 'origins'
  | 'websocket'
>

const ANYBODY: Omit<AdmittingRoute, 'path'> = {
  methods: ['GET'],
  encodedSlashes: 'refuse',
  emptySegments: 'refuse',
  auth: 'none',
  websocket: false,
}

export interface AdmissionStage {
  policyOf(route: AdmittingRoute): AdmissionPolicy
  /** The policy of a public path: GET without a token. */
  policyForAnybody(path: string): AdmissionPolicy
  /** The CORS policy of requests that match no route. */
  readonly corsEverywhere: CorsPolicy | undefined
  /** Undefined: no limit on failed tokens. */
  readonly failureLimit: FailureLimit | undefined
}

export function createAdmission(
  config: Pick<Config, 'cors'>,
  { isTrusted, clientOf, authentication, authorization, tallyOf, failureLimit }: AdmissionStageParts,
): AdmissionStage {
  const parts: AdmissionParts = {
    failureLimit,
    clientOf,
    anonymous: Object.freeze({ caller: authentication.anonymous, location: undefined }),
  }
  const corsOf = compileOnce(compileCors)
  const originGuardOf = compileOnce((rules: OriginRules) => createOriginGuard({ ...rules, isTrusted }))

  /** Names each member: objects made by spreads get a hidden class each, which slows the hot path with many routes. */
  function policyWith(route: AdmittingRoute, cors: CorsConfig | undefined): AdmissionPolicy {
    const { auth, identification, issuers } = authentication.policyOf(route)
    return {
      path: route.path,
      methods: route.methods,
      hosts: route.hosts,
      encodedSlashes: route.encodedSlashes === 'allow',
      emptySegments: route.emptySegments === 'allow',
      cors: cors === undefined ? undefined : corsOf(cors),
      websocket: route.websocket,
      auth,
      identification,
      issuers,
      authorize: authorization.policyOf(route).authorize,
      originGuard: originGuardOf({
        origins: route.origins,
        credentialed: cors?.credentials === true ? cors.origins : [],
      }),
      tally: tallyOf(route.path),
      parts,
    }
  }

  return {
    policyOf: (route) => policyWith(route, route.cors ?? config.cors),
    policyForAnybody: (path) => policyWith({ ...ANYBODY, path }, undefined),
    corsEverywhere: config.cors === undefined ? undefined : corsOf(config.cors),
    failureLimit,
  }
}
