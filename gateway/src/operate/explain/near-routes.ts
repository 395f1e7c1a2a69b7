// Finds the nearest routes of a request that no route matches, and their differences from it.
import { hostNameOf } from '../../accept/routes/host-name.ts'
import { decodedPath, plainPath, rawPath } from '../../accept/routes/path.ts'
import { buildRouteTable, type Routable } from '../../accept/routes/route-table.ts'
import { createRouteTree } from '../../accept/routes/route-tree.ts'
import { nearest } from '../../config/schema/did-you-mean.ts'
import { differenceOf, quoted } from '../../message/shown-value.ts'
import type { Config } from '../../options/config.ts'
import type { ExplainedRequest } from './explained-request.ts'

export interface NearRoute {
  readonly path: string
  readonly hosts: readonly string[] | undefined
  readonly methods: readonly string[] | undefined
  readonly differs: readonly ('path' | 'host' | 'method')[]
  /** The difference in plain words: the value of the request and that of the route. */
  readonly text: string
}

const MAX_SHOWN = 3

/** The parts of a request by which routes are selected. */
interface Place {
  readonly path: string
  readonly host: string
  readonly method: string
}

function takes(route: Partial<Routable>, { path, host, method }: Place): boolean {
  const whole: Routable = { path: '/*', methods: undefined, hosts: undefined, ...route }
  return createRouteTree(buildRouteTable([{ admission: whole }])).find(path, host, method)?.route !== undefined
}

/** The cost of one segment: 0 for a match, 0.5 for a misspelling, 1 for another word. */
function costOf(segment: string, ofRoute: string): number {
  if (segment === ofRoute || (ofRoute.startsWith(':') && segment !== '')) return 0
  return nearest(segment, [ofRoute]) === undefined ? 1 : 0.5
}

/** The edit distance of two paths, by segment. Segments after the prefix of a route cost nothing. */
function distance(path: readonly string[], ofRoute: readonly string[], isPrefix: boolean): number {
  let row = Array.from({ length: ofRoute.length + 1 }, (_, index) => index)
  let least = row.at(-1) as number
  for (const segment of path) {
    // An additional slash is likely a typing mistake.
    const extra = segment === '' ? 0.5 : 1
    const next = [(row[0] as number) + extra]
    for (const [at, wanted] of ofRoute.entries()) {
      const replaced = (row[at] as number) + costOf(segment, wanted)
      next.push(Math.min(replaced, (row[at + 1] as number) + extra, (next[at] as number) + 1))
    }
    row = next
    least = Math.min(least, row.at(-1) as number)
  }
  return isPrefix ? least : (row.at(-1) as number)
}

function segmentsOf(path: string): readonly string[] {
  return path.split('/').slice(1)
}

/** Undefined when more than half of the path differs. */
function pathCost(path: string, ofRoute: string): number | undefined {
  const isPrefix = ofRoute.endsWith('/*')
  const wanted = segmentsOf(isPrefix ? ofRoute.slice(0, -2) : ofRoute)
  const segments = segmentsOf(path)
  const cost = distance(segments, wanted, isPrefix)
  return cost <= Math.max(wanted.length, isPrefix ? 0 : segments.length) / 2 ? cost : undefined
}

function pathText(path: string, ofRoute: string): string {
  const difference = differenceOf(path, ofRoute)
  if (difference !== undefined) return `path: ${quoted(path)}, which differs by ${difference}`
  const wanted = segmentsOf(ofRoute)
  const at = segmentsOf(path).findIndex((segment, index) => costOf(segment, wanted[index] ?? '') === 0.5)
  const misspelt = at === -1 ? '' : `: ${quoted(segmentsOf(path)[at] ?? '')} is not ${quoted(wanted[at] ?? '')}`
  return `path: ${quoted(path)}${misspelt}`
}

function compare(route: Routable, place: Place): (NearRoute & { readonly rank: number }) | undefined {
  const { path, hosts, methods } = route
  const texts: string[] = []
  const differs: NearRoute['differs'][number][] = []
  const note = (what: NearRoute['differs'][number], text: string) => {
    differs.push(what)
    texts.push(text)
  }
  const isPath = takes({ path }, place)
  const cost = isPath ? 0 : pathCost(place.path, path)
  if (cost === undefined) return undefined
  if (!isPath) note('path', pathText(place.path, path))
  if (!takes({ hosts }, place)) note('host', `host: ${place.host === '' ? 'none' : quoted(place.host)}`)
  if (!takes({ methods }, place)) note('method', `method: ${place.method}`)
  return {
    path,
    hosts,
    methods,
    differs,
    text: `the request differs in ${texts.join('; ')}`,
    rank: 3 * cost + differs.length,
  }
}

/** Returns the routes with the nearest paths first; none for a target without a path, or an invalid host. */
export function nearRoutes(
  { routes, issuers, assertion }: Config,
  { method, target, headers }: ExplainedRequest,
): readonly NearRoute[] {
  const path = plainPath(target) ?? decodedPath(target) ?? rawPath(target)
  const host = hostNameOf(headers['host'] ?? '') ?? ''
  if (!path.startsWith('/')) return []
  const published = [...issuers.map(({ renewal }) => renewal), assertion].flatMap((keys) =>
    keys?.jwksPath === undefined ? [] : [{ path: keys.jwksPath, methods: ['GET'], hosts: undefined }],
  )
  return [...routes, ...published]
    .flatMap(
      ({ path: ofRoute, methods, hosts }) => compare({ path: ofRoute, methods, hosts }, { path, host, method }) ?? [],
    )
    .sort((a, b) => a.rank - b.rank)
    .slice(0, MAX_SHOWN)
    .map(({ rank: _rank, ...near }) => near)
}
