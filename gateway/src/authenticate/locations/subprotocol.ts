// Tokens after a WebSocket subprotocol: `new WebSocket(url, ['bearer', token])`, the only header that a page can set.
import { takeHeader } from '../../message/raw-headers.ts'
import type { StripToken, TokenCarrier, TokenLocation } from './location.ts'
import { trimBlanks } from './spelling.ts'
import { quoted } from '../../message/shown-value.ts'
import { Failure } from '../../failure.ts'

const HEADER = 'sec-websocket-protocol'

/** Returns the offered subprotocols in order, without empty elements (RFC 9110 section 5.6.1). */
function subprotocolsIn(offer: string): string[] {
  return offer
    .split(',')
    .map(trimBlanks)
    .filter((name) => name !== '')
}

export function createSubprotocolLocation(subprotocol: string): TokenLocation {
  const lower = subprotocol.toLowerCase()
  const where = `the subprotocol ${subprotocol}`

  function find({ headers }: TokenCarrier): string | Failure | undefined {
    const offer = headers[HEADER]
    if (offer === undefined) return undefined
    const offered = subprotocolsIn(offer)
    const tokens = new Set<string>()
    for (let index = 0; index < offered.length; index += 1) {
      const item = offered[index] as string
      if (item.toLowerCase() !== lower) continue
      // Subprotocol names are case-sensitive (RFC 6455 section 11.5), but not every server compares them so.
      if (item !== subprotocol) return new Failure('token_malformed', `${where} is offered as ${quoted(item)}`)
      index += 1
      const token = offered[index]
      if (token === undefined) return new Failure('token_malformed', `no token follows ${where}`)
      tokens.add(token)
    }
    if (tokens.size > 1)
      return new Failure('token_ambiguous', `${where} is there with ${tokens.size} tokens, allowed is one`)
    const [token] = tokens
    return token
  }

  /** Removes the subprotocol and each token after it from the offer, which may span several headers. */
  const strip: StripToken = (headers, target) => {
    const values = takeHeader(headers, HEADER)
    if (values.length === 0) return target
    const left: string[] = []
    const offered = subprotocolsIn(values.join(','))
    for (let index = 0; index < offered.length; index += 1) {
      const item = offered[index] as string
      if (item.toLowerCase() === lower) index += 1
      else left.push(item)
    }
    if (left.length > 0) headers.push(HEADER, left.join(', '))
    return target
  }

  return {
    name: `subprotocol ${subprotocol}`,
    find,
    strip,
    isAlwaysStripped: true,
    stripOnly: undefined,
    put: (token, target) => ({ target, headers: [[HEADER, `${subprotocol}, ${token}`]] }),
    header: HEADER,
    cookie: undefined,
    subprotocol,
    wayBack: undefined,
  }
}

/**
 * Returns the offered subprotocol that precedes a token. It is stripped with its token on every route, and a browser that offered
 * subprotocols expects one in the response.
 */
export function offeredTokenProtocol(
  locations: readonly TokenLocation[],
  { headers }: Pick<TokenCarrier, 'headers'>,
): string | undefined {
  const offered = subprotocolsIn(headers[HEADER] ?? '')
  return locations.find(({ subprotocol = '' }) => offered.includes(subprotocol))?.subprotocol
}
