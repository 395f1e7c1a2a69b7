// Parses a Redis URL: one server, Sentinel or Cluster, with or without TLS.
import { CannotStart } from '../../../failure.ts'

export interface RedisHost {
  readonly host: string
  readonly port: number
}

export interface RedisAddress {
  readonly mode: 'single' | 'sentinel' | 'cluster'
  readonly tls: boolean
  readonly hosts: readonly RedisHost[]
  readonly username: string | undefined
  readonly password: string | undefined
  /** Database number; for single and sentinel. */
  readonly db: number
  /** Name of the master; for sentinel. */
  readonly masterName: string
  /** CA certificates in PEM that must have issued the server's certificate; undefined for those of Node. */
  readonly ca?: string
}

const DEFAULT_PORTS = { single: 6379, sentinel: 26379, cluster: 6379 } as const
const URL_PARTS = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:(.*)@)?([^/@]+)(?:\/(.*))?$/s
const HOST = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/

function decode(text: string): string | undefined {
  if (text === '') return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Parses a Redis URL; undefined if it is invalid. */
export function readRedisUrl(url: string): RedisAddress | undefined {
  const [, s, kind, credentials = '', hostList = '', path = ''] = URL_PARTS.exec(url) ?? []
  if (s === undefined) return undefined
  const mode = (kind ?? 'single') as RedisAddress['mode']
  const hosts = hostList.split(',').map((text): RedisHost | undefined => {
    const [, host, port = DEFAULT_PORTS[mode]] = HOST.exec(text) ?? []
    return host === undefined || Number(port) > 65_535
      ? undefined
      : { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
  })
  if (hosts.includes(undefined) || (mode === 'single' && hosts.length !== 1)) return undefined
  const steps = path.split('/')
  const masterName = mode === 'sentinel' ? (decode(steps.shift() ?? '') ?? '') : ''
  const [number = ''] = steps
  if (steps.length > 1 || !/^\d{0,4}$/.test(number) || (mode === 'sentinel' && masterName === '')) return undefined
  if (mode === 'cluster' && Number(number) !== 0) return undefined
  const colon = credentials.indexOf(':')
  return {
    mode,
    tls: s === 's',
    hosts: hosts as readonly RedisHost[],
    username: decode(colon === -1 ? credentials : credentials.slice(0, colon)),
    password: colon === -1 ? undefined : decode(credentials.slice(colon + 1)),
    db: Number(number),
    masterName,
  }
}

/** Parses a Redis URL. Throws CannotStart without quoting the URL, which may hold a password. */
export function parseRedisUrl(url: string): RedisAddress {
  const address = readRedisUrl(url)
  if (address === undefined)
    throw new CannotStart('the URL of Redis is not written like redis://host:6379/0 (revocation.store.redis)', [
      'revocation',
      'store',
      'redis',
    ])
  return address
}
