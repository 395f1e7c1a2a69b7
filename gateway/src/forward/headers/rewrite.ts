// Maps the path of a request to the path for its upstream, and back.

/** A compiled rewrite. A target is a path with its query. */
export interface Rewrite {
  /** Returns the target for the upstream. */
  toUpstream(target: string): string
  /** Maps a path of the upstream to the path of a client, by the route of `target`. */
  toClient(path: string, target: string): string
  /** Returns the prefix that the rewrite removed (X-Forwarded-Prefix); undefined when it did more than remove a prefix. */
  takenOff(target: string): string | undefined
}

/** Returns the index of the slash before segment `count` (from 0), or the length when there are fewer. */
function startOfSegment(path: string, count: number): number {
  let index = 0
  for (let seen = 0; seen < count && index !== -1; seen += 1) index = path.indexOf('/', index + 1)
  return index === -1 ? path.length : index
}

function splitQuery(target: string): readonly [path: string, query: string] {
  const queryAt = target.search(/[?#]/)
  return queryAt === -1 ? [target, ''] : [target.slice(0, queryAt), target.slice(queryAt)]
}

const UNCHANGED: Rewrite = { toUpstream: (target) => target, toClient: (path) => path, takenOff: () => undefined }

/** Returns how many leading segments the rewrite removes; 0 when it changes the rest. */
function segmentsTakenOff(matched: readonly string[], rewritten: readonly string[]): number {
  const count = matched.length - rewritten.length
  return count > 0 && rewritten.every((segment, index) => segment === matched[count + index]) ? count : 0
}

/**
 * Compiles a rewrite. The path after the prefix and the query stay unchanged; `:name` inserts that segment of the path. Counts
 * segments, not characters, because an escaped character matches the plain one but is longer.
 */
export function compileRewrite(routePath: string, rewrite: string | undefined): Rewrite {
  if (rewrite === undefined) return UNCHANGED
  const isPrefix = routePath.endsWith('/*')
  const matched = (isPrefix ? routePath.slice(0, -2) : routePath).split('/').slice(1)
  const base = isPrefix ? rewrite.slice(0, -2) : rewrite
  const takenOff = segmentsTakenOff(matched, base.split('/').slice(1))
  const segmentOf = new Map(
    matched.flatMap((segment, index) => (segment.startsWith(':') ? [[segment, index] as const] : [])),
  )

  function replaceNames(path: string): string {
    const segments = path.split('/').slice(1)
    return base
      .split('/')
      .map((part) => (segmentOf.has(part) ? (segments[segmentOf.get(part) ?? 0] ?? '') : part))
      .join('/')
  }

  const replacement: (path: string) => string = base.includes('/:') ? replaceNames : () => base
  return {
    toUpstream(target) {
      const [path, query] = splitQuery(target)
      const rest = isPrefix ? path.slice(startOfSegment(path, matched.length)) : ''
      const rewritten = replacement(path) + rest
      // Without its prefix a path may be empty, or (emptySegments) begin with `//`, which URL parsers read as a host.
      return (rewritten === '' ? '/' : rewritten.replace(/^\/{2,}/, '/')) + query
    },
    toClient(upstreamTarget, target) {
      const [path] = splitQuery(target)
      const from = replacement(path)
      const isBelow = isPrefix ? upstreamTarget.startsWith(`${from}/`) : false
      if (splitQuery(upstreamTarget)[0] !== from && !isBelow) return upstreamTarget
      const to = isPrefix ? path.slice(0, startOfSegment(path, matched.length)) : path
      return to + upstreamTarget.slice(from.length) || '/'
    },
    takenOff(target) {
      return takenOff === 0 ? undefined : target.slice(0, startOfSegment(splitQuery(target)[0], takenOff))
    },
  }
}
