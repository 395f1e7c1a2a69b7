// Creates Set-Cookie headers that delete token cookies, under every domain and path that the browser may have them.

import { compileName, splitPair, trimBlanks } from './spelling.ts'
import { forwardedValue, type PeerTrust } from '../../message/trusted-proxies.ts'
import type { GatewayRequest } from '../../message/client-exchange.ts'

/** The identity of a cookie in a browser (RFC 6265 section 5.3, step 11). */
export interface CookieSlot {
  readonly name: string
  /** Undefined for a host-only cookie. */
  readonly domain: string | undefined
  readonly path: string
}

type AskingRequest = Pick<GatewayRequest, 'headers' | 'socket' | 'url'>

/** Returns Set-Cookie values. Does not delete `kept`, the cookie of the successor. */
export type ClearCookies = (request: AskingRequest, kept?: CookieSlot) => readonly string[]

// Likely slots come first, and all are limited: proxies in front of the gateway accept heads of 4 KB (nginx, proxy_buffer_size).
const MAX_NAMES = 4
const MAX_DOMAINS = 5
const MAX_PATHS = 9
const MAX_LINES = 20

const PREFIXED = /^__(secure|http|host)-/i
const HOST_PREFIXED = /^__host-/i
const NAME = /^[!#-+\--:<>-~]+$/
const HOST_NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/
const ADDRESS = /^[0-9.]+$/
const PATH = /^\/[!-:<-~]*$/

/** Returns the possible domains of a cookie: host-only, and each parent domain. Browsers ignore public suffixes. */
function domainsOf(host: string | undefined): readonly (string | undefined)[] {
  const name = host?.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '') ?? ''
  if (!HOST_NAME.test(name) || ADDRESS.test(name)) return [undefined]
  const labels = name.split('.')
  const domains = labels.slice(0, -1).map((_label, index) => labels.slice(index).join('.'))
  return [undefined, ...domains.slice(-MAX_DOMAINS)]
}

/** Returns the possible paths of a cookie that was sent with this URL: its prefixes (RFC 6265 section 5.1.4). */
function pathsOf(url: string | undefined): readonly string[] {
  const [path = '/'] = (url ?? '/').split('?', 1)
  const paths = ['/']
  if (!PATH.test(path)) return paths
  for (let at = path.indexOf('/', 1); at !== -1; at = path.indexOf('/', at + 1))
    paths.push(path.slice(0, at), path.slice(0, at + 1))
  if (!paths.includes(path)) paths.push(path)
  return paths.slice(0, MAX_PATHS)
}

/** Returns the names of token cookies in the browser's spelling. */
function namesIn(cookie: string | undefined, isToken: (name: string) => boolean): readonly string[] {
  const names = new Set<string>()
  for (const pair of cookie?.split(';') ?? []) {
    const name = trimBlanks(splitPair(pair)[0])
    if (names.size < MAX_NAMES && NAME.test(name) && isToken(name)) names.add(name)
  }
  return [...names]
}

function isSame(a: CookieSlot, b: CookieSlot | undefined): boolean {
  return a.name === b?.name && a.domain === b.domain && a.path === b.path
}

/** Returns the possible slots of a cookie. `__Host-` cookies have one slot only (RFC 6265bis section 4.1.3). */
function slotsOf(name: string, request: AskingRequest, host: string | undefined): readonly CookieSlot[] {
  if (HOST_PREFIXED.test(name)) return [{ name, domain: undefined, path: '/' }]
  const domains = domainsOf(host)
  return pathsOf(request.url).flatMap((path) => domains.map((domain) => ({ name, domain, path })))
}

function lineOf({ name, domain, path }: CookieSlot, isCrossSite: boolean): string {
  // Without Secure it also works over plain HTTP. Responses to pages of other sites can set only SameSite=None cookies, which
  // need Secure.
  const secure = isCrossSite ? '; SameSite=None; Secure' : PREFIXED.test(name) ? '; Secure' : ''
  return `${name}=; Path=${path}${domain === undefined ? '' : `; Domain=${domain}`}; Max-Age=0${secure}`
}

export interface CookieClearingParts {
  /** Names of the token cookies in the config. */
  readonly cookies: readonly string[]
  /** The cookies of successors, which are deleted even if the request did not send them. */
  readonly delivered: readonly CookieSlot[]
  readonly isTrusted: PeerTrust
}

/**
 * Creates the function that deletes the token cookies of a request. A request does not tell the domain and path of its cookies, so
 * every possible one is deleted: deleting an absent cookie has no effect (RFC 6265 section 5.3).
 */
export function createCookieClearing({ cookies, delivered, isTrusted }: CookieClearingParts): ClearCookies {
  const tests = cookies.map((name) => compileName(name, { anyCase: false }))
  return function clearCookies(request, kept) {
    const names = namesIn(request.headers.cookie, (name) => tests.some((isToken) => isToken(name)))
    const host = forwardedValue(request, 'x-forwarded-host', isTrusted) ?? request.headers.host
    const slots = names.flatMap((name) => slotsOf(name, request, host))
    if (names.length > 0 && kept === undefined)
      slots.unshift(...delivered.filter((slot) => !slots.some((other) => isSame(other, slot))))
    const isCrossSite = request.headers['sec-fetch-site'] === 'cross-site'
    return slots
      .filter((slot) => !isSame(slot, kept))
      .slice(0, MAX_LINES)
      .map((slot) => lineOf(slot, isCrossSite))
  }
}
