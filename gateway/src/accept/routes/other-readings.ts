// Refuses paths that an upstream may read as those of a narrower route which asks for more.
import { decodeFully, decodeKeepingSlashes, rawPath } from './path.ts'
import { rankOf, type TableEntry } from './route-table.ts'
import { createRouteTree, type RouteTree } from './route-tree.ts'

// What readers do to a path: Tomcat, Jetty and Spring take path parameters away; Express, ASP.NET and IIS pass over case, and
// Express over a slash at the end, and it compares escapes as they are; nginx and many more merge slashes; what decodes before it splits sees slashes and queries.
const READ_IN_MANY_WAYS = /[A-Z;%]|\/\/|.\/$|\.(?:\/|$)/
// A route that is written so is met by other readers with plain paths.
const WRITTEN_IN_MANY_WAYS = /\/[^:/]*[A-Z]|[^/]\/$/
const ANY = /^/
const NONE = /$^/

const PARAMETERS = /;[^/]*/g
const CUT_OFF = /[?#].*$/s
// Windows drops dots and blanks behind a name, whoever opens the file; Spring's AntPathMatcher before 4.3 blanks on both sides.
// A run is looked at from its beginning alone: from each of its characters would take the square of its length.
const AROUND_NAMES = /(?<=\/)[ \t]+|(?<![. \t])[. \t]+(?=\/|$)/g

function withoutEnd(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** For those who pass over case and a slash at the end. */
function tidy(path: string): string {
  return withoutEnd(path).toLowerCase()
}

/** All that the path may mean to somebody. Safe paths alone: they decode to text, and in few rounds. */
function readingsOf(path: string): ReadonlySet<string> {
  const readings = new Set<string>()
  for (const raw of [path, path.replace(PARAMETERS, '')])
    for (const text of [raw, decodeKeepingSlashes(raw), decodeURIComponent(raw), decodeFully(raw) ?? raw])
      for (const named of [text, text.replace(PARAMETERS, '')])
        for (const cut of [named, named.replace(CUT_OFF, '')])
          for (const trimmed of [cut, cut.replace(AROUND_NAMES, '')]) readings.add(trimmed.replace(/\/{2,}/g, '/'))
  return readings
}

/** Whether some path could be taken for both: as far as both go, they agree. */
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
  // Where routes become one: the stricter one, and 405 only where none takes the method.
  const loose = createRouteTree(
    table,
    ({ path }) => tidy(path),
    (entry, than) => entry.route !== undefined && (than.route === undefined || isStricter(entry, than)),
  )
  const doubts = new Map<Entry, RegExp>()

  /** Which paths of an entry are doubtful. Most entries have nobody narrower who asks for more. */
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
