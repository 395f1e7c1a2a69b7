// Groups the routes by path and host: one route for each method, 405 for other methods.
import { METHODS } from 'node:http'

import { hostPatternOf } from './host-name.ts'

/** Which requests a route is for. */
export interface Routable {
  readonly path: string
  readonly methods: readonly string[] | undefined
  readonly hosts: readonly string[] | undefined
}

export interface TableEntry<Route> {
  readonly path: string
  readonly host: string | undefined
  readonly methods: readonly string[]
  /** Undefined for methods without a route on this path: a 405, with the methods in `allow`. */
  readonly route: Route | undefined
  readonly allow: readonly string[]
  /** All routes of this path and host. */
  readonly siblings: readonly Route[]
}

/** All methods but CONNECT, which asks for a tunnel: Node never passes it to a request handler. */
export const FORWARDED_METHODS: readonly string[] = METHODS.filter((method) => method !== 'CONNECT')

/** The path without parameter names: `/users/:id` and `/users/:name` are the same path. */
function shapeOf(path: string): string {
  return path.replace(/\/:[^/]+/g, '/:')
}

/** The rank of a path: of two that match, the greater is narrower. From the left: text, then a parameter, then `*`. */
export function rankOf(path: string): string {
  const kinds = path
    .split('/')
    .slice(1)
    .map((segment) => (segment === '*' ? '0' : segment.startsWith(':') ? '2' : '3'))
  return kinds.at(-1) === '0' ? kinds.join('') : `${kinds.join('')}1`
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return [...groups.values()]
}

/** A route for GET also serves HEAD (RFC 9110 section 9.3.2), unless another route of the path and host names HEAD. */
function methodsOf({ methods }: Routable, siblings: readonly { readonly admission: Routable }[]): readonly string[] {
  if (methods === undefined) return FORWARDED_METHODS
  if (!methods.includes('GET') || siblings.some(({ admission }) => admission.methods?.includes('HEAD'))) return methods
  return methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
}

/** Every path and host with all methods. */
export function buildRouteTable<Route extends { readonly admission: Routable }>(
  routes: readonly Route[],
): readonly TableEntry<Route>[] {
  const places = routes.flatMap((route) =>
    (route.admission.hosts ?? [undefined]).map((host) => ({
      route,
      path: route.admission.path,
      host: host === undefined ? host : hostPatternOf(host),
    })),
  )
  return groupBy(places, ({ path, host }) => `${host ?? ''} ${shapeOf(path)}`).flatMap((group) => {
    const siblings = group.map(({ route }) => route)
    const methods = (route: Route) => methodsOf(route.admission, siblings)
    const allow = [...new Set(siblings.flatMap(methods))]
    const rest = FORWARDED_METHODS.filter((method) => !allow.includes(method))
    const entries: TableEntry<Route>[] = group.map(({ route, path, host }) => ({
      path,
      host,
      methods: methods(route),
      route,
      allow,
      siblings,
    }))
    const [first] = entries
    if (first !== undefined && rest.length > 0) entries.push({ ...first, methods: rest, route: undefined })
    return entries
  })
}
