// Checks names of headers that only the gateway sets: none that has a meaning of its own, holds tokens, or is used already.
import { LOCATION_KINDS } from '../../../options/tokens.ts'
import { createTokenLocation } from '../../../authenticate/locations/create-location.ts'
import { foldName } from '../../../forward/headers/header-names.ts'
import type { AsWritten } from '../../text/as-written.ts'
import { entries, options, text } from '../loose.ts'
import type { Finding, Path } from '../../problem.ts'

// Headers with a meaning of their own: what only the gateway says is removed from requests and responses by its name.
const FAMILIES = 'accept access-control content if proxy sec x-forwarded'
const NAMES =
  'allow authorization baggage cache-control connection cookie date etag expect expires forwarded from host http2-settings ' +
  'keep-alive last-modified link location origin pragma range referer retry-after server set-cookie te traceparent ' +
  'tracestate trailer transfer-encoding upgrade user-agent vary via strict-transport-security www-authenticate ' +
  'x-http-method-override x-original-url x-real-ip x-renewed-token x-request-id x-rewrite-url x-tollgate'
// Names by which programs behind authenticating proxies know who calls (oauth2-proxy): they are about the caller, not the way.
const ABOUT_CALLERS = 'x-forwarded-(user|email|groups|preferred-username)$'
const OTHERS = new RegExp(
  `^(?!${ABOUT_CALLERS})((${FAMILIES.replaceAll(' ', '|')})(-.*)?|${NAMES.replaceAll(' ', '|')})$`,
)
/** RFC 9110 section 5.6.2, without the underscore, which upstreams read as a hyphen. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^`|~-]+$/

/** The headers in which tokens are found, as each location kind lists them. */
export function tokenHeaders(tokens: unknown): readonly string[] {
  return entries(options(tokens)['from']).flatMap((entry) => {
    const location = options(entry)
    const [kind, ...more] = LOCATION_KINDS.filter((name) => location[name] !== undefined)
    const name = kind === undefined ? undefined : text(location[kind])
    if (kind === undefined || name === undefined || more.length > 0) return []
    const { header } = createTokenLocation({ [kind]: name })
    return header === undefined ? [] : [foldName(header)]
  })
}

/** A header that only the gateway sets, and where its name stands: the name is a key, or the value of an option. */
export interface OwnHeader {
  readonly name: string
  readonly path: Path
  readonly atKey?: boolean
  /** What it carries, in a few words: `the auth result`. */
  readonly carries: string
}

function faultOf({ name, path, carries, atKey }: OwnHeader, tokens: readonly string[], written: AsWritten) {
  const shown = atKey === true ? JSON.stringify(name) : written.show(path)
  if (!HEADER_NAME.test(name))
    return { message: `is no name of a header that upstreams read in one way`, hint: 'letters, digits and -' }
  // Upstreams that fold names read `x.request~id` as x-request-id.
  if (OTHERS.test(foldName(name))) return { message: `${shown} has a meaning of its own and cannot carry ${carries}` }
  return tokens.includes(foldName(name))
    ? { message: `tokens are read from this header (tokens.from); ${carries} needs another one` }
    : undefined
}

/** One header may be named by many routes, but in one spelling: upstreams that fold names could not tell two. */
export function checkOwnHeaders(
  headers: readonly OwnHeader[],
  tokens: unknown,
  written: AsWritten,
): readonly Finding[] {
  const ofTokens = tokenHeaders(tokens)
  const seen = new Map<string, OwnHeader>()
  return headers.flatMap((header): Finding[] => {
    const { name, path, atKey = false, carries } = header
    const fault = faultOf(header, ofTokens, written)
    if (fault !== undefined) return [{ path, atKey, ...fault }]
    const folded = foldName(name)
    const other = seen.get(folded)
    if (other === undefined) seen.set(folded, header)
    if (other === undefined || (other.carries === carries && other.name.toLowerCase() === name.toLowerCase())) return []
    const message =
      other.carries === carries
        ? `${JSON.stringify(other.name)} is the same header in another spelling`
        : `the header carries ${other.carries} already; ${carries} needs another one`
    return [{ path, atKey, message }]
  })
}
