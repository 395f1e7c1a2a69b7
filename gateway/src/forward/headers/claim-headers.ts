// Headers with one claim each: their values are made once for each token, and each route says which of them it sends.
import { isAbsent, writeClaim, type ClaimNotation, type LeftOutReason } from './claim-text.ts'
import type { JsonValue, VerifiedFacts } from '../../authenticate/auth-result.ts'
import { compilePointer } from '../../message/json/json-pointer.ts'
import type { Config } from '../../options/config.ts'
import { parseSize } from '../../options/kinds.ts'
import type { ClaimHeaderOptions, RouteClaimHeader } from '../../options/forward/claim-headers.ts'
import type { ReadOnly } from '../../options/read-only.ts'

type ClaimHeadersConfig = Pick<Config, 'claimHeaders' | 'routes'>
type RouteConfig = Pick<Config['routes'][number], 'claimHeaders'>

/** One header as some routes send it. Data: what was made for the same fields is carried over a reload. */
export interface ClaimField extends ClaimNotation {
  /** Lower case. */
  readonly name: string
  readonly claim: string
  readonly fallback: string | undefined
}

/** The headers of a route, and where their values are among those of a token. */
export interface ClaimHeaderSet {
  readonly names: readonly string[]
  readonly places: readonly number[]
}

/** The values for one caller, one for each field; undefined for a header that is not sent. */
export type ClaimValues = readonly (string | undefined)[]

const DEFAULT_BYTES = parseSize('1KiB')

function fieldOf(name: string, header: Exclude<ReadOnly<RouteClaimHeader>, false>): ClaimField {
  const options: ReadOnly<ClaimHeaderOptions> = typeof header === 'string' ? { claim: header } : header
  const { claim, join, default: fallback, encode = 'text', maxBytes = DEFAULT_BYTES } = options
  return { name, claim, join, fallback, encode, maxBytes }
}

/** The fields of a route by name: its own go before those of all routes. */
export function claimHeaderFieldsOf(
  config: Pick<ClaimHeadersConfig, 'claimHeaders'>,
  route: RouteConfig,
): readonly ClaimField[] {
  const byName = new Map<string, ClaimField>()
  for (const [spelt, header] of Object.entries(config.claimHeaders ?? {}))
    byName.set(spelt.toLowerCase(), fieldOf(spelt.toLowerCase(), header))
  for (const [spelt, header] of Object.entries(route.claimHeaders ?? {})) {
    const name = spelt.toLowerCase()
    if (header === false) byName.delete(name)
    else byName.set(name, fieldOf(name, header))
  }
  return [...byName.values()]
}

/** The names that only the gateway may say, in lower case: a route that does not send one removes it all the same. */
export function claimHeaderNames({ claimHeaders, routes }: ClaimHeadersConfig): readonly string[] {
  const maps = [claimHeaders, ...routes.map((route) => route.claimHeaders)]
  return [...new Set(maps.flatMap((map) => Object.keys(map ?? {})).map((name) => name.toLowerCase()))]
}

/** Creates the function that says which headers a route sends. Routes with the same ones share one set; undefined for none. */
export function compileClaimHeaderSets(
  config: ClaimHeadersConfig,
  placeOf: (field: ClaimField) => number,
): (route: RouteConfig) => ClaimHeaderSet | undefined {
  const sets = new Map<string, ClaimHeaderSet>()
  return (route) => {
    const fields = claimHeaderFieldsOf(config, route)
    if (fields.length === 0) return undefined
    const places = fields.map(placeOf)
    const key = places.join()
    const set = sets.get(key) ?? { names: fields.map(({ name }) => name), places }
    sets.set(key, set)
    return set
  }
}

export interface ClaimHeaderValues {
  /** Frozen. */
  readonly valuesOf: (facts: Pick<VerifiedFacts, 'claims' | 'write'>) => ClaimValues
  /** For a caller without a token: the defaults. */
  readonly anonymous: ClaimValues
}

/** `onLeftOut` is told of each claim that cannot be the value of its header. */
export function createClaimHeaderValues(
  fieldsOfAll: readonly ClaimField[],
  onLeftOut: (header: string, reason: LeftOutReason) => void,
): ClaimHeaderValues {
  const fields = fieldsOfAll.map((field) => ({ ...field, read: compilePointer<JsonValue>(field.claim) }))
  const fallbacks = fields.map((field) => fallbackText(field))

  function valueOf(index: number, { claims, write }: Pick<VerifiedFacts, 'claims' | 'write'>): string | undefined {
    const field = fields[index] as (typeof fields)[number]
    const value = field.read(claims)
    if (value === undefined || isAbsent(value, field)) return fallbacks[index]
    const written = writeClaim(value, field, write)
    if ('text' in written) return written.text
    onLeftOut(field.name, written.reason)
    return undefined
  }

  return {
    valuesOf:
      fields.length === 0 ? () => NONE : (facts) => Object.freeze(fields.map((_, index) => valueOf(index, facts))),
    anonymous: fallbacks.every((text) => text === undefined) ? NONE : Object.freeze(fallbacks),
  }
}

const NONE: ClaimValues = Object.freeze([])

/** A default is a text, and written as a claim of that text; undefined for none, and for one that `check` refuses. */
export function fallbackText({
  fallback,
  ...notation
}: ClaimNotation & Pick<ClaimField, 'fallback'>): string | undefined {
  if (fallback === undefined) return undefined
  const written = writeClaim(fallback, notation, JSON.stringify)
  return 'text' in written ? written.text : undefined
}

/** Adds the headers of a set to a request. Where a route sends none, nobody calls it. */
export function sayClaims(headers: string[], { names, places }: ClaimHeaderSet, values: ClaimValues): void {
  for (let index = 0; index < names.length; index += 1) {
    const value = values[places[index] as number]
    if (value !== undefined) headers.push(names[index] as string, value)
  }
}
