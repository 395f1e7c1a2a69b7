// Which peers are load balancers in front of the gateway, so that their forwarding headers are believed.
import { BlockList, isIP, isIPv6 } from 'node:net'

import type { GatewayRequest } from './client-exchange.ts'
import { memoize } from './memoize.ts'

/** An address, or a network in CIDR notation; undefined when it is neither. */
function parseNetwork(text: string): { readonly address: string; readonly prefix: number } | undefined {
  const [address = '', length, more] = text.split('/')
  const bits = isIPv6(address) ? 128 : 32
  if (isIP(address) === 0 || more !== undefined) return undefined
  if (length === undefined) return { address, prefix: bits }
  return /^\d{1,3}$/.test(length) && Number(length) <= bits ? { address, prefix: Number(length) } : undefined
}

/** For checking a config. */
export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== undefined
}

/** Addresses of connections are asked about again and again, and there are few proxies: answers are cached. */
const MAX_CACHED = 1000

export function createTrust(networks: readonly string[]): PeerTrust {
  if (networks.length === 0) return () => false
  const list = new BlockList()
  for (const text of networks) {
    const network = parseNetwork(text)
    if (network !== undefined)
      list.addSubnet(network.address, network.prefix, isIPv6(network.address) ? 'ipv6' : 'ipv4')
  }
  return memoize(MAX_CACHED, (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'))
}

/** Whether a peer is a proxy whose word about the client counts. */
export type PeerTrust = (address: string) => boolean

const FIRST_OF_LIST = /^[^,]*/

/** What a trusted proxy says that it was asked for; undefined from anybody else. */
export function forwardedValue(
  { headers, socket }: Pick<GatewayRequest, 'headers' | 'socket'>,
  name: string,
  isTrusted: PeerTrust,
): string | undefined {
  const value = headers[name]
  if (value === undefined || !isTrusted(peerAddressOf({ socket }))) return undefined
  return FIRST_OF_LIST.exec(String(value))?.[0].trim()
}

/** Who is at the other end of the connection; an IPv4 client of a dual-stack listener without the IPv6 prefix. */
export function peerAddressOf({ socket }: Pick<GatewayRequest, 'socket'>): string {
  const address = socket.remoteAddress ?? ''
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
