// Parses the hops in X-Forwarded-For and Forwarded (RFC 7239), from the last to the first.
import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/** The address of a hop in canonical spelling; undefined if it is unreadable (`unknown`, `_hidden`, a syntax error). */
export type Hop = string | undefined

const IPV4_PORT = /^([\d.]+):\d{1,5}$/
const IPV6_PORT = /^\[([^\]%]*)\](?::\d{1,5})?$/

/** Reads `192.0.2.7`, `192.0.2.7:4711`, `2001:db8::7`, `[2001:db8::7]` or `[2001:db8::7]:4711`; undefined for other text. */
export function readAddress(text: string): Hop {
  const bare = IPV4_PORT.exec(text)?.[1] ?? IPV6_PORT.exec(text)?.[1] ?? text
  if (isIPv4(bare)) return bare
  if (!isIPv6(bare) || bare.includes('%')) return undefined
  const { address } = new SocketAddress({ address: bare, family: 'ipv6' })
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

/** Yields hops from the right, lazily: what stands left of a proxy's own element could be spoofed. */
export function* hopsOfForwardedFor(header: string): Generator<Hop> {
  for (let end = header.length; end >= 0;) {
    const comma = end === 0 ? -1 : header.lastIndexOf(',', end - 1)
    const hop = header.slice(comma + 1, end).trim()
    if (hop !== '') yield readAddress(hop)
    end = comma
  }
}

const PARAMETER = /\s*([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;",]*))\s*(?:;|$)/y

/**
 * Returns the `for` parameter of an element. Other parameters may contain text of the client (`host`), so quoted strings are
 * parsed.
 */
function hopOfElement(element: string): Hop {
  let hop: string | undefined
  PARAMETER.lastIndex = 0
  while (PARAMETER.lastIndex < element.length) {
    const parameter = PARAMETER.exec(element)
    if (parameter === null) return undefined
    const [, name = '', quoted, plain] = parameter
    if (name.toLowerCase() !== 'for') continue
    if (hop !== undefined) return undefined
    hop = quoted ?? plain ?? ''
  }
  return hop === undefined ? undefined : readAddress(hop)
}

/**
 * Returns the index of the last element before `end`. It scans from the right, so that an unclosed quote of the client cannot
 * affect the elements that proxies appended.
 */
function beginOfElement(header: string, end: number): number {
  let inQuotes = false
  for (let index = end - 1; index >= 0; index -= 1) {
    const char = header[index]
    if (char === '"' && header[index - 1] !== '\\') inQuotes = !inQuotes
    else if (char === ',' && !inQuotes) return index + 1
  }
  return 0
}

/** Yields hops from the right, of `Forwarded: for=192.0.2.7;proto=https, for="[2001:db8::7]:4711"`. */
export function* hopsOfForwarded(header: string): Generator<Hop> {
  for (let end = header.length; end >= 0;) {
    const begin = beginOfElement(header, end)
    const element = header.slice(begin, end)
    if (element.trim() !== '') yield hopOfElement(element)
    end = begin - 1
  }
}
