// Rewrites the path that a route matched to the path for its upstream, and back.

/** A compiled rewrite. Targets are paths with their query. */
export interface Rewrite {
  /** What the upstream gets for a client's target. */
  toUpstream(target: string): string
  /** What a client must ask for to reach this path of the upstream by the route that `target` came through. */
  toClient(path: string, target: string): string
  /** What was taken off in front of the path, for links to be made with; undefined where the path is not just shorter. */
  takenOff(target: string): string | undefined
}

/** The index of the slash that starts segment `count` (from 0); the length when there are fewer. */
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

/** How many segments of the path are gone where the rest is what the rewrite says; 0 when it says something else. */
function segmentsTakenOff(matched: readonly string[], rewritten: readonly string[]): number {
  const count = matched.length - rewritten.length
  return count > 0 && rewritten.every((segment, index) => segment === matched[count + index]) ? count : 0
}

/**
 * Compiles a rewrite. What a prefix route did not match, and the query, go on as they came; `:name` in the rewrite takes
 * that segment of the path. Segments are counted, not characters: an escaped character matches the plain one, but is longer.
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
      // Without its prefix a path may be nothing, or (emptySegments) begin with `//`, which URL parsers take for a host.
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
