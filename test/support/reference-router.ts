// Routing as its documentation has it, in the plainest way there is: every route is compared with every request. Shares no code
// with the gateway, so that the two can be compared.

export interface ReferenceRoute {
  readonly path: string
  readonly methods?: readonly string[]
  readonly hosts?: readonly string[]
  readonly auth: 'none' | 'required'
  readonly encodedSlashes?: 'allow'
  readonly emptySegments?: 'allow'
}

/** What answers: the index of a route, 405, or nothing; `rank` tells how narrow its path is. */
export interface Verdict {
  readonly route: number | undefined
  /** All that may take it, the best first: several in a table that `check` would refuse, and for HEAD. */
  readonly candidates: readonly number[]
  readonly status: 'served' | 405 | 404
  readonly rank: string
}

const NOWHERE: Verdict = { route: undefined, candidates: [], status: 404, rank: '' }

/** How narrow a pattern is where it matches these segments; undefined where it does not. */
function rankFor(pattern: string, segments: readonly string[]): string | undefined {
  const parts = pattern.slice(1).split('/')
  const isPrefix = parts.at(-1) === '*'
  if (isPrefix) parts.pop()
  if (isPrefix ? segments.length < parts.length : segments.length !== parts.length) return undefined
  let rank = ''
  for (const [index, part] of parts.entries()) {
    const segment = segments[index] as string
    if (part.startsWith(':') ? segment === '' : part !== segment) return undefined
    rank += part.startsWith(':') ? 'b' : 'c'
  }
  return `${rank}${isPrefix ? ' ' : 'a'}`
}

/** How narrow a host is where it is that of the request. */
function hostRank(pattern: string, host: string): number | undefined {
  if (!pattern.startsWith('*')) return pattern === host ? 10_000 : undefined
  return host.endsWith(pattern.slice(1)) && host.length >= pattern.length ? pattern.length : undefined
}

/** `path` as it is compared: decoded. */
export function referenceVerdict(
  routes: readonly ReferenceRoute[],
  path: string,
  host: string,
  method: string,
): Verdict {
  const segments = path.slice(1).split('/')
  let best: { rank: string; host: number; routes: number[] } | undefined
  for (const [index, route] of routes.entries()) {
    const rank = rankFor(route.path, segments)
    if (rank === undefined) continue
    const hosts = route.hosts === undefined ? [0] : route.hosts.map((pattern) => hostRank(pattern, host))
    for (const each of hosts) {
      if (each === undefined) continue
      if (best === undefined || rank > best.rank || (rank === best.rank && each > best.host))
        best = { rank, host: each, routes: [index] }
      else if (rank === best.rank && each === best.host) best.routes.push(index)
    }
  }
  if (best === undefined) return NOWHERE
  const named = (wanted: string) =>
    best.routes.filter((index) => routes[index]?.methods === undefined || routes[index].methods.includes(wanted))
  const own = named(method)
  const candidates = method === 'HEAD' ? [...own, ...named('GET')] : own
  const [route] = candidates
  return { route, candidates, status: route === undefined ? 405 : 'served', rank: best.rank }
}

type Reader = (path: string) => string

function percentDecoded(text: string): string {
  const bytes: number[] = []
  for (let index = 0; index < text.length; index += 1) {
    const hex = /^%([0-9a-f]{2})/i.exec(text.slice(index, index + 3))?.[1]
    if (hex !== undefined) {
      bytes.push(Number.parseInt(hex, 16))
      index += 2
    } else bytes.push(...Buffer.from(text[index] as string))
  }
  return Buffer.from(bytes).toString()
}

function resolved(path: string): string {
  const out: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') out.pop()
    else if (segment !== '.') out.push(segment)
  }
  return `/${out.join('/').replace(/^\/+/, '')}`
}

/** Each as its documentation or source says; nginx is asked itself as well, where it is installed. */
export const READERS: Readonly<Record<string, Reader>> = {
  // ngx_http_parse_complex_uri: decodes once, merges slashes, resolves dots.
  nginx: (path) => resolved(percentDecoded(path).replace(/\/+/g, '/')),
  // path-to-regexp with its defaults: neither case nor a slash at the end counts; parameters are decoded, text of routes is not.
  express: (path) => path.toLowerCase().replace(/(.)\/$/, '$1'),
  // Koa and others decode the whole path first.
  decodingFirst: (path) => percentDecoded(path).replace(/(.)\/$/, '$1'),
  // CoyoteAdapter: path parameters go, then it is decoded, then normalised.
  tomcat: (path) => resolved(percentDecoded(path.replace(/;[^/]*/g, '')).replace(/\/+/g, '/')),
  // UrlPathHelper of Spring before 5.3: decodes, then removes semicolon content.
  spring: (path) =>
    percentDecoded(path)
      .replace(/;[^/]*/g, '')
      .replace(/\/+/g, '/'),
  // IIS in front of an application that decodes again.
  decodingTwice: (path) => resolved(percentDecoded(percentDecoded(path)).replace(/\/+/g, '/').toLowerCase()),
  // nginx with `proxy_pass http://up$uri`: decoded, then parsed as a target.
  forwardingDecoded: (path) => percentDecoded(path).replace(/[?#].*$/s, ''),
}

const STEPS: readonly Reader[] = [
  percentDecoded,
  (path) => percentDecoded(path.replace(/%2f/gi, '%252F')),
  (path) => path.replace(/;[^/]*/g, ''),
  (path) => path.replace(/[?#].*$/s, ''),
  (path) => path.replace(/\/+/g, '/'),
  (path) => path.replace(/(.)\/$/, '$1'),
  (path) => path.toLowerCase(),
]

/** All that anybody could make of a path with these steps, in any order and number. */
export function everyReading(path: string): ReadonlySet<string> {
  const readings = new Set([path])
  for (const reading of readings) for (const step of STEPS) readings.add(step(reading))
  return readings
}
