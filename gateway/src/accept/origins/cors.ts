// One CORS policy (Fetch standard section 3.2): responses to preflights, and which other responses a page may read.
import type { CorsOptions } from '../../options/route/cors.ts'
import { compileOrigins } from './origins.ts'
import type { ReadOnly } from '../../options/read-only.ts'

export type CorsConfig = ReadOnly<CorsOptions>

/** Alternating header names and values. */
type Pairs = readonly string[]

export interface CorsPolicy {
  /** Methods that pages may use. */
  readonly methods: ReadonlySet<string>
  isAllowed(origin: string | undefined): boolean
  /** Returns the CORS headers of a response other than a preflight response: the same object for the same origin. */
  responseHeaders(origin: string | undefined): Pairs
  /** Returns the headers of a preflight response. `methods`: those that the browser may cache. */
  preflightHeaders(origin: string | undefined, methods: readonly string[]): Pairs
}

/** Most cached origins that match a wildcard. */
const MAX_CACHED = 1000

/** RFC 9110 section 12.5.5: the response depends on the origin, which caches must know. */
const BY_ORIGIN: Pairs = ['vary', 'Origin']

/** The headers of a refused preflight. They vary by method too. */
export const NOT_GRANTED: Pairs = ['vary', 'Origin, Access-Control-Request-Method']

export function compileCors({ origins, methods, headers, exposed, credentials, maxAge }: CorsConfig): CorsPolicy {
  const isAny = origins.includes('*')
  const isNamed = compileOrigins(origins)
  const withCredentials = credentials ? ['access-control-allow-credentials', 'true'] : []
  const ofResponses = exposed.length === 0 ? [] : ['access-control-expose-headers', exposed.join(', ')]
  const ofPreflights = headers.length === 0 ? [] : ['access-control-allow-headers', headers.join(', ')]
  const age = ['access-control-max-age', String(Math.floor(maxAge / 1000))]
  const cached = new Map<string, Pairs>()

  const isAllowed = (origin: string | undefined) => isAny || (origin !== undefined && isNamed(origin))

  function granted(origin: string | undefined): Pairs {
    return ['access-control-allow-origin', isAny ? '*' : (origin as string), ...withCredentials]
  }

  const toAny = [...granted(undefined), ...ofResponses]

  return {
    methods: new Set(methods),
    isAllowed,
    responseHeaders(origin) {
      if (isAny) return toAny
      if (origin === undefined) return BY_ORIGIN
      const known = cached.get(origin)
      if (known !== undefined) return known
      if (!isNamed(origin)) return BY_ORIGIN
      const made = [...BY_ORIGIN, ...granted(origin), ...ofResponses]
      if (cached.size >= MAX_CACHED) cached.clear()
      cached.set(origin, made)
      return made
    },
    preflightHeaders(origin, methods) {
      const allowed = methods.length === 0 ? [] : ['access-control-allow-methods', methods.join(', ')]
      return [...NOT_GRANTED, ...granted(origin), ...allowed, ...ofPreflights, ...age]
    },
  }
}
