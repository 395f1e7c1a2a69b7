// Selects the proxy of a URL from HTTPS_PROXY, HTTP_PROXY and NO_PROXY, by the rules of curl and Go.
import { BlockList, isIP } from 'node:net'

type Environment = Readonly<Record<string, string | undefined>>

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }

function variable(environment: Environment, name: string): string | undefined {
  // Lower-case names take precedence, as in curl.
  const value = environment[name.toLowerCase()] ?? environment[name]
  return value === undefined || value.trim() === '' ? undefined : value.trim()
}

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    (isIP(host) === 4 && host.startsWith('127.'))
  )
}

function isWithin(host: string, network: string): boolean {
  const [address = '', bits = ''] = network.split('/')
  const [kind, of] = [isIP(host), isIP(address)]
  if (kind === 0 || kind !== of || !/^\d{1,3}$/.test(bits) || Number(bits) > (of === 4 ? 32 : 128)) return false
  const family = of === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(address, Number(bits), family)
  return list.check(host, family)
}

/** `example.com` includes its subdomains; `.example.com` and `*.example.com` mean subdomains only; a port limits the entry to that port. */
function isNamed(host: string, port: string, entry: string): boolean {
  if (entry === '*') return true
  if (entry.includes('/')) return isWithin(host, entry)
  const [, name = entry, itsPort] =
    /^\[([^\]]*)\](?::(\d+))?$/.exec(entry) ?? (isIP(entry) === 6 ? [] : (/^([^:]*):(\d+)$/.exec(entry) ?? []))
  if (itsPort !== undefined && itsPort !== port) return false
  if (isIP(name) !== 0 || isIP(host) !== 0) return name === host
  const suffix = name.replace(/^\*?\./, '')
  return suffix !== '' && (host.endsWith(`.${suffix}`) || (suffix === name && host === name))
}

/** Returns the URL of the proxy, or undefined. Never a proxy for loopback, because the proxy has a loopback of its own. */
export function environmentProxy(url: URL, environment: Environment): string | undefined {
  const proxy = variable(environment, url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY')
  if (proxy === undefined) return undefined
  const host = url.hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
  const port = url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? '') : url.port
  const exceptions = (variable(environment, 'NO_PROXY') ?? '').toLowerCase().split(/[\s,]+/)
  if (isLoopback(host) || exceptions.some((entry) => entry !== '' && isNamed(host, port, entry))) return undefined
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`
}
