// Paths that an upstream may read as those of a narrower route that asks for more: refused, as they could be read in two ways.
import { decodeFully, rawPath } from './path.ts'
import type { TableEntry } from './route-table.ts'
import { createRouteTree } from './route-tree.ts'

// What readers do to a path: Tomcat, Jetty and Spring take path parameters away; Express, ASP.NET and IIS pass over case, and
// Express over a slash at the end; nginx and many more merge slashes; what decodes before it splits sees slashes and queries.
const READ_IN_MANY_WAYS = /[A-Z;%]|\/\/|.\/$/
const PARAMETERS = /;[^/]*/g
const CUT_OFF = /[?#].*$/s

function tidy(path: string): string {
  return path
    .replace(/\/{2,}/g, '/')
    .replace(/(.)\/$/, '$1')
    .toLowerCase()
}

/** All that the path may mean to somebody. Safe paths alone: they decode to text, and in few rounds. */
function readingsOf(path: string): ReadonlySet<string> {
  const readings = new Set<string>()
  for (const raw of [path, path.replace(PARAMETERS, '')])
    for (const text of [decodeURIComponent(raw), decodeFully(raw) ?? raw])
      for (const named of [text, text.replace(PARAMETERS, '')])
        for (const cut of [named, named.replace(CUT_OFF, '')]) readings.add(tidy(cut))
  return readings
}

/** Whether some path could be taken for both: as far as both go, they agree. */
function mayMeet(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => path.toLowerCase().replace(/\/\*$/, '').split('/').slice(1)) as [
    string[],
    string[],
  ]
  return a.every((segment, index) => {
    const rival = b[index]
    return rival === undefined || rival === segment || segment.startsWith(':') || rival.startsWith(':')
  })
}

/** Compiled for a table: whether a target that `entry` would answer is disputed. `asksMore` compares two routes. */
export function createDispute<Route>(
  table: readonly TableEntry<Route>[],
  asksMore: (route: Route, than: Route) => boolean,
): (url: string, entry: TableEntry<Route>, host: string, method: string) => boolean {
  const isStricter = ({ route }: TableEntry<Route>, { route: than }: TableEntry<Route>) =>
    than !== undefined && (route === undefined || asksMore(route, than))
  const loose = createRouteTree(table, ({ path }) => tidy(path), isStricter)
  const contested = new Map<TableEntry<Route>, boolean>()

  /** Worked out at the first doubtful path of an entry: most entries have nobody narrower who asks for more. */
  function isContested(entry: TableEntry<Route>): boolean {
    let answer = contested.get(entry)
    if (answer === undefined) {
      answer = table.some(
        (rival) => rival.rank > entry.rank && isStricter(rival, entry) && mayMeet(entry.path, rival.path),
      )
      contested.set(entry, answer)
    }
    return answer
  }

  return (url, entry, host, method) => {
    if (!isContested(entry)) return false
    const path = rawPath(url)
    if (!READ_IN_MANY_WAYS.test(path)) return false
    for (const reading of readingsOf(path)) {
      const rival = loose.find(reading, host, method)
      if (rival !== undefined && rival.rank > entry.rank && isStricter(rival, entry)) return true
    }
    return false
  }
}
