// Determines the state of issuers, revocation and upstreams, and whether any route could serve a valid token.
import type { TrustedIssuer } from '../../authenticate/issuers.ts'
import type { Clock } from '../../clock.ts'
import type { Upstream } from '../../forward/upstream/upstream.ts'
import type { Config } from '../../options/config.ts'
import { AUTH_MODES } from '../../options/route/auth-modes.ts'
import type { Revocation } from '../../revoke/revocation.ts'
import { keyStatus } from '../events/key-events.ts'
import { revocationFindings } from '../events/revocation-events.ts'
import type { Finding } from './readiness.ts'

type RouteConfig = Config['routes'][number]

export interface FindingParts {
  readonly config: Pick<Config, 'issuers' | 'routes'>
  readonly issuers: readonly TrustedIssuer[]
  readonly upstreams: ReadonlyMap<string, Pick<Upstream, 'canServe' | 'status'>>
  readonly revocation: Pick<Revocation, 'status' | 'refusal'>
  /** Returns the watched certificates of listeners, each with why its files cannot be used; undefined if they can. */
  readonly certificates: () => readonly { readonly name: string; readonly problem: string | undefined }[]
  readonly clock: Clock
}

/** For files that are read at the start, which would then fail. */
const NO_RESTART = ', and the next start would fail'

const takesTokens = ({ auth, action }: RouteConfig) => AUTH_MODES[auth].readsToken || action !== undefined

/** Returns the routes whose state decides readiness: the forwarding routes that take tokens; without any, all forwarding routes. */
function routesThatCount(routes: readonly RouteConfig[]): readonly RouteConfig[] {
  const forwarding = routes.filter(({ upstream }) => upstream !== undefined)
  const takers = forwarding.filter(takesTokens)
  return takers.length > 0 ? takers : forwarding
}

/** True when all these routes need the part, so that no request is served without it. */
function isNeededByAll(routes: readonly RouteConfig[], needs: (route: RouteConfig) => boolean): boolean {
  return routes.length > 0 && routes.every(needs)
}

/** Creates the check. It reads the current state at each call, without fetching or waiting. */
export function createFindings(parts: FindingParts): () => readonly Finding[] {
  const { config, issuers, upstreams, revocation, certificates, clock } = parts
  const counting = routesThatCount(config.routes)
  const takers = config.routes.filter(takesTokens)
  const accepts = (route: RouteConfig, issuer: string) => route.issuers === undefined || route.issuers.includes(issuer)
  const criticalIssuers = new Set(
    config.issuers
      .filter(({ name, critical }) => critical ?? isNeededByAll(takers, (route) => accepts(route, name)))
      .map(({ name }) => name),
  )
  const criticalUpstreams = new Set(
    [...upstreams.keys()].filter((name) => isNeededByAll(counting, ({ upstream }) => upstream === name)),
  )

  function ofIssuers(): Finding[] {
    return keyStatus(issuers, clock).map(({ issuer, isLocal, count, problem }): Finding => {
      const part = `keys of issuer ${issuer}`
      const missing = criticalIssuers.has(issuer) ? 'failing' : 'degraded'
      if (count === 0) return { part, state: missing, reason: problem ?? 'not fetched yet' }
      return problem === undefined
        ? { part, state: 'ok' }
        : { part, state: 'degraded', reason: `${problem}; the last good ones still serve${isLocal ? NO_RESTART : ''}` }
    })
  }

  function ofUpstreams(): Finding[] {
    return [...upstreams].map(([name, upstream]): Finding => {
      const part = `upstream ${name}`
      const targets = upstream.status()
      const out = targets.filter(({ available }) => !available)
      if (!upstream.canServe())
        return { part, state: criticalUpstreams.has(name) ? 'failing' : 'degraded', reason: 'no target is healthy' }
      if (out.length === 0) return { part, state: 'ok' }
      const names = out.map(({ target }) => target).join(', ')
      return { part, state: 'degraded', reason: `${out.length} of ${targets.length} targets get no requests: ${names}` }
    })
  }

  function ofCertificates(): Finding[] {
    return certificates().map(({ name, problem }): Finding => {
      const part = `certificate of ${name}`
      return problem === undefined
        ? { part, state: 'ok' }
        : { part, state: 'degraded', reason: `${problem}; the last one still serves${NO_RESTART}` }
    })
  }

  function couldPass(route: RouteConfig): boolean {
    const hasKeys = issuers.some(({ name, keys }) => accepts(route, name) && keys.ring.size > 0)
    return (hasKeys || !takesTokens(route)) && upstreams.get(route.upstream ?? '')?.canServe() === true
  }

  return () => {
    const findings = [...ofIssuers(), ...revocationFindings(revocation), ...ofUpstreams(), ...ofCertificates()]
    if (counting.length === 0 || findings.some(({ state }) => state === 'failing') || counting.some(couldPass))
      return findings
    return [...findings, { part: 'routes', state: 'failing', reason: 'no route can answer a good token with 200' }]
  }
}
