// Creates a token location from its options, by a table with one row for each kind.
import { createCookieLocation } from './cookie.ts'
import { createHeaderLocation } from './header.ts'
import type { TokenLocation } from './location.ts'
import { createQueryLocation } from './query.ts'
import { createSubprotocolLocation } from './subprotocol.ts'
import { LOCATION_KINDS, type LocationKind, type TokenLocationOptions } from '../../options/tokens.ts'

/** The compiler demands a row for each kind in the options. */
const CREATE: Readonly<Record<LocationKind, (name: string, scheme: string | undefined) => TokenLocation>> = {
  header: createHeaderLocation,
  cookie: createCookieLocation,
  query: createQueryLocation,
  websocketProtocol: createSubprotocolLocation,
}

export function createTokenLocation(options: Readonly<TokenLocationOptions>): TokenLocation {
  const kind = LOCATION_KINDS.find((name) => options[name] !== undefined)
  const name = kind === undefined ? undefined : options[kind]
  if (kind === undefined || name === undefined) throw new Error('an entry of tokens.from names no location')
  return CREATE[kind](name, options.scheme)
}
