// Looks up the host names of a config for `check`: without it, unknown hosts would first show in failed requests.
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

import { entries, options, text, type Loose } from '../../config/checks/loose.ts'
import type { Finding, Path } from '../../config/problem.ts'
import { readRedisUrl } from '../../revoke/stores/redis/redis-url.ts'

interface NamedHost {
  readonly path: Path
  readonly host: string
}

/** Milliseconds for all names together: `check` must not wait for a resolver that does not respond. */
const TIMEOUT_MS = 3000

function hostOf(address: string): string | undefined {
  if (!/^[a-z+]+:\/\//.test(address) || !URL.canParse(address)) return undefined
  const host = new URL(address).hostname.replace(/^\[|\]$/g, '')
  return isName(host) ? host : undefined
}

/** A name with `$` is an unresolved reference, which has an error of its own. */
function isName(host: string): boolean {
  return host !== '' && host !== 'localhost' && isIP(host) === 0 && !host.includes('$')
}

type Address = readonly [Path, unknown]

function addressesOf(config: Loose): readonly Address[] {
  return [
    ...Object.entries(options(config['upstreams'])).flatMap(([name, upstream]) =>
      entries(options(upstream)['targets']).map((target, index): Address => [
        ['upstreams', name, 'targets', index],
        target,
      ]),
    ),
    ...entries(config['issuers']).flatMap((issuer, index): readonly Address[] => {
      const at = ['issuers', index]
      const keys = options(options(issuer)['keys'])
      return [
        [[...at, 'keys', 'jwksUrl'], keys['jwksUrl']],
        [[...at, 'issuer'], keys['discovery'] === true ? options(issuer)['issuer'] : undefined],
        [[...at, 'keys', 'proxy'], keys['proxy']],
        [[...at, 'renewal', 'endpoint'], options(options(issuer)['renewal'])['endpoint']],
      ]
    }),
  ]
}

/** The hosts of one Redis server, or of the servers of a Sentinel or Cluster. */
function redisHostsOf({ revocation }: Loose): readonly NamedHost[] {
  const url = text(options(options(revocation)['store'])['redis'])
  const { hosts = [] } = (url === undefined ? undefined : readRedisUrl(url)) ?? {}
  return hosts.flatMap(({ host }) => (isName(host) ? [{ path: ['revocation', 'store', 'redis'], host }] : []))
}

function hostsOf(config: Loose): readonly NamedHost[] {
  const ofAddresses = addressesOf(config).flatMap(([path, address]) => {
    const host = hostOf(text(address) ?? '')
    return host === undefined ? [] : [{ path, host }]
  })
  return [...ofAddresses, ...redisHostsOf(config)]
}

/** True only when the resolver says that the name does not exist. A resolver that fails proves nothing. */
async function isUnknown(host: string, resolve: (host: string) => Promise<unknown>): Promise<boolean> {
  try {
    await resolve(host)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTFOUND'
  }
}

/** Warns about names without an address. Never repeats the name, which may come from a reference. Accepts configs of a wrong shape. */
export async function unknownHosts(
  config: unknown,
  resolve: (host: string) => Promise<unknown> = lookup,
  timeoutMs = TIMEOUT_MS,
): Promise<readonly Finding[]> {
  const hosts = hostsOf(options(config))
  const unknown = new Set<string>()
  const asked = [...new Set(hosts.map(({ host }) => host))].map(async (host) => {
    if (await isUnknown(host, resolve)) unknown.add(host)
  })
  const late = new AbortController()
  await Promise.race([Promise.all(asked), pause(timeoutMs, undefined, { signal: late.signal }).catch(() => undefined)])
  late.abort()
  return hosts
    .filter(({ host }) => unknown.has(host))
    .map(({ path }) => ({
      severity: 'warning',
      path,
      message: 'this host has no address here',
      hint: 'right if it has one where the gateway runs; --no-lookup asks no resolver',
    }))
}
