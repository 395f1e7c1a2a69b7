// Takes tokens out of a request before it goes on: out of every place that may hold one, or only out of the URL.
import {
  compileName,
  compileScheme,
  cookieValue,
  QUERY_SEPARATOR,
  splitPair,
  subprotocolsIn,
  trimBlanks,
  unescapeBlank,
} from '../../message/token-spelling.ts'

/** A place that tokens are looked for in. */
export interface TokenPlace {
  readonly header: string | undefined
  /** Of a header or cookie: only what stands behind it is a token. */
  readonly scheme: string | undefined
  readonly cookie: string | undefined
  readonly query: string | undefined
  readonly websocketProtocol: string | undefined
  /** Where several cookies held a token: those that do not count. */
  readonly superseded?: readonly string[] | undefined
}

/** Edits the outgoing headers in place and returns the target without the token. */
export type StripToken = (headers: string[], target: string) => string

/** Replaces the values of a header; undefined takes the header away. */
function editHeader(headers: string[], name: string, edit: (value: string) => string | undefined): void {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    const spelt = headers[index] as string
    if (spelt.length !== name.length || spelt.toLowerCase() !== name) continue
    const value = edit(headers[index + 1] as string)
    if (value === undefined) headers.splice(index, 2)
    else headers[index + 1] = value
  }
}

function stripHeader(header: string, scheme: string | undefined): StripToken {
  const name = header.toLowerCase()
  const isToken = scheme === undefined ? () => true : compileScheme(scheme)
  return (headers, target) => {
    editHeader(headers, name, (value) => (isToken(value) ? undefined : value))
    return target
  }
}

function stripCookie(cookie: string, scheme: string | undefined, holds: (value: string) => boolean): StripToken {
  const isName = compileName(cookie, { anyCase: false })
  const isOfScheme = scheme === undefined ? () => true : compileScheme(scheme)
  const isToken = (value: string) => isOfScheme(value) && holds(value)
  function without(value: string): string | undefined {
    const pairs = value.split(';')
    const left = pairs.filter((pair) => {
      const [name, raw] = splitPair(pair)
      return !isName(trimBlanks(name)) || !isToken(unescapeBlank(cookieValue(raw)))
    })
    if (left.length === pairs.length) return value
    // A header with nothing in it says less than none: some servers refuse it.
    return left.every((pair) => trimBlanks(pair) === '') ? undefined : trimBlanks(left.join(';'))
  }
  return (headers, target) => {
    editHeader(headers, 'cookie', without)
    return target
  }
}

/** Removes the parameter and leaves every other byte of the query as it came. */
function stripParameter(query: string): StripToken {
  const isName = compileName(query, { anyCase: true })
  return (_headers, target) => {
    const queryAt = target.indexOf('?')
    if (queryAt === -1) return target
    // Pairs and what separates them, in turn.
    const parts = target.slice(queryAt + 1).split(QUERY_SEPARATOR)
    let left = ''
    let found = false
    for (let index = 0; index < parts.length; index += 2) {
      const pair = parts[index] as string
      if (isName(splitPair(pair)[0])) found = true
      else left += (left === '' ? '' : (parts[index - 1] ?? '')) + pair
    }
    if (!found) return target
    return left === '' ? target.slice(0, queryAt) : `${target.slice(0, queryAt)}?${left}`
  }
}

/** Takes the subprotocol and each token after it out of the offer, which may be in several headers. */
function stripProtocol(name: string): StripToken {
  const lower = name.toLowerCase()
  return (headers, target) => {
    const values: string[] = []
    editHeader(headers, 'sec-websocket-protocol', (value) => {
      values.unshift(value)
      return undefined
    })
    if (values.length === 0) return target
    const left: string[] = []
    const offered = subprotocolsIn(values.join(','))
    for (let index = 0; index < offered.length; index += 1) {
      const item = offered[index] as string
      if (item.toLowerCase() === lower) index += 1
      else left.push(item)
    }
    if (left.length > 0) headers.push('sec-websocket-protocol', left.join(', '))
    return target
  }
}

function stripFrom(
  { header, scheme, cookie, query, websocketProtocol }: TokenPlace,
  forward: 'keep' | 'strip',
): StripToken | undefined {
  if (query !== undefined) return stripParameter(query)
  if (websocketProtocol !== undefined) return stripProtocol(websocketProtocol)
  if (forward === 'keep') return undefined
  return cookie === undefined ? stripHeader(header ?? 'authorization', scheme) : stripCookie(cookie, scheme, () => true)
}

/** Leaves of several cookies the one that counts, so that no upstream believes another. */
export function createStripSuperseded(places: readonly TokenPlace[]) {
  return function stripSuperseded(superseded: readonly string[]): StripToken {
    const strips = places.flatMap(({ cookie, scheme }) =>
      cookie === undefined
        ? []
        : [stripCookie(cookie, scheme, (value) => superseded.some((token) => value.endsWith(token)))],
    )
    return (headers, target) => strips.reduce((left, strip) => strip(headers, left), target)
  }
}

/**
 * `strip` removes tokens from all places; `keep` removes them where they would reach logs: from a URL, and from among the
 * subprotocols. Wherever one was found, and also where nobody looked for one: on routes that ask for none, and where a bad one is
 * only reported. Undefined where nothing is ever to be removed.
 */
export function createStripToken(places: readonly TokenPlace[], forward: 'keep' | 'strip'): StripToken | undefined {
  const strips = places.map((place) => stripFrom(place, forward)).filter((strip) => strip !== undefined)
  if (strips.length < 2) return strips[0]
  return (headers, target) => {
    let left = target
    for (const strip of strips) left = strip(headers, left)
    return left
  }
}
