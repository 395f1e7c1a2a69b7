// Where a token was found: a place knows how to find its token, in whatever spelling an upstream would.
import type { IncomingHttpHeaders } from 'node:http'

import type { TokenLocationOptions } from '../../options/tokens.ts'
import { Failure } from '../../failure.ts'
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

/** The parts of a request that can hold a token. `url` is the path with its query. */
export interface TokenCarrier {
  readonly headers: IncomingHttpHeaders
  readonly url: string
}

export interface TokenLocation {
  /** For logs and `explain`, such as `header authorization`. */
  readonly name: string
  /**
   * The token here; undefined when there is none; a failure when what is here cannot be a single token. Several only of cookies:
   * a browser has one for each domain and path, and the gateway's own may stand beside that of the log-in.
   */
  find(carrier: TokenCarrier): string | readonly string[] | Failure | undefined
  readonly header: string | undefined
  /** Of a header or cookie: what the token stands behind. */
  readonly scheme: string | undefined
  readonly cookie: string | undefined
  readonly query: string | undefined
  /** The subprotocol after which the token stands. */
  readonly websocketProtocol: string | undefined
  /** Where several cookies held a token: those that do not count. */
  readonly superseded?: readonly string[]
}

const SPACE = 0x20

/** Each may cost a signature check. */
const MAX_COOKIES = 4

const NOWHERE = {
  header: undefined,
  scheme: undefined,
  cookie: undefined,
  query: undefined,
  websocketProtocol: undefined,
}

/** What comes after the scheme. `value` has no comma. */
function afterScheme(value: string, scheme: string, where: string): string | Failure {
  let start = scheme.length
  if (value.length === start) return new Failure('token_malformed', `${where} holds the scheme alone`)
  if (value.charCodeAt(start) !== SPACE)
    return new Failure('token_malformed', `in ${where} no space follows the scheme`)
  while (value.charCodeAt(start) === SPACE) start += 1
  return value.slice(start)
}

/** RFC 9110 section 11.4: the scheme in any case, then one or more spaces. */
function createHeaderLocation(name: string, scheme: string | undefined): TokenLocation {
  const header = name.toLowerCase()
  const where = `the header ${header}`
  const isOfScheme = scheme === undefined ? undefined : compileScheme(scheme)

  function find({ headers }: TokenCarrier): string | Failure | undefined {
    const value = headers[header]
    if (value === undefined || value === '') return undefined
    if (isOfScheme?.(String(value)) === false) return undefined
    // Node joins most repeated headers with a comma; a comma is in no token and in no scheme.
    if (typeof value !== 'string' || value.includes(','))
      return new Failure('token_ambiguous', `${where} holds more than one value`)
    return scheme === undefined ? value : afterScheme(value, scheme, where)
  }
  return { ...NOWHERE, name: `header ${header}`, find, header, scheme }
}

/** Several of one name are as many tokens, unless all are the same. */
function theOne(values: ReadonlySet<string>, where: string): string | Failure | undefined {
  if (values.size > 1) return new Failure('token_ambiguous', `${where} is there more than once`)
  const [value] = values
  return value
}

/** What stands behind the scheme in each of them. */
function afterSchemes(values: readonly string[], scheme: string, where: string): readonly string[] | Failure {
  const tokens: string[] = []
  for (const value of values) {
    const token = afterScheme(value, scheme, where)
    if (token instanceof Failure) return token
    tokens.push(token)
  }
  return tokens
}

/** A browser takes a name that begins so from its own host, or with Secure, alone (RFC 6265bis section 4.1.3): but only that spelling of it. */
const PREFIX = /^__(?:host|secure)-/i

/** RFC 6265 section 4.2.1. With a scheme, as some frameworks write it, only what has that scheme is a token. */
function createCookieLocation(name: string, scheme: string | undefined): TokenLocation {
  const where = `the cookie ${name}`
  const isName = compileName(name, { anyCase: false })
  const hasPrefix = PREFIX.test(name)
  const isOfScheme = scheme === undefined ? undefined : compileScheme(scheme)

  function find({ headers: { cookie } }: TokenCarrier): string | readonly string[] | Failure | undefined {
    if (cookie === undefined) return undefined
    const values = new Set<string>()
    for (const pair of cookie.split(';')) {
      const [rawName, rawValue] = splitPair(pair)
      const spelt = trimBlanks(rawName)
      if (!isName(spelt)) continue
      // Any host of the domain could have set it, and some upstream would take it for the one with the prefix.
      if (hasPrefix && spelt !== name) return new Failure('token_ambiguous', `${where} is there in another spelling`)
      const value = cookieValue(rawValue)
      if (isOfScheme === undefined) values.add(value)
      else if (isOfScheme(unescapeBlank(value))) values.add(unescapeBlank(value))
    }
    values.delete('')
    if (values.size > MAX_COOKIES)
      return new Failure('token_ambiguous', `${where} is there more than ${MAX_COOKIES} times`)
    const found = scheme === undefined ? [...values] : afterSchemes([...values], scheme, where)
    return found instanceof Failure || found.length > 1 ? found : found[0]
  }
  return { ...NOWHERE, name: `cookie ${name}`, find, cookie: name, scheme }
}

