// Whose X-Forwarded-For is believed, so that the limit on login tries counts clients and not the gateway.
import { BlockList, isIP } from 'node:net'

import { StartupError } from './startup-error.ts'

/**
 * For Fastify's `trustProxy`. Only the nearest hop is believed: what stands further left in the header came from the client,
 * who could otherwise try passwords from a new address each time.
 */
export function createTrustedProxy(networks: readonly string[]): (address: string, hop: number) => boolean {
  const trusted = new BlockList()
  for (const network of networks) addNetwork(trusted, network)
  return (address, hop) => hop === 0 && trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

function addNetwork(trusted: BlockList, network: string): void {
  const [address = '', prefix] = network.split('/')
  const version = isIP(address)
  const bits = version === 6 ? 128 : 32
  const prefixLength = prefix === undefined ? bits : Number(prefix)
  if (version === 0 || !Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > bits) {
    throw new StartupError(`SAMPLE_TRUSTED_PROXIES: "${network}" is not an IP address or network`)
  }
  trusted.addSubnet(address, prefixLength, version === 6 ? 'ipv6' : 'ipv4')
}
