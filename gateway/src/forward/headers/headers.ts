// Filters headers and trailers: removes and adds fields, with one function for each direction.
import { sayClaims, type ClaimHeaderSet, type ClaimValues } from './claim-headers.ts'
import {
  foldName,
  FRAMING,
  HOP_BY_HOP,
  MISTAKEN_FOR_SETTINGS,
  namedByConnection,
  NEVER_IN_TRAILERS,
  SAID_BY_GATEWAY,
  SAID_BY_PROXIES,
} from './header-names.ts'
import { memoizeByName } from '../../message/memoize.ts'
import { eachHeader, indexOfHeader, removeHeaders, takeHeader, type RawHeaders } from '../../message/raw-headers.ts'

/** Facts about a request that the gateway adds as headers. */
export interface RequestFacts {
  readonly requestId: string
  /** Address of the peer, and whether the peer is a trusted proxy. */
  readonly peerAddress: string
  readonly peerTrusted: boolean
  readonly protocol: 'http' | 'https'
  readonly host: string | undefined
  /** The prefix that the rewrite removed from the path; undefined for none. */
  readonly prefix: string | undefined
  /** True when the upstream receives the client's Host. */
  readonly preserveHost: boolean
  /** Value of the auth-result header; undefined when none is sent. */
  readonly authResult: string | undefined
  /** The headers with single claims that the route sends, and the values of the caller; undefined for none. */
  readonly claimHeaders: ClaimHeaderSet | undefined
  readonly claimValues: ClaimValues | undefined
  /** The assertion for the upstream; undefined when none is sent. */
  readonly assertion: string | undefined
}

export interface HeaderRules {
  /** Name of the auth-result header, lower case. */
  readonly authResultHeader: string
  /** Name of the header with the assertion, lower case; undefined for none. */
  readonly assertionHeader: string | undefined
  /** Other headers that only the gateway may set, in both directions; lower case. */
  readonly reserved: readonly string[]
  /** Request headers that the config changes: they pass in no trailer. */
  readonly changed: readonly string[]
  /** Headers that hold tokens, lower case. Variant spellings are dropped: they could carry a second token. */
  readonly tokenHeaders: readonly string[]
  /** Whether request headers with `_` in their name are forwarded. */
  readonly underscores: 'drop' | 'keep'
  /** Pseudonym in Via (RFC 9110 section 7.6.3); undefined: no Via. */
  readonly via: string | undefined
}

export interface HeaderFilter {
  toUpstream(raw: RawHeaders, connection: string | undefined, facts: RequestFacts): string[]
  toClient(raw: RawHeaders, requestId: string, without: ReadonlySet<string> | undefined): string[]
  /** Filter trailers. They drop fields of framing, routing and authentication (RFC 9110 section 6.5.1). */
  trailersToClient(raw: RawHeaders): [name: string, value: string][]
  trailersToUpstream(raw: RawHeaders): string[]
}

const SLASH = 0x2f

type Verdict = 'drop' | 'pass' | 'from-proxies'

