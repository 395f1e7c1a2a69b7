// Tokens in a request header, usually `Authorization: Bearer` (RFC 6750 section 2.1).
import { replaceHeader, valuesOf } from '../../message/raw-headers.ts'
import type { StripToken, TokenCarrier, TokenLocation } from './location.ts'
import { afterScheme, compileScheme, withScheme } from './scheme.ts'
import { Failure } from '../../failure.ts'

/** Headers of which Node keeps the first and drops the others (`message.headers`). For Authorization, accept/admit.ts refuses a second. */
const KEPT_ONCE: ReadonlySet<string> = new Set([
  ...['age', 'etag', 'expires', 'from', 'if-modified-since', 'if-unmodified-since', 'last-modified', 'location'],
  ...['max-forwards', 'proxy-authorization', 'referer', 'retry-after', 'server', 'user-agent'],
])

export function createHeaderLocation(name: string, scheme: string | undefined): TokenLocation {
  const header = name.toLowerCase()
  const where = `the header ${header}`
  const isOfScheme = scheme === undefined ? undefined : compileScheme(scheme)

  const isKeptOnce = KEPT_ONCE.has(header)

  function find({ headers, rawHeaders = [] }: TokenCarrier): string | Failure | undefined {
    const value = headers[header]
    if (value === undefined) return undefined
    if (isKeptOnce && valuesOf(rawHeaders, header).length > 1)
      return new Failure('token_ambiguous', `${where} is there more than once`)
    if (value === '') return undefined
    if (isOfScheme?.(String(value)) === false) return undefined
    // Node joins most repeated headers with a comma, which no token and no scheme contains.
    if (typeof value !== 'string' || value.includes(','))
      return new Failure('token_ambiguous', `${where} holds more than one value, allowed is one`)
    return scheme === undefined ? value : afterScheme(value, scheme, where)
  }

  const strip: StripToken = (headers, target) => {
    replaceHeader(headers, header, (value) => (isOfScheme?.(value) === false ? value : undefined))
    return target
  }

  return {
    name: `header ${header}`,
    find,
    strip,
    isAlwaysStripped: false,
    stripOnly: undefined,
    put: (token, target) => ({ target, headers: [[header, withScheme(token, scheme)]] }),
    header,
    cookie: undefined,
    subprotocol: undefined,
    wayBack: 'header',
  }
}
