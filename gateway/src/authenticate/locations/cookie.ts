// Tokens in cookies. A request may have several of one name; one-session.ts chooses among them.
import { replaceHeader } from '../../message/raw-headers.ts'
import { MAX_COOKIES, type StripToken, type TokenCarrier, type TokenLocation } from './location.ts'
import { afterScheme, compileScheme, withScheme } from './scheme.ts'
import { compileName, cookieValue, splitPair, trimBlanks, unescapeBlank } from './spelling.ts'
import { quoted } from '../../message/shown-value.ts'
import { Failure } from '../../failure.ts'

/** Prefixes that browsers protect (RFC 6265bis section 4.1.3), in exactly this spelling only. */
const PREFIX = /^__(?:host|secure)-/i

/** Removes the scheme from each value. */
function afterSchemes(values: readonly string[], scheme: string, where: string): readonly string[] | Failure {
  const tokens: string[] = []
  for (const value of values) {
    const token = afterScheme(value, scheme, where)
    if (token instanceof Failure) return token
    tokens.push(token)
  }
  return tokens
}

/** Removes pairs from a Cookie header and keeps every other byte. Undefined when nothing is left. */
function without(value: string, isTaken: (pair: string) => boolean): string | undefined {
  const pairs = value.split(';')
  const left = pairs.filter((pair) => !isTaken(pair))
  if (left.length === pairs.length) return value
  // Some servers refuse an empty Cookie header.
  return left.every((pair) => trimBlanks(pair) === '') ? undefined : trimBlanks(left.join(';'))
}

/** Reads RFC 6265 section 4.2.1. With a scheme, as some frameworks write it, only values with that scheme are tokens. */
export function createCookieLocation(cookie: string, scheme: string | undefined): TokenLocation {
  const where = `the cookie ${cookie}`
  const isName = compileName(cookie, { anyCase: false })
  const hasPrefix = PREFIX.test(cookie)
  const isOfScheme = scheme === undefined ? undefined : compileScheme(scheme)

  function find({ headers }: TokenCarrier): string | readonly string[] | Failure | undefined {
    if (headers.cookie === undefined) return undefined
    const values = new Set<string>()
    for (const pair of headers.cookie.split(';')) {
      const [rawName, rawValue] = splitPair(pair)
      const spelt = trimBlanks(rawName)
      if (!isName(spelt)) continue
      // Any host of the domain could have set another spelling, and some upstream would read it as the protected cookie.
      if (hasPrefix && spelt !== cookie)
        return new Failure('token_ambiguous', `${where} is there as ${quoted(spelt)}, which other hosts could have set`)
      const value = cookieValue(rawValue)
      if (isOfScheme === undefined) values.add(value)
      else if (isOfScheme(unescapeBlank(value))) values.add(unescapeBlank(value))
    }
    values.delete('')
    if (values.size > MAX_COOKIES)
      return new Failure(
        'token_ambiguous',
        `${where} is there ${values.size} times, at most ${MAX_COOKIES} are looked at`,
      )
    const found = scheme === undefined ? [...values] : afterSchemes([...values], scheme, where)
    return found instanceof Failure || found.length > 1 ? found : found[0]
  }

  function stripWhere(isToken: (value: string) => boolean): StripToken {
    function isTaken(pair: string): boolean {
      const [name, raw] = splitPair(pair)
      if (!isName(trimBlanks(name))) return false
      const value = unescapeBlank(cookieValue(raw))
      return isOfScheme?.(value) !== false && isToken(value)
    }
    return (headers, target) => {
      replaceHeader(headers, 'cookie', (value) => without(value, isTaken))
      return target
    }
  }

  return {
    name: `cookie ${cookie}`,
    find,
    strip: stripWhere(() => true),
    isAlwaysStripped: false,
    stripOnly: (tokens) => stripWhere((value) => tokens.some((token) => value.endsWith(token))),
    put: (token, target) => ({ target, headers: [['cookie', `${cookie}=${withScheme(token, scheme)}`]] }),
    header: 'cookie',
    cookie,
    subprotocol: undefined,
    wayBack: 'cookie',
  }
}
