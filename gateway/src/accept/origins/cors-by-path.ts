// Chooses the CORS policy of a request: the policy of the route that serves its method on this path and host.
import type { IncomingHttpHeaders } from 'node:http'

import type { AdmissionPolicy } from '../admit.ts'
import { NOT_GRANTED, type CorsPolicy } from './cors.ts'
import type { TableEntry } from '../routes/route-table.ts'
import type { Router } from '../routes/router.ts'
import type { GatewayRequest, GatewayResponse } from '../../message/client-exchange.ts'
import { closeLingering } from '../../message/connection/lingering-close.ts'
import { isBodyLeft } from '../../message/connection/unread-body.ts'

interface CorsRoute {
  readonly admission: Pick<AdmissionPolicy, 'cors'>
}

/** The policies of one path and host. */
interface PathCors {
  readonly policyOf: ReadonlyMap<string, CorsPolicy | undefined>
  /** Distinct policies, in the order of the routes. */
  readonly policies: readonly CorsPolicy[]
}

/** A request, perhaps without a route. */
export interface CorsRequest<Route> {
  readonly entry?: TableEntry<Route> | undefined
  /** The target that the client sent, if Fastify received another one. */
  readonly originalUrl?: string | undefined
  readonly url?: string | undefined
  /** Why the router refused the request. */
  readonly refusal?: string | undefined
  readonly headers: Pick<IncomingHttpHeaders, 'host' | 'origin'>
}

export interface CorsByPath {
  /** Returns the response headers of a preflight; undefined for other requests, and for preflights that the upstream serves. */
  preflightHeaders(request: GatewayRequest & CorsRequest<CorsRoute>): readonly string[] | undefined
  /** Returns the CORS headers of an answer without a route (such as 404); undefined when no policy covers the path. */
  headersOf(request: CorsRequest<CorsRoute>): readonly string[] | undefined
}

/** A preflight has these headers (Fetch standard section 3.2.2). An OPTIONS request without them is forwarded. */
function requestedMethod({ method, headers }: GatewayRequest): string | undefined {
  return method === 'OPTIONS' && headers.origin !== undefined ? headers['access-control-request-method'] : undefined
}

function corsOfPaths<Route extends CorsRoute>(
  table: readonly TableEntry<Route>[],
): Map<readonly CorsRoute[], PathCors> {
  const paths = new Map<
    readonly CorsRoute[],
    { policyOf: Map<string, CorsPolicy | undefined>; policies: CorsPolicy[] }
  >()
  for (const { siblings, methods, route } of table) {
    if (!siblings.some(({ admission }) => admission.cors !== undefined)) continue
    let path = paths.get(siblings)
    if (path === undefined) {
      const policies = [...new Set(siblings.flatMap(({ admission }) => admission.cors ?? []))]
      path = { policyOf: new Map(), policies }
      paths.set(siblings, path)
    }
    if (route !== undefined) for (const method of methods) path.policyOf.set(method, route.admission.cors)
  }
  return paths
}

/** Returns all methods of the path under this policy: a browser may cache them together. */
function methodsWith(policy: CorsPolicy, { policyOf }: PathCors): readonly string[] {
  return [...policy.methods].filter((method) => policyOf.get(method) === policy)
}

/**
 * Returns the preflight headers; undefined when the route of the method has no policy, because its upstream may have one. For
 * a method without a route, any policy of the path that allows the origin grants the preflight without naming the method:
 * GET, HEAD and POST need no name, so the browser sends them and the page can read the 405.
 */
function judge({ headers: { origin } }: GatewayRequest, method: string, path: PathCors): readonly string[] | undefined {
  const isServed = path.policyOf.has(method)
  const policy = isServed ? path.policyOf.get(method) : coveringOf(path, origin)
  if (policy === undefined) return isServed ? undefined : NOT_GRANTED
  if (!policy.isAllowed(origin) || (isServed && !policy.methods.has(method))) return NOT_GRANTED
  return policy.preflightHeaders(origin, methodsWith(policy, path))
}

function coveringOf({ policies }: PathCors, origin: string | undefined): CorsPolicy | undefined {
  return policies.find((policy) => policy.isAllowed(origin))
}

/** `everywhere`: the policy of requests that match no route. */
export function createCorsByPath<Route extends CorsRoute>(
  { table, nearest }: Pick<Router<Route>, 'table' | 'nearest'>,
  everywhere: CorsPolicy | undefined,
): CorsByPath {
  const paths = corsOfPaths(table)
  const nowhere: PathCors | undefined =
    everywhere === undefined
      ? undefined
      : { policyOf: new Map([...everywhere.methods].map((method) => [method, everywhere])), policies: [everywhere] }

  const pathCorsOf = (entry: TableEntry<CorsRoute> | undefined) =>
    entry === undefined ? nowhere : paths.get(entry.siblings)

  return {
    preflightHeaders(request) {
      const method = requestedMethod(request)
      // A refused target is refused for preflights too.
      if (method === undefined || (request.entry === undefined && request.refusal !== 'route_not_found'))
        return undefined
      const path = pathCorsOf(request.entry)
      return path === undefined ? undefined : judge(request, method, path)
    },
    headersOf({ entry, originalUrl, url, headers }) {
      if (paths.size === 0 && nowhere === undefined) return undefined
      const path = pathCorsOf(entry ?? nearest(originalUrl ?? url ?? '', headers.host))
      if (path === undefined) return undefined
      return (coveringOf(path, headers.origin) ?? path.policies[0])?.responseHeaders(headers.origin)
    },
  }
}

/** Sends 204 with these headers. Closes the connection when the request has a body, which nobody reads. */
export function answerPreflight(response: GatewayResponse, requestId: string, told: readonly string[]): void {
  const headers = ['x-tollgate', 'cors_preflight', 'x-request-id', requestId, ...told]
  if (isBodyLeft(response.req.headers)) {
    headers.push('connection', 'close')
    closeLingering(response)
  }
  response.writeHead(204, headers)
  response.end()
}
