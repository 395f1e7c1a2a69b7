// Checks how successors are delivered: refuses cookies that browsers reject, or that no location would find (RFC 6265bis).
import { isOptions, options, text, texts, type Loose } from './loose.ts'
import type { Finding, Path } from '../problem.ts'
import { parseDuration } from '../../options/kinds.ts'

/** Browsers limit the age of a cookie to 400 days (RFC 6265bis section 5.5). Milliseconds. */
const LONGEST_AGE_MS = 400 * 86_400_000

interface Surroundings {
  /** The value of tokens.from. */
  readonly locations: readonly Loose[]
  readonly routes: readonly Loose[]
}

function checkHeader(renewal: Loose, { locations }: Surroundings, path: Path): readonly Finding[] {
  if (locations.some(({ header, query }) => header !== undefined || query !== undefined)) return []
  return [
    {
      path: renewal['deliver'] === undefined ? path : [...path, 'deliver'],
      message: 'tokens come in no header: their successors would never be delivered',
      hint: 'deliver: cookie',
    },
  ]
}

/** A cookie that delivers successors must be a location in which tokens are found. */
function checkName(cookie: Loose, locations: readonly Loose[], at: Path): readonly Finding[] {
  const names = locations.flatMap((location) => texts([location['cookie']]))
  const [only] = names
  const given = text(cookie['name'])
  if (given === undefined && new Set(names).size !== 1)
    return [
      {
        path: at,
        message: 'needs exactly one cookie in tokens.from: the one it is set in',
        ...(only === undefined ? {} : { hint: 'or deliver: { cookie: { name: ... } }' }),
      },
    ]
  const path = given === undefined ? at : [...at, 'cookie', 'name']
  const hasPrefix = cookie['hostPrefix'] === true
  const name = `${hasPrefix ? '__Host-' : ''}${given ?? only ?? ''}`
  if (hasPrefix && /^__/.test(given ?? only ?? '')) {
    const hint = 'name it without a prefix'
    return [{ path: [...at, 'cookie', 'hostPrefix'], message: 'the name begins with a prefix already', hint }]
  }
  if (names.includes(name)) return []
  const hint = `tokens.from: [{ cookie: ${name} }, ...]`
  return [{ path, message: `nobody would read the successor: tokens.from has no cookie ${name}`, hint }]
}

/** Checks the rules of cookie name prefixes (RFC 6265bis section 4.1.3), in any case, as browsers compare them (section 5.6). */
function checkPrefix(cookie: Loose, locations: readonly Loose[], at: Path): readonly Finding[] {
  const only = locations.map((location) => text(location['cookie'])).find((name) => name !== undefined)
  const name = `${cookie['hostPrefix'] === true ? '__Host-' : ''}${text(cookie['name']) ?? only ?? ''}`
  const findings: Finding[] = []
  const tell = (option: string, message: string, hint: string) => {
    findings.push({ path: [...at, 'cookie', option], message, hint })
  }
  if (/^__(secure|http|host)-/i.test(name) && cookie['secure'] === false)
    tell('secure', `must be true for a cookie ${name}: browsers would not take it`, 'RFC 6265bis section 4.1.3')
  if (!/^__host-/i.test(name)) return findings
  if (cookie['domain'] !== undefined)
    tell('domain', `must be left out for a cookie ${name}: it is for one host alone`, 'or name it __Secure-...')
  if ((text(cookie['path']) ?? '/') !== '/')
    tell('path', `must be / for a cookie ${name}: browsers would not take it`, 'RFC 6265bis section 4.1.3.2')
  return findings
}

function isBelow(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}

function checkDomain(cookie: Loose, routes: readonly Loose[], at: Path): readonly Finding[] {
  const domain = text(cookie['domain'])
  const path = [...at, 'cookie', 'domain']
  // The schema reports an invalid domain.
  if (domain === undefined || !/^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/.test(domain)) return []
  if (/^[0-9.]+$/.test(domain))
    return [
      { path, message: 'must be the name of a domain: cookies have no domain on an address', hint: 'leave it out' },
    ]
  const outside = routes
    .flatMap((route) => texts(route['hosts']))
    .find((host) => !isBelow(host.replace(/^\*\./, ''), domain))
  if (outside === undefined) return []
  return [
    {
      severity: 'warning',
      path,
      message: `is not above ${outside}, a host of a route: browsers would not take the cookie from there`,
      hint: 'leave it out, and the cookie is for the host that was asked',
    },
  ]
}

function checkAttributes(cookie: Loose, at: Path): readonly Finding[] {
  const findings: Finding[] = []
  if (cookie['sameSite'] === 'none' && cookie['secure'] === false)
    findings.push({
      path: [...at, 'cookie', 'sameSite'],
      message: 'none needs secure: browsers would not take the cookie',
      hint: 'RFC 6265bis section 5.7',
    })
  const maxAge = parseDuration(text(cookie['maxAge']) ?? '')
  const path = [...at, 'cookie', 'maxAge']
  if (maxAge < 1000) findings.push({ path, message: 'must be at least 1s: less takes the cookie away', hint: '8h' })
  if (maxAge > LONGEST_AGE_MS)
    findings.push({
      path,
      message: 'must be at most 400d: browsers keep no cookie longer',
      hint: 'RFC 6265bis section 5.5',
    })
  return findings
}

export function checkDelivery(renewal: Loose, surroundings: Surroundings, path: Path): readonly Finding[] {
  const { deliver, stream } = renewal
  const at = [...path, 'deliver']
  if (stream === 'event' && (deliver === 'cookie' || isOptions(deliver)))
    return [
      { path: [...path, 'stream'], message: 'has no effect with deliver: cookie: scripts must not read such tokens' },
    ]
  if (deliver === 'cookie') return checkName({}, surroundings.locations, at)
  if (!isOptions(deliver)) return checkHeader(renewal, surroundings, path)
  const cookie = options(deliver['cookie'])
  const name = checkName(cookie, surroundings.locations, at)
  return [
    ...name,
    ...checkPrefix(cookie, surroundings.locations, at),
    ...checkDomain(cookie, surroundings.routes, at),
    ...checkAttributes(cookie, at),
  ]
}
