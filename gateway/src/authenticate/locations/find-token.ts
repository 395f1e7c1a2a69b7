// Looks for the token of a request in all locations, and refuses two.
import { MAX_COOKIES, type FoundToken, type TokenCarrier, type TokenLocation } from './location.ts'
import { Failure } from '../../failure.ts'

function together(found: FoundToken | undefined, more: readonly FoundToken[]): FoundToken | Failure | undefined {
  const all = found === undefined ? more : [...(found.rivals ?? [found]), ...more]
  const [first] = all
  if (first === undefined || all.length === 1) return first
  if (all.length > MAX_COOKIES) return new Failure('token_ambiguous', `more than ${MAX_COOKIES} cookies hold a token`)
  const { token, location } = first
  return { token, location, rivals: all }
}

/**
 * Looks in every location: a second token in another one is refused (RFC 6750 section 2), since gateway and upstream might
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
