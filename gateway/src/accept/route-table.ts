// The routes as the router wants them: each method of a path has one route, and what none takes is answered 405.
import { METHODS } from 'node:http'

/** What the table needs to know of a route. */
export interface Routable {
  readonly path: string
  readonly methods: readonly string[] | undefined
  readonly hosts: readonly string[] | undefined
}

export interface TableEntry<Route> {
  readonly path: string
  readonly host: string | undefined
  readonly methods: readonly string[]
  /** Undefined: no route takes these methods, though the path has routes; `allow` says which it does. */
  readonly route: Route | undefined
  readonly allow: readonly string[]
  /** All routes of this path and host. */
  readonly siblings: readonly Route[]
}

/** CONNECT asks for a tunnel, not for a resource: Node never hands it to a request handler. */
export const FORWARDED_METHODS: readonly string[] = METHODS.filter((method) => method !== 'CONNECT')

/** `/users/:id` and `/users/:name` are one path to the router. */
function shapeOf(path: string): string {
  return path.replace(/:[^/]+/g, ':')
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

/** Every path and host with all methods: the router then decides about method and path in one step. */
export function buildRouteTable<Route extends Routable>(routes: readonly Route[]): readonly TableEntry<Route>[] {
  const places = routes.flatMap((route) => (route.hosts ?? [undefined]).map((host) => ({ route, host })))
  return groupBy(places, ({ route, host }) => `${host ?? ''} ${shapeOf(route.path)}`).flatMap((group) => {
    const siblings = group.map(({ route }) => route)
    const allow = [...new Set(siblings.flatMap(({ methods }) => methods ?? FORWARDED_METHODS))]
    const rest = FORWARDED_METHODS.filter((method) => !allow.includes(method))
    const entries: TableEntry<Route>[] = group.map(({ route, host }) => {
      return { path: route.path, host, methods: route.methods ?? FORWARDED_METHODS, route, allow, siblings }
    })
    const [first] = entries
    if (first !== undefined && rest.length > 0) entries.push({ ...first, methods: rest, route: undefined })
    return entries
  })
}

const COMMON_METHODS: readonly (readonly string[])[] = [['GET'], ['POST', 'PUT', 'PATCH', 'DELETE']]
const METHOD_GROUPS = [
  ...COMMON_METHODS,
  FORWARDED_METHODS.filter((method) => !COMMON_METHODS.some((group) => group.includes(method))),
]

/**
 * The same table, the common methods first. The router keeps a tree for each method: registered in this order, the one for
 * GET lies together in memory instead of strewn among those of thirty methods that are hardly ever used.
 */
export function commonMethodsFirst<Route>(table: readonly TableEntry<Route>[]): readonly TableEntry<Route>[] {
  return METHOD_GROUPS.flatMap((group) =>
    table.flatMap((entry) => {
      const methods = entry.methods.filter((method) => group.includes(method))
      return methods.length === 0 ? [] : [{ ...entry, methods }]
    }),
  )
}
