// Finds the client address for limits and logs: the peer address, or the one that trusted proxies report.
import type { GatewayRequest } from './client-exchange.ts'
import { hopsOfForwarded, hopsOfForwardedFor, type Hop } from './fields/forwarded-hops.ts'
import { peerAddressOf } from './trusted-proxies.ts'

/** Returns the client address in canonical spelling; '' when the connection has none. */
export type ClientOf = (request: GatewayRequest) => string

export interface ClientAddressParts {
  readonly isTrusted: (address: string) => boolean
  /** The header in which trusted proxies report the client address. */
  readonly from: 'x-forwarded-for' | 'forwarded'
}

/**
 * Returns the rightmost hop that is not a trusted proxy. Each proxy appends the address of its peer, so everything left of that
 * hop could be spoofed by the client (nginx: real_ip_recursive). If a hop is unreadable, or all hops are trusted, returns the
 * last address read.
 */
function firstUntrusted(peer: string, hops: Iterable<Hop>, isTrusted: (address: string) => boolean): string {
  let client = peer
  for (const hop of hops) {
    if (hop === undefined) return client
    client = hop
    if (!isTrusted(hop)) return client
  }
  return client
}

function hopsOf({ headers }: GatewayRequest, from: ClientAddressParts['from']): Iterable<Hop> {
  const forwardedFor = from === 'x-forwarded-for' ? headers['x-forwarded-for'] : undefined
  // Node joins repeated header lines to one string, though its type allows an array for names that it does not know.
  if (forwardedFor !== undefined) return hopsOfForwardedFor(String(forwardedFor))
  const { forwarded } = headers
  return forwarded === undefined ? [] : hopsOfForwarded(forwarded)
}

/** Creates the lookup. It reads the headers only for a trusted peer, and caches the result for each such request. */
export function createClientOf({ isTrusted, from }: ClientAddressParts): ClientOf {
  const known = new WeakMap<GatewayRequest, string>()
  return (request) => {
    const peer = peerAddressOf(request)
    if (!isTrusted(peer)) return peer
    let client = known.get(request)
    if (client === undefined) {
      client = firstUntrusted(peer, hopsOf(request, from), isTrusted)
      known.set(request, client)
    }
    return client
  }
}