export function createHeaderFilter(rules: HeaderRules): HeaderFilter {
  const { authResultHeader, assertionHeader, reserved, tokenHeaders, underscores, via } = rules
  const own = new Set([authResultHeader, assertionHeader ?? [], ...reserved].flat().map(foldName))
  const ofTokens = new Set(tokenHeaders.map(foldName))
  const changed = new Set(rules.changed.map(foldName))
  const viaValue = via === undefined ? undefined : `1.1 ${via}`

  const verdictOf = memoizeByName((name): Verdict => {
    const lower = name.toLowerCase()
    const folded = foldName(name)
    if (lower === 'host' || HOP_BY_HOP.has(folded) || MISTAKEN_FOR_SETTINGS.has(folded)) return 'drop'
    if (own.has(folded) || SAID_BY_GATEWAY.has(folded)) return 'drop'
    const fromProxies = SAID_BY_PROXIES.has(folded) || folded.startsWith('x-forwarded-')
    // `X_Forwarded_For` reads as `X-Forwarded-For` to CGI, WSGI and PHP upstreams (CVE-2025-64484).
    if (lower !== folded && (fromProxies || FRAMING.has(folded) || folded.startsWith('sec-websocket-'))) return 'drop'
    if (ofTokens.has(folded) && !tokenHeaders.includes(lower)) return 'drop'
    if (name.includes('_') && underscores === 'drop') return 'drop'
    return fromProxies ? 'from-proxies' : 'pass'
  })

  const passesBack = memoizeByName((name) => {
    const folded = foldName(name)
    return !HOP_BY_HOP.has(folded) && !own.has(folded) && folded !== 'x-request-id'
  })

  // Who merges trailers into headers would read a token there that nobody judged.
  const passesOnAsTrailer = memoizeByName((name) => {
    const folded = foldName(name)
    return verdictOf(name) === 'pass' && !NEVER_IN_TRAILERS.has(folded) && !ofTokens.has(folded) && !changed.has(folded)
  })

  const passesBackAsTrailer = memoizeByName((name) => passesBack(name) && !NEVER_IN_TRAILERS.has(foldName(name)))

  return {
    toUpstream(raw, connection, facts) {
      const named = namedByConnection(connection)
      const headers: string[] = []
      // First, because servers drop headers beyond their limit (Node: 1000), which a client can reach. The client's Connection
      // header does not remove them.
      if (facts.authResult !== undefined) headers.push(authResultHeader, facts.authResult)
      if (facts.claimHeaders !== undefined && facts.claimValues !== undefined)
        sayClaims(headers, facts.claimHeaders, facts.claimValues)
      if (facts.assertion !== undefined && assertionHeader !== undefined) headers.push(assertionHeader, facts.assertion)
      headers.push('x-request-id', facts.requestId)
      if (!facts.peerTrusted) {
        headers.push('x-forwarded-for', facts.peerAddress, 'x-forwarded-proto', facts.protocol)
        if (facts.host !== undefined) headers.push('x-forwarded-host', facts.host)
        if (facts.prefix !== undefined) headers.push('x-forwarded-prefix', facts.prefix)
      }
      if (facts.preserveHost && facts.host !== undefined) headers.push('host', facts.host)
      // Hot path, here and in toClient: a loop avoids a closure for each message.
      for (let index = 0; index < raw.length; index += 2) {
        const name = raw[index] as string
        const verdict = verdictOf(name)
        if (verdict === 'drop' || (verdict === 'from-proxies' && !facts.peerTrusted)) continue
        if (named?.has(name.toLowerCase())) continue
        headers.push(name, raw[index + 1] as string)
      }
      if (facts.peerTrusted) addHop(headers, facts)
      if (viaValue !== undefined) headers.push('via', viaValue)
      return headers
    },

    trailersToUpstream(raw) {
      return pairsThat(passesOnAsTrailer, raw).flat()
    },

    trailersToClient(raw) {
      return pairsThat(passesBackAsTrailer, raw)
    },

    toClient(raw, requestId, without) {
      const headers: string[] = []
      let named: ReadonlySet<string> | undefined
      for (let index = 0; index < raw.length; index += 2) {
        const name = raw[index] as string
        const value = raw[index + 1] as string
        if (passesBack(name)) headers.push(name, value)
        else if (name.length === 10 && name.toLowerCase() === 'connection') named = namedByConnection(value)
      }
      if (named !== undefined || without !== undefined) removeNamed(headers, named, without)
      headers.push('x-request-id', requestId)
      if (viaValue !== undefined) headers.push('via', viaValue)
      return headers
    },
  }
}

function pairsThat(pass: (name: string) => boolean, raw: RawHeaders): [name: string, value: string][] {
  const pairs: [string, string][] = []
  eachHeader(raw, (name, value) => {
    if (pass(name)) pairs.push([name, value])
  })
  return pairs
}

/** Behind a trusted proxy: appends its address to the lists, and adds missing headers. First, for the same reason as above. */
function addHop(headers: string[], { peerAddress, protocol, host, prefix }: RequestFacts): void {
  const saysHost = indexOfHeader(headers, 'x-forwarded-host') !== -1
  const saysProtocol = indexOfHeader(headers, 'x-forwarded-proto') !== -1
  const hops = [...takeHeader(headers, 'x-forwarded-for'), peerAddress]
  const forwarded = takeHeader(headers, 'forwarded')
  if (forwarded.length > 0) headers.unshift('forwarded', [...forwarded, forNode(peerAddress)].join(', '))
  if (prefix !== undefined) {
    const prefixes = takeHeader(headers, 'x-forwarded-prefix').map(joinedPrefixes)
    headers.unshift('x-forwarded-prefix', prefixes.join('') + prefix)
  }
  if (!saysHost && host !== undefined) headers.unshift('x-forwarded-host', host)
  if (!saysProtocol) headers.unshift('x-forwarded-proto', protocol)
  headers.unshift('x-forwarded-for', hops.join(', '))
}

/** Joins the prefixes of several proxies, outermost first: no consumer but Spring reads lists. */
function joinedPrefixes(list: string): string {
  return list
    .split(',')
    .map((prefix) => withoutLastSlashes(prefix.trim()))
    .join('')
}

/** A loop: an expression would take quadratic time for slashes with something behind them. */
function withoutLastSlashes(prefix: string): string {
  let end = prefix.length
  while (prefix.charCodeAt(end - 1) === SLASH) end -= 1
  return prefix.slice(0, end)
}

/** The `for` node of RFC 7239 section 6: an IPv6 address is bracketed and so quoted. */
function forNode(address: string): string {
  return address.includes(':') ? `for="[${address}]"` : `for=${address}`
}

/** Removes headers in place: those the upstream names in Connection, and its CORS headers under a CORS policy. Rare. */
function removeNamed(
  headers: string[],
  named: ReadonlySet<string> | undefined,
  without: ReadonlySet<string> | undefined,
): void {
  removeHeaders(headers, (name) => named?.has(name) === true || without?.has(name) === true)
}
