// Tokens in a query parameter (RFC 6750 section 2.3).
import type { StripToken, TokenCarrier, TokenLocation } from './location.ts'
import { compileName, QUERY_SEPARATOR, splitPair } from './spelling.ts'
import { Failure } from '../../failure.ts'

export function createQueryLocation(parameter: string): TokenLocation {
  const isName = compileName(parameter, { anyCase: true })

  function find({ url }: TokenCarrier): string | Failure | undefined {
    const start = url.indexOf('?')
    if (start === -1) return undefined
    let found: string | undefined
    for (const pair of url.slice(start + 1).split(QUERY_SEPARATOR)) {
      const [rawName, rawValue] = splitPair(pair)
      if (rawValue === '' || !isName(rawName)) continue
      if (found !== undefined)
        return new Failure(
          'token_ambiguous',
          `the query parameter ${parameter} is there more than once, allowed is once`,
        )
      found = new URLSearchParams(`v=${rawValue}`).get('v') ?? ''
    }
    return found
  }

  /** Keeps every other byte of the query. */
  const strip: StripToken = (_headers, target) => {
    const queryAt = target.indexOf('?')
    if (queryAt === -1) return target
    // Alternating pairs and separators.
    const parts = target.slice(queryAt + 1).split(QUERY_SEPARATOR)
    let left = ''
    let isFound = false
    for (let index = 0; index < parts.length; index += 2) {
      const pair = parts[index] as string
      if (isName(splitPair(pair)[0])) isFound = true
      else left += (left === '' ? '' : (parts[index - 1] ?? '')) + pair
    }
    if (!isFound) return target
    return left === '' ? target.slice(0, queryAt) : `${target.slice(0, queryAt)}?${left}`
  }

  return {
    name: `query ${parameter}`,
    find,
    strip,
    isAlwaysStripped: true,
    stripOnly: undefined,
    put: (token, target) => ({
      target: `${target}${target.includes('?') ? '&' : '?'}${parameter}=${token}`,
      headers: [],
    }),
    header: undefined,
    cookie: undefined,
    subprotocol: undefined,
    wayBack: 'header',
  }
}
