// Finds the token of a request in all locations, and refuses a second token.
import { MAX_COOKIES, type FoundToken, type TokenCarrier, type TokenLocation } from './location.ts'
import { Failure } from '../../failure.ts'

function together(found: FoundToken | undefined, more: readonly FoundToken[]): FoundToken | Failure | undefined {
  const all = found === undefined ? more : [...(found.rivals ?? [found]), ...more]
  const [first] = all
  if (first === undefined || all.length === 1) return first
  if (all.length > MAX_COOKIES)
    return new Failure('token_ambiguous', `${all.length} cookies hold a token, at most ${MAX_COOKIES} are looked at`)
  const { token, location } = first
  return { token, location, rivals: all }
}

/**
 * Creates the search over all locations. It refuses tokens in two locations (RFC 6750 section 2), because gateway and upstream
 * could each read a different one. Undefined without a token. Failures: token_ambiguous, token_malformed.
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
        return new Failure(
          'token_ambiguous',
          `tokens in ${found.location.name} and in ${location.name}, allowed is one location`,
        )
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
