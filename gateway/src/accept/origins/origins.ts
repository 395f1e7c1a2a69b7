// Compiles the origins of an option: single origins, and wildcards for all hosts below one (https://*.example.com).

/** True when this value of an Origin header is one of the compiled origins. */
export type OriginMatcher = (origin: string) => boolean

/** A wildcard: the scheme, and the suffix of its origins (`.example.com`), with a port that is not the default. */
interface Wildcard {
  readonly start: string
  readonly end: string
}

const WILDCARD = /^(https?:\/\/)\*(\.[^.:].*)$/i
const LABELS = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/

/** Returns the origin as browsers write it (RFC 6454 section 6.2): lower case, punycode, no default port. Undefined: no origin. */
export function canonicalOrigin(text: string): string | undefined {
  // The URL parser accepts an asterisk in a host name.
  if (text.includes('*') || !URL.canParse(text)) return undefined
  const url = new URL(text)
  const { protocol, origin, username, password, pathname, search, hash } = url
  const isBare = username === '' && password === '' && pathname === '/' && search === '' && hash === ''
  return isBare && !text.endsWith('/') && (protocol === 'http:' || protocol === 'https:') ? origin : undefined
}

function readWildcard(text: string): Wildcard | undefined {
  const [, start, rest] = WILDCARD.exec(text) ?? []
  if (start === undefined || rest === undefined) return undefined
  const origin = canonicalOrigin(`${start}any${rest}`)
  // With the label `any` in front the host must stay a name: an IP address or a lone dot would change.
  const end = origin?.startsWith(`${start.toLowerCase()}any.`) === true ? origin.slice(start.length + 3) : undefined
  return end === undefined ? undefined : { start: start.toLowerCase(), end }
}

/** True for a valid origin or wildcard in the config. */
export function isOriginOrWildcard(text: string): boolean {
  return canonicalOrigin(text) !== undefined || readWildcard(text) !== undefined
}

/** True for a wildcard below a single label, such as `https://*.com`. */
export function isTopLevelWildcard(text: string): boolean {
  const wildcard = readWildcard(text)
  return wildcard !== undefined && !wildcard.end.slice(1).includes('.')
}

function matches({ start, end }: Wildcard, origin: string): boolean {
  return (
    origin.length > start.length + end.length &&
    origin.startsWith(start) &&
    origin.endsWith(end) &&
    LABELS.test(origin.slice(start.length, -end.length))
  )
}

/** Compiles origins and wildcards. A wildcard matches one label or more, and not the host itself. */
export function compileOrigins(texts: readonly string[]): OriginMatcher {
  const exact = new Set(texts.map((text) => canonicalOrigin(text)))
  const wildcards = texts.flatMap((text) => readWildcard(text) ?? [])
  return (origin) => exact.has(origin) || wildcards.some((wildcard) => matches(wildcard, origin))
}
