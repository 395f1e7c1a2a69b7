// Refuses paths that an upstream may read as the path of a stricter route.
import { decodeFully, decodeKeepingSlashes, rawPath } from './path.ts'
import { rankOf, type TableEntry } from './route-table.ts'
import { createRouteTree, type RouteTree } from './route-tree.ts'

// How servers read a path: Tomcat, Jetty and Spring remove path parameters. Express, ASP.NET and IIS ignore case. Express
// ignores a trailing slash and compares escapes undecoded. nginx and many others merge slashes. A server that decodes before it
// splits sees escaped slashes and queries.
const READ_IN_MANY_WAYS = /[A-Z;%]|\/\/|.\/$|\.(?:\/|$)/
// Other servers match such a route with plain paths.
const WRITTEN_IN_MANY_WAYS = /\/[^:/]*[A-Z]|[^/]\/$/
const ANY = /^/
const NONE = /$^/

const PARAMETERS = /;[^/]*/g
const CUT_OFF = /[?#].*$/s
// Windows drops dots and spaces after a file name. Spring's AntPathMatcher before 4.3 trims spaces on both sides. The lookbehind
// matches a run from its first character only: from each character would take quadratic time.
const AROUND_NAMES = /(?<=\/)[ \t]+|(?<![. \t])[. \t]+(?=\/|$)/g

function withoutEnd(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** For servers that ignore case and a trailing slash. */
function tidy(path: string): string {
  return withoutEnd(path).toLowerCase()
}

/** Returns all readings of a path. Call it only for safe paths, which decode to text in few rounds. */
function readingsOf(path: string): ReadonlySet<string> {
  const readings = new Set<string>()
  for (const raw of [path, path.replace(PARAMETERS, '')])
    for (const text of [raw, decodeKeepingSlashes(raw), decodeURIComponent(raw), decodeFully(raw) ?? raw])
      for (const named of [text, text.replace(PARAMETERS, '')])
        for (const cut of [named, named.replace(CUT_OFF, '')])
          for (const trimmed of [cut, cut.replace(AROUND_NAMES, '')]) readings.add(trimmed.replace(/\/{2,}/g, '/'))
  return readings
}

/** True when some path could match both: they agree up to the end of the shorter. */
function mayMeet(one: string, other: string): boolean {
  const segmentsOf = (path: string) => path.toLowerCase().replace(/\/\*$/, '').split('/').slice(1)
  const rivals = segmentsOf(other)
  return segmentsOf(one).every((segment, index) => {
    const rival = rivals[index]
    return rival === undefined || rival === segment || segment.startsWith(':') || rival.startsWith(':')
  })
}

/** Compiled for a table and its tree: whether a target that `entry` would answer is disputed. `asksMore` compares two routes. */
export function createDispute<Route>(
  table: readonly TableEntry<Route>[],
  strict: RouteTree<Route>,
  asksMore: (route: Route, than: Route) => boolean,
): (url: string, entry: TableEntry<Route>, host: string, method: string) => boolean {
  type Entry = TableEntry<Route>
  const isStricter = ({ route }: Entry, { route: than }: Entry) =>
    than !== undefined && (route === undefined || asksMore(route, than))
  const isNarrower = (rival: Entry, entry: Entry) => rankOf(rival.path) > rankOf(entry.path)
  const isLooselyNarrower = (rival: Entry, entry: Entry) => rankOf(tidy(rival.path)) > rankOf(tidy(entry.path))
  // When two entries become the same path, the stricter one stays. A 405 stays only if neither has a route for the method.
  const loose = createRouteTree(
    table,
    ({ path }) => tidy(path),
    (entry, than) => entry.route !== undefined && (than.route === undefined || isStricter(entry, than)),
  )
  const doubts = new Map<Entry, RegExp>()

  /** Matches the paths of an entry that may be read as a narrower, stricter entry. Most entries have no such rival. */
  function doubtOf(entry: Entry): RegExp {
    const known = doubts.get(entry)
    if (known !== undefined) return known
    const rivals = table.filter(
      (rival) =>
        isStricter(rival, entry) &&
        (isNarrower(rival, entry) || isLooselyNarrower(rival, entry)) &&
        mayMeet(entry.path, rival.path),
    )
    const isWritten = rivals.some(({ path }) => WRITTEN_IN_MANY_WAYS.test(path))
    const doubt = rivals.length === 0 ? NONE : isWritten ? ANY : READ_IN_MANY_WAYS
    doubts.set(entry, doubt)
    return doubt
  }

  function isReadAsStricter(reading: string, entry: Entry, host: string, method: string): boolean {
    const isRival = (rival: Entry | undefined) =>
      rival !== undefined && isNarrower(rival, entry) && isStricter(rival, entry)
    const tidied = tidy(reading)
    for (const spelling of [reading, withoutEnd(reading), reading.toLowerCase(), tidied])
      if (isRival(strict.find(spelling, host, method))) return true
    const rival = loose.find(tidied, host, method)
    return rival !== undefined && isLooselyNarrower(rival, entry) && isStricter(rival, entry)
  }

  return (url, entry, host, method) => {
    const doubt = doubtOf(entry)
    if (doubt === NONE) return false
    const path = rawPath(url)
    if (!doubt.test(path)) return false
    for (const reading of readingsOf(path)) if (isReadAsStricter(reading, entry, host, method)) return true
    return false
  }
}
