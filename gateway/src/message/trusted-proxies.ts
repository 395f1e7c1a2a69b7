// Recognises trusted proxies by their addresses, and reads the forwarding headers that only they may set.
import { BlockList, isIP, isIPv6 } from 'node:net'

import type { GatewayRequest } from './client-exchange.ts'
import { memoize } from './memoize.ts'
import { UNIX_PEER } from './peer-address.ts'

/** Parses an address or a network in CIDR notation; undefined if it is neither. */
function parseNetwork(text: string): { readonly address: string; readonly prefix: number } | undefined {
  const [address = '', length, more] = text.split('/')
  const bits = isIPv6(address) ? 128 : 32
  if (isIP(address) === 0 || more !== undefined) return undefined
  if (length === undefined) return { address, prefix: bits }
  return /^\d{1,3}$/.test(length) && Number(length) <= bits ? { address, prefix: Number(length) } : undefined
}

/** True for an address, a network in CIDR notation, or `unix:`. For the checks of a config. */
export function isNetwork(text: string): boolean {
  return text === UNIX_PEER || parseNetwork(text) !== undefined
}

/** Size of the cache of results for each peer address. */
const MAX_CACHED = 1000

/** Creates the check of peer addresses. `networks` are addresses, networks in CIDR notation, or `unix:` for all socket files. */
export function createTrust(networks: readonly string[]): PeerTrust {
  if (networks.length === 0) return () => false
  const list = new BlockList()
  for (const text of networks) {
    const network = parseNetwork(text)
    if (network !== undefined)
      list.addSubnet(network.address, network.prefix, isIPv6(network.address) ? 'ipv6' : 'ipv4')
  }
  const trustsUnix = networks.includes(UNIX_PEER)
  return memoize(MAX_CACHED, (address) =>
    isIP(address) === 0 ? trustsUnix && address === UNIX_PEER : list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'),
  )
}

/** True for the address of a trusted proxy, whose forwarding headers are believed. */
export type PeerTrust = (address: string) => boolean

const FIRST_OF_LIST = /^[^,]*/

/** The first value of a forwarding header, if a trusted proxy sent it; else undefined. */
export function forwardedValue(
  { headers, socket }: Pick<GatewayRequest, 'headers' | 'socket'>,
  name: string,
  isTrusted: PeerTrust,
): string | undefined {
  const value = headers[name]
  if (value === undefined || !isTrusted(peerAddressOf({ socket }))) return undefined
  return FIRST_OF_LIST.exec(String(value))?.[0].trim()
}

/** The address of the connection's peer, an IPv4-mapped IPv6 address as IPv4. */
export function peerAddressOf({ socket }: Pick<GatewayRequest, 'socket'>): string {
  const address = socket.remoteAddress ?? ''
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
