// Compiles the origins that an option names: single ones, and all hosts below one (https://*.example.com).

/** True when this value of an Origin header is one of the compiled origins. */
export type OriginMatcher = (origin: string) => boolean

/** Scheme, and what ends the origins below a host: `.example.com`, with the port where it is not the scheme's own. */
interface Wildcard {
  readonly start: string
  readonly end: string
}

const WILDCARD = /^(https?:\/\/)\*(\.[^.:].*)$/i
const LABELS = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/

/** As browsers write it (RFC 6454 section 6.2): lower case, punycode, without the scheme's own port. Undefined when it is no origin. */
export function canonicalOrigin(text: string): string | undefined {
  // URLs take a star for a letter of a name.
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
  // `any` stays in front of what is below it: an address or a lone dot would not.
  const end = origin?.startsWith(`${start.toLowerCase()}any.`) === true ? origin.slice(start.length + 3) : undefined
  return end === undefined ? undefined : { start: start.toLowerCase(), end }
}

/** True for an origin, or a wildcard of origins, as the config may name it. */
export function isOriginOrWildcard(text: string): boolean {
  return canonicalOrigin(text) !== undefined || readWildcard(text) !== undefined
}

/** True for `https://*.com`: all that is below a single label. */
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

/** A wildcard stands for one label or more, and not for the host itself. */
export function compileOrigins(texts: readonly string[]): OriginMatcher {
  const exact = new Set(texts.map((text) => canonicalOrigin(text)))
  const wildcards = texts.flatMap((text) => readWildcard(text) ?? [])
  return (origin) => exact.has(origin) || wildcards.some((wildcard) => matches(wildcard, origin))
}
