// The address of the client for counting and logging: the peer, or the one that trusted proxies name.
import type { GatewayRequest } from './client-exchange.ts'
import { hopsOfForwarded, hopsOfForwardedFor, type Hop } from './forwarded-hops.ts'
import { peerAddressOf } from './trusted-proxies.ts'

/** The address of the client of a request, in one spelling; '' when its connection has none. */
export type ClientOf = (request: GatewayRequest) => string

export interface ClientAddressParts {
  readonly isTrusted: (address: string) => boolean
  /** Where the trusted proxies write the client's address. */
  readonly from: 'x-forwarded-for' | 'forwarded'
}

/**
 * Every proxy appends whom it heard from, so the hops are asked from the right: the first that is no trusted proxy is the
 * client, and what stands left of it is that client's own word (nginx: real_ip_recursive). Where a hop cannot be read, or all
 * are trusted, the last one that was.
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
  // Node joins the lines of a header; its type says otherwise for names that it does not know.
  if (forwardedFor !== undefined) return hopsOfForwardedFor(String(forwardedFor))
  const { forwarded } = headers
  return forwarded === undefined ? [] : hopsOfForwarded(forwarded)
}

/** Worked out when somebody asks, and once: the peers that are proxies are few, all others cost a look at the connection. */
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
