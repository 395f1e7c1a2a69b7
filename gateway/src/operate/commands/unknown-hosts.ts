// Looks up the host names of a config for `check`: a start would find the unknown ones request by request.
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

import type { Finding, Path } from '../../config/problem.ts'
import type { Config } from '../../options/config.ts'

interface NamedHost {
  readonly path: Path
  readonly host: string
}

/** All names together: a resolver that does not answer must not hold up the check. */
const TIMEOUT_MS = 3000

function hostOf(address: string): string | undefined {
  if (!/^[a-z+]+:\/\//.test(address) || !URL.canParse(address)) return undefined
  const host = new URL(address).hostname.replace(/^\[|\]$/g, '')
  return host === '' || host === 'localhost' || isIP(host) !== 0 ? undefined : host
}

function hostsOf({ issuers, upstreams, revocation }: Config): readonly NamedHost[] {
  const { store } = revocation
  const addresses: readonly (readonly [Path, string | undefined])[] = [
    ...Object.entries(upstreams).flatMap(([name, { targets }]) =>
      targets.map((target, index) => [['upstreams', name, 'targets', index], target] as const),
    ),
    ...issuers.flatMap(({ issuer, keys, renewal }, index) => [
      [['issuers', index, 'keys', 'jwksUrl'], keys.jwksUrl] as const,
      [['issuers', index, 'issuer'], keys.discovery === true ? issuer : undefined] as const,
      [['issuers', index, 'keys', 'proxy'], keys.proxy] as const,
      [['issuers', index, 'renewal', 'endpoint'], renewal?.endpoint] as const,
    ]),
    [['revocation', 'store', 'redis'], typeof store === 'object' && 'redis' in store ? store.redis : undefined],
  ]
  return addresses.flatMap(([path, address]) => {
    const host = hostOf(address ?? '')
    return host === undefined ? [] : [{ path, host }]
  })
}

/** Only a clear no counts: a resolver that cannot be reached says nothing about the name. */
async function isUnknown(host: string, resolve: (host: string) => Promise<unknown>): Promise<boolean> {
  try {
    await resolve(host)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTFOUND'
  }
}

/** Warnings for the names that have no address. The name is not repeated: it may come from a reference. */
export async function unknownHosts(
  config: Config,
  resolve: (host: string) => Promise<unknown> = lookup,
): Promise<readonly Finding[]> {
  const hosts = hostsOf(config)
  const unknown = new Set<string>()
  const asked = [...new Set(hosts.map(({ host }) => host))].map(async (host) => {
    if (await isUnknown(host, resolve)) unknown.add(host)
  })
  const late = new AbortController()
  await Promise.race([Promise.all(asked), pause(TIMEOUT_MS, undefined, { signal: late.signal }).catch(() => undefined)])
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
