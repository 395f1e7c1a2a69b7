// Checks options against each other: what the schema of a single option cannot express.
import { checkAction } from './route/action-checks.ts'
import type { AsWritten } from '../text/as-written.ts'
import { checkAssertion } from './headers/assertion-checks.ts'
import { checkClaimHeaders, claimHeadersOf } from './headers/claim-header-checks.ts'
import { checkEdits } from './headers/edit-checks.ts'
import { checkOwnHeaders, type OwnHeader } from './headers/header-names.ts'
import { checkIssuers } from './issuer-checks.ts'
import { checkOrigins } from './route/origin-checks.ts'
import { checkListeners } from './listener-checks.ts'
import { entries, isOptions, options, text, type Loose } from './loose.ts'
import type { Finding } from '../problem.ts'
import { checkRenewals } from './renewal-checks.ts'
import { checkRoutePaths } from './route/route-path-checks.ts'
import { checkRouteConflicts } from './route/route-conflicts.ts'
import { checkRouteMatch } from './route/route-match-checks.ts'
import { checkRouteIssuers } from './route/route-issuer-checks.ts'
import { checkProxy, checkRouteConnect, checkUpstreams } from './upstream-checks.ts'
import { isMisspelt } from '../schema/did-you-mean.ts'
import { LOCATION_KINDS } from '../../options/tokens.ts'
import { readRedisUrl } from '../../revoke/stores/redis/redis-url.ts'

function checkTokenLocations(tokens: unknown): readonly Finding[] {
  const seen = new Set<string>()
  return entries(options(tokens)['from']).flatMap((entry, index): Finding[] => {
    const path = ['tokens', 'from', index]
    const location = options(entry)
    const [kind, ...more] = LOCATION_KINDS.filter((name) => location[name] !== undefined)
    if (kind === undefined || more.length > 0)
      return [{ path, message: `needs exactly one of ${LOCATION_KINDS.join(', ')}` }]
    if (location['scheme'] !== undefined && kind !== 'header' && kind !== 'cookie')
      return [{ path: [...path, 'scheme'], atKey: true, message: 'scheme goes with header or cookie only' }]
    const name = kind === 'header' ? text(location[kind])?.toLowerCase() : location[kind]
    const key = JSON.stringify([kind, name, text(location['scheme'])?.toLowerCase()])
    if (seen.has(key)) return [{ path, message: 'this location is named twice' }]
    seen.add(key)
    if (kind !== 'query') return []
    return [
      {
        severity: 'warning',
        path,
        message: 'tokens in URLs reach logs, histories and Referer headers',
        hint: 'RFC 6750 section 5.3',
      },
    ]
  })
}

/** All headers that only the gateway sets. */
function ownHeaders(config: Loose, routes: readonly Loose[]): readonly OwnHeader[] {
  const one = (option: string, carries: string): readonly OwnHeader[] => {
    const name = text(options(config[option])['header'])
    return name === undefined ? [] : [{ name, path: [option, 'header'], carries }]
  }
  return [
    ...one('authResult', 'the auth result'),
    ...one('assertion', 'the assertion'),
    ...claimHeadersOf(config, routes),
  ]
}

function checkRevocation({ store }: Loose): readonly Finding[] {
  const { level, redis, ca } = options(store)
  if (level !== undefined && redis !== undefined)
    return [{ path: ['revocation', 'store'], message: 'has level and redis, but the list is kept in one place only' }]
  const url = text(redis)
  const address = url === undefined ? undefined : readRedisUrl(url)
  if (ca !== undefined && address?.tls === false)
    return [
      { path: ['revocation', 'store', 'ca'], message: 'has no effect without TLS: the URL must begin with rediss' },
    ]
  if (url === undefined || address !== undefined) return []
  const hint =
    'redis://host:6379/0, redis+sentinel://host:26379/master-name, redis+cluster://host:6379; rediss with TLS'
  return [{ path: ['revocation', 'store', 'redis'], message: 'is no URL of a Redis', hint }]
}

/** Checks options against each other. Accepts a config of a wrong shape, and skips the wrong parts. */
export function crossCheck(config: unknown, written: AsWritten): readonly Finding[] {
  const { listen, admin, tokens, issuers, upstreams, routes, cors, proxy, revocation, workers } = options(config)
  const routeList = entries(routes).map(options)
  const own = ownHeaders(options(config), routeList)
  // The schema fills in an empty list of issuers, so a misspelt key looks like no issuers.
  const misspelt = entries(issuers).length === 0 && isMisspelt('issuers', options(config))
  return [
    ...checkListeners(listen, admin),
    ...checkTokenLocations(tokens),
    ...checkOwnHeaders(own, tokens, written),
    ...checkEdits(options(config), routeList, own),
    ...checkClaimHeaders(options(config), routeList),
    ...checkAssertion(options(config), routeList),
    ...checkOrigins({ cors, routes: routeList, tokens }),
    ...checkUpstreams(upstreams),
    ...checkRouteConnect(routeList, upstreams),
    ...checkProxy(proxy),
    ...checkIssuers(entries(issuers).map(options)),
    ...checkRenewals(entries(issuers).map(options), { tokens, routes: routeList, revocation, workers }),
    ...checkRevocation(options(revocation)),
    ...routeList.flatMap(checkAction),
    ...routeList.flatMap((route, index) => checkRoutePaths(route, index, written)),
    ...routeList.flatMap((route, index) => checkRouteMatch(route, index, written)),
    ...checkRouteIssuers(routeList, {
      issuers: Array.isArray(issuers) && !misspelt ? issuers.map(options) : undefined,
      upstreams: isOptions(upstreams) ? Object.keys(upstreams) : undefined,
      written,
    }),
    ...checkRouteConflicts(routeList),
  ]
}
