// Reads the host name of a request, by which the gateway chooses routes, WebSockets and preflights.
import { isIPv6 } from 'node:net'

// RFC 3986 section 3.2.2, without `%` (an escaped letter would be another spelling of a name) and `,` (in X-Forwarded-Host it
// separates two hosts).
const REGISTERED_NAME = /^[A-Za-z0-9\-._~!$&'()*+;=]+$/
const LITERAL = /^\[([0-9A-Fa-f:.]+)\]$/
const PORT = /:(\d*)$/
const MAX_PORT = 65_535
/** RFC 1035 section 2.3.4, with the trailing dot. It bounds the wildcard look-ups, one for each label. */
const MAX_LENGTH = 254

/** Lower-case letters, digits, hyphens and dots: most hosts need no normalization. */
const PLAIN = new Uint8Array(128)
for (const character of 'abcdefghijklmnopqrstuvwxyz0123456789-') PLAIN[character.charCodeAt(0)] = 1
const DOT = 0x2e

const COLON = 0x3a

/** Returns the end of a plain name, before the port; -1 when it is not plain. Hot path: no regular expression. */
function plainEnd(host: string): number {
  let afterDot = true
  let index = 0
  for (; index < host.length; index += 1) {
    const code = host.charCodeAt(index)
    if (PLAIN[code] === 1) afterDot = false
    else if (code === DOT && !afterDot) afterDot = true
    else break
  }
  const isOver = index === host.length || host.charCodeAt(index) === COLON
  return isOver && !afterDot && index <= MAX_LENGTH ? index : -1
}

function isPort(host: string, from: number): boolean {
  let port = 0
  for (let index = from; index < host.length; index += 1) {
    const digit = host.charCodeAt(index) - 0x30
    if (digit < 0 || digit > 9) return false
    port = port * 10 + digit
  }
  return port <= MAX_PORT
}

/** Returns the shortest spelling of an IPv6 address (RFC 5952), as `new URL` writes it. */
function literalName(host: string): string | undefined {
  const address = LITERAL.exec(host)?.[1]
  return address !== undefined && isIPv6(address) ? new URL(`http://${host}`).hostname : undefined
}

function withoutPort(host: string): string | undefined {
  const [end, port] = PORT.exec(host) ?? ['', '']
  return Number(port) > MAX_PORT ? undefined : host.slice(0, host.length - end.length)
}

/**
 * Returns the name in a Host header or an authority: lower case, without the port, and without one trailing dot, which names
 * the same host (RFC 1034 section 3.1). Undefined when the value is invalid (RFC 9112 section 3.2).
 */
export function hostNameOf(host: string): string | undefined {
  const end = plainEnd(host)
  if (end === host.length) return host
  if (end > 0 && isPort(host, end + 1)) return host.slice(0, end)
  const named = withoutPort(host)
  if (named === undefined || named.length > MAX_LENGTH) return undefined
  if (named.startsWith('[')) return literalName(named)
  const name = (named.endsWith('.') ? named.slice(0, -1) : named).toLowerCase()
  return REGISTERED_NAME.test(name) && !name.split('.').includes('') ? name : undefined
}

/** Normalizes the `host` of a route: a host, or a wildcard (`*.example.com`). Undefined when it is neither. */
export function hostPatternOf(host: string): string | undefined {
  if (!host.startsWith('*.')) return host.includes('*') ? undefined : hostNameOf(host)
  const below = hostNameOf(host.slice(2))
  return below === undefined || below.startsWith('[') || below.includes('*') ? undefined : `*.${below}`
}