/** RFC 6750 section 2.3. */
function createQueryLocation(name: string): TokenLocation {
  const isName = compileName(name, { anyCase: true })

  function find({ url }: TokenCarrier): string | Failure | undefined {
    const start = url.indexOf('?')
    if (start === -1) return undefined
    let found: string | undefined
    for (const pair of url.slice(start + 1).split(QUERY_SEPARATOR)) {
      const [rawName, rawValue] = splitPair(pair)
      if (rawValue === '' || !isName(rawName)) continue
      if (found !== undefined)
        return new Failure('token_ambiguous', `the query parameter ${name} is there more than once`)
      found = new URLSearchParams(`v=${rawValue}`).get('v') ?? ''
    }
    return found
  }
  return { ...NOWHERE, name: `query ${name}`, find, query: name }
}

/** Browsers let a page set no header of a WebSocket but this one: `new WebSocket(url, ['bearer', token])`. */
function createProtocolLocation(name: string): TokenLocation {
  const lower = name.toLowerCase()

  function find({ headers }: TokenCarrier): string | Failure | undefined {
    const offer = headers['sec-websocket-protocol']
    if (offer === undefined) return undefined
    const offered = subprotocolsIn(offer)
    const tokens = new Set<string>()
    for (let index = 0; index < offered.length; index += 1) {
      const item = offered[index] as string
      if (item.toLowerCase() !== lower) continue
      // Names of subprotocols have one case (RFC 6455 section 11.5), but not everybody compares them so.
      if (item !== name) return new Failure('token_malformed', `the subprotocol ${name} is offered in another case`)
      index += 1
      const token = offered[index]
      if (token === undefined) return new Failure('token_malformed', `no token follows the subprotocol ${name}`)
      tokens.add(token)
    }
    return theOne(tokens, `the subprotocol ${name}`)
  }
  return { ...NOWHERE, name: `subprotocol ${name}`, find, websocketProtocol: name }
}

/**
 * The subprotocol among those offered that names a token: it is taken away with its token, whether the route asks for one or not,
 * and a browser that offered some wants to be told one.
 */
export function offeredTokenProtocol(
  locations: readonly TokenLocation[],
  { headers }: Pick<TokenCarrier, 'headers'>,
): string | undefined {
  const offered = subprotocolsIn(headers['sec-websocket-protocol'] ?? '')
  return locations.find(({ websocketProtocol = '' }) => offered.includes(websocketProtocol))?.websocketProtocol
}

export function createTokenLocation(options: Readonly<TokenLocationOptions>): TokenLocation {
  const { header, scheme, cookie, query, websocketProtocol } = options
  if (websocketProtocol !== undefined) return createProtocolLocation(websocketProtocol)
  if (cookie !== undefined) return createCookieLocation(cookie, scheme)
  if (query !== undefined) return createQueryLocation(query)
  return createHeaderLocation(header ?? 'authorization', scheme)
}

/** A token and its place. */
export interface FoundToken {
  readonly token: string
  readonly location: TokenLocation
  /** All cookies that hold a token, this one first, where there are several: one-session.ts says which counts. */
  readonly rivals: readonly FoundToken[] | undefined
}

function together(found: FoundToken | undefined, more: readonly FoundToken[]): FoundToken | Failure | undefined {
  const all = found === undefined ? more : [...(found.rivals ?? [found]), ...more]
  const [first] = all
  if (first === undefined || all.length === 1) return first
  if (all.length > MAX_COOKIES) return new Failure('token_ambiguous', `more than ${MAX_COOKIES} cookies hold a token`)
  const { token, location } = first
  return { token, location, rivals: all }
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
      const here = location.find(carrier)
      if (here === undefined) continue
      if (here instanceof Failure) return here
      if (found === undefined && typeof here === 'string') {
        found = { token: here, location, rivals: undefined }
        continue
      }
      if (found !== undefined && (location.cookie === undefined || found.location.cookie === undefined))
        return new Failure('token_ambiguous', `tokens in ${found.location.name} and in ${location.name}`)
      const tokens = typeof here === 'string' ? [here] : here
      const all = together(
        found,
        tokens.map((token) => ({ token, location, rivals: undefined })),
      )
      if (all instanceof Failure) return all
      found = all
    }
    return found
  }
}
