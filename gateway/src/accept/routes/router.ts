// The router: chooses the route of each request once, before any stage.
import type { RecordedRequest } from '../request-record.ts'
import { asksMore, type AdmissionPolicy, type Demands } from '../admit.ts'
import { decodedPath, hasEmptySegment, hasEncodedSlash, plainPath, rawPath } from './path.ts'
import { hostNameOf } from './host-name.ts'
import { createDispute } from './other-readings.ts'
import { buildRouteTable, type Routable, type TableEntry } from './route-table.ts'
import { createRouteTree } from './route-tree.ts'
import type { FailureCode } from '../../failure.ts'

/** What the router needs of a route. */
export interface RoutableRoute {
  readonly admission: Pick<AdmissionPolicy, keyof Routable | keyof Demands | 'encodedSlashes' | 'emptySegments'>
}

/** A request with its table entry. No client value is ever used as the entry. */
export type RoutedRequest<Route> = RecordedRequest & {
  url: string
  entry?: TableEntry<Route> | undefined
  /** Why the route does not allow this path; counted for the route. */
  pathFault?: string | undefined
}

/** An OPTIONS request for the server as a whole (RFC 9110 section 9.3.7). */
export const SERVER_OPTIONS = 'server_options'

export interface Router<Route> {
  readonly table: readonly TableEntry<Route>[]
  /** The union of the methods of all routes. */
  readonly methods: readonly string[]
  /** Stores the entry in the request, or returns why there is none. Rewrites an absolute target to a path and Host. */
  assign(request: RoutedRequest<Route>): FailureCode | typeof SERVER_OPTIONS | undefined
  /**
   * The entry whose path a target comes nearest to, for what is said about a request that no route may have (a path that is
   * not safe, a head that could not be parsed): never to serve it.
   */
  nearest(target: string, host: string | undefined): TableEntry<Route> | undefined
}

const SLASH = 0x2f
const DISPUTED = 'others may read it as a path of a stricter route'

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is

/**
 * Splits an absolute target (RFC 9112 section 3.2.2). Its authority replaces Host. False when the target has neither absolute
 * nor origin form.
 */
function toOriginForm(request: RoutedRequest<unknown>): boolean {
  const [, authority, rest = ''] = ABSOLUTE.exec(request.url) ?? []
  if (authority === undefined) return false
  request.headers.host = authority
  // Section 3.2.4: OPTIONS without path and query is for the server as a whole.
  if (rest === '' && request.method === 'OPTIONS') request.url = '*'
  else request.url = rest.startsWith('/') ? rest : `/${rest}`
  return true
}

/** Returns the host name; '' for HTTP/1.0 without Host; undefined when it is invalid. */
function hostOf({ headers, httpVersion }: RecordedRequest): string | undefined {
  if (headers.host !== undefined) return hostNameOf(headers.host)
  return httpVersion === '1.0' ? '' : undefined
}

/**
 * Returns the target with the literal segments of its route unescaped: a server that compares before decoding (Express) would
 * read `/%6de` as `/:id` instead of `/me`. Other bytes stay unchanged.
 */
function withPlainText(url: string, routePath: string): string {
  const path = rawPath(url)
  const segments = path.split('/')
  for (const [index, text] of routePath.split('/').entries())
    if (text !== '*' && !text.startsWith(':') && index < segments.length) segments[index] = text
  return segments.join('/') + url.slice(path.length)
}

export function createRouter<Route extends RoutableRoute>(routes: readonly Route[]): Router<Route> {
  const table = buildRouteTable(routes)
  const tree = createRouteTree(table)
  const isDisputed = createDispute(table, tree, (route, than) => asksMore(route.admission, than.admission))

  /** What is wrong with a path that had to be decoded, for the entry that answers it. */
  function faultOf(path: string, { route }: TableEntry<Route>): string | undefined {
    if (route === undefined) return undefined
    if (hasEncodedSlash(path) && !route.admission.encodedSlashes)
      return 'an escaped slash (encodedSlashes of the route)'
    return hasEmptySegment(path) && !route.admission.emptySegments
      ? 'an empty segment (emptySegments of the route)'
      : undefined
  }

  return {
    table,
    methods: [...new Set(table.flatMap(({ route, methods }) => (route === undefined ? [] : methods)))],
    assign(request) {
      let host = hostOf(request)
      if (host === undefined) return 'request_invalid'
      if (request.url.charCodeAt(0) !== SLASH) {
        if (toOriginForm(request)) host = hostNameOf(request.headers.host as string)
        if (host === undefined) return 'request_invalid'
        if (request.url === '*' && request.method === 'OPTIONS') return SERVER_OPTIONS
      }
      const { url } = request
      const method = request.method as string
      const plain = plainPath(url)
      const path = plain ?? decodedPath(url)
      if (path === undefined) return 'path_unsafe'
      const entry = tree.find(path, host, method)
      if (entry?.route === undefined && plain === undefined && hasEmptySegment(path)) return 'path_unsafe'
      if (entry === undefined) return 'route_not_found'
      const fault = plain === undefined ? faultOf(path, entry) : undefined
      request.pathFault = fault ?? (isDisputed(url, entry, host, method) ? DISPUTED : undefined)
      request.entry = entry
      if (plain === undefined) request.url = withPlainText(url, entry.path)
      return undefined
    },
    nearest(target, host) {
      const path = plainPath(target) ?? decodedPath(target) ?? rawPath(target)
      // Every path and host has an entry for each method, with its siblings.
      return tree.find(path, hostNameOf(host ?? '') ?? '', 'GET')
    },
  }
}
