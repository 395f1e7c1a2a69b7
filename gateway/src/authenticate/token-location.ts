// Where a token was found: a place knows how to find its token and how to remove it.
import type { IncomingHttpHeaders } from 'node:http'

import type { TokenLocationOptions } from './options.ts'
import { Failure } from '../failure.ts'

/** The parts of a request that can hold a token. `url` is the path with its query. */
export interface TokenCarrier {
  readonly headers: IncomingHttpHeaders
  readonly url: string
}

export interface TokenLocation {
  /** For logs and `explain`, such as `header authorization`. */
  readonly name: string
  /** The token here; undefined when there is none; a failure when what is here cannot be a single token. */
  find(carrier: TokenCarrier): string | Failure | undefined
  readonly header: string | undefined
  readonly cookie: string | undefined
  readonly query: string | undefined
  /** The subprotocol after which the token stands. */
  readonly websocketProtocol: string | undefined
}

const SPACE = 0x20

/** RFC 9110 section 11.4: the scheme in any case, then one or more spaces. */
function createHeaderLocation(name: string, scheme: string | undefined): TokenLocation {
  const header = name.toLowerCase()
  const expected = scheme?.toLowerCase()

  function find({ headers }: TokenCarrier): string | Failure | undefined {
    const value = headers[header]
    if (value === undefined || value === '') return undefined
    // Node joins most repeated headers with a comma; a comma is in no token and in no scheme.
    if (typeof value !== 'string' || value.includes(',')) {
      return expected === undefined || String(value).slice(0, expected.length).toLowerCase() === expected
        ? new Failure('token_ambiguous', `the header ${header} holds more than one value`)
        : undefined
    }
    if (expected === undefined) return value
    if (value.slice(0, expected.length).toLowerCase() !== expected) return undefined
    let start = expected.length
    if (value.length === start) return new Failure('token_malformed', `the header ${header} holds the scheme alone`)
    if (value.charCodeAt(start) !== SPACE) return undefined
    while (value.charCodeAt(start) === SPACE) start += 1
    return value.slice(start)
  }
  return { name: `header ${header}`, find, header, cookie: undefined, query: undefined, websocketProtocol: undefined }
}

/** RFC 6265 section 4.2.1. The same name twice is two tokens, unless both are the same. */
function createCookieLocation(name: string): TokenLocation {
  function find({ headers: { cookie } }: TokenCarrier): string | Failure | undefined {
    if (cookie === undefined || !cookie.includes(name)) return undefined
    const values = new Set<string>()
    for (const pair of cookie.split(';')) {
      const equals = pair.indexOf('=')
      if (equals > 0 && pair.slice(0, equals).trim() === name)
        values.add(
          pair
            .slice(equals + 1)
            .trim()
            .replace(/^"(.*)"$/, '$1'),
        )
    }
    values.delete('')
    if (values.size > 1) return new Failure('token_ambiguous', `the cookie ${name} is there more than once`)
    const [value] = values
    return value
  }
  return {
    name: `cookie ${name}`,
    find,
    header: undefined,
    cookie: name,
    query: undefined,
    websocketProtocol: undefined,
  }
}

/** RFC 6750 section 2.3. */
function createQueryLocation(name: string): TokenLocation {
  function find({ url }: TokenCarrier): string | Failure | undefined {
    const start = url.indexOf('?')
    if (start === -1 || !url.includes(name, start)) return undefined
    const values = new URLSearchParams(url.slice(start + 1)).getAll(name).filter((value) => value !== '')
    if (values.length > 1) return new Failure('token_ambiguous', `the query parameter ${name} is there more than once`)
    return values[0]
  }
  return {
    name: `query ${name}`,
    find,
    header: undefined,
    cookie: undefined,
    query: name,
    websocketProtocol: undefined,
  }
}

/** Browsers let a page set no header of a WebSocket but this one: `new WebSocket(url, ['bearer', token])`. */
function createProtocolLocation(name: string): TokenLocation {
  function find({ headers }: TokenCarrier): string | Failure | undefined {
    const offered = headers['sec-websocket-protocol']?.split(',').map((item) => item.trim())
    const at = offered?.indexOf(name) ?? -1
    if (offered === undefined || at === -1) return undefined
    return offered[at + 1] ?? new Failure('token_malformed', `no token follows the subprotocol ${name}`)
  }
  return {
    name: `subprotocol ${name}`,
    find,
    header: undefined,
    cookie: undefined,
    query: undefined,
    websocketProtocol: name,
  }
}

export function createTokenLocation(options: Readonly<TokenLocationOptions>): TokenLocation {
  const { header, scheme, cookie, query, websocketProtocol } = options
  if (websocketProtocol !== undefined) return createProtocolLocation(websocketProtocol)
  if (cookie !== undefined) return createCookieLocation(cookie)
  if (query !== undefined) return createQueryLocation(query)
  return createHeaderLocation(header ?? 'authorization', scheme)
}

/** A token and its place. */
export interface FoundToken {
  readonly token: string
  readonly location: TokenLocation
}

/**
 * Looks in every place: a second token in another place is refused (RFC 6750 section 2), since gateway and upstream might
 * each believe a different one. Undefined when there is none.
 */
export function createTokenFinder(
  locations: readonly TokenLocation[],
): (carrier: TokenCarrier) => FoundToken | Failure | undefined {
  return function findToken(carrier) {
    let found: FoundToken | undefined
    for (const location of locations) {
      const token = location.find(carrier)
      if (token === undefined) continue
      if (token instanceof Failure) return token
      if (found !== undefined)
        return new Failure('token_ambiguous', `tokens in ${found.location.name} and in ${location.name}`)
      found = { token, location }
    }
    return found
  }
}
