// Sends an admitted request to its upstream and the response back, byte for byte.
import type { Admitted } from './admitted.ts'
import { RenewedEvents } from './streams/renewed-events.ts'
import { createNextToken, type StreamRenewalPolicy } from './streams/stream-renewal.ts'
import { Exchange, type ExchangePolicy } from './exchange.ts'
import type { RequestFacts } from './headers/headers.ts'
import { hasBody, outgoingBody, type BodyLimits } from './streams/request-body.ts'
import type { OutgoingRequest, Transport } from './transport/transport.ts'
import { peerAddressOf } from '../message/trusted-proxies.ts'

/** What a route needs to forward. Compiled once. */
export interface ForwardPolicy extends ExchangePolicy {
  readonly transport: Transport
  /** Undefined where streams carry no successors. */
  readonly streams: StreamRenewalPolicy | undefined
  readonly connectTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly bodyLimits: BodyLimits
  readonly preserveHost: boolean
  /** Code of the frame that closes a WebSocket whose token has ended. */
  readonly closeCode: number
  /** Whether a peer is a proxy whose word about the client counts. */
  readonly isTrusted: (address: string) => boolean
}

/** What the gateway says to the upstream about a request. */
export function factsOf(
  { request, requestId, caller, target }: Admitted,
  { preserveHost, isTrusted, rewrite }: Pick<ForwardPolicy, 'preserveHost' | 'isTrusted' | 'rewrite'>,
): RequestFacts {
  const peerAddress = peerAddressOf(request)
  return {
    requestId,
    peerAddress,
    peerTrusted: isTrusted(peerAddress),
    protocol: 'encrypted' in request.socket ? 'https' : 'http',
    host: request.headers.host,
    prefix: rewrite.takenOff(target),
    preserveHost,
    authResult: caller?.headerValue,
  }
}

export function forward(policy: ForwardPolicy, admitted: Admitted): void {
  const { filter, bodyLimits } = policy
  const { request, strip } = admitted
  const withBody = hasBody(request)
  const announced = request.headers['content-length']
  if (withBody && Number(announced) > bodyLimits.maxBytes) {
    const { response, requestId, extraHeaders } = admitted
    policy.onFailure(
      requestId,
      'body_too_large',
      `content-length announces ${announced} bytes, allowed are ${bodyLimits.maxBytes} (bodyBytes)`,
    )
    policy.answer(response, 'body_too_large', requestId, { headers: extraHeaders, close: true })
    return
  }
  const facts = factsOf(admitted, policy)
  const headers = filter.toUpstream(request.rawHeaders, request.headers.connection, facts)
  const target = strip === undefined ? admitted.target : strip(headers, admitted.target)
  const outgoing: OutgoingRequest = {
    method: request.method as string,
    path: policy.rewrite.toUpstream(target),
    headers,
    body: withBody ? outgoingBody(request, bodyLimits, (raw) => filter.trailersToUpstream(raw)) : null,
    upgrade: null,
    connectTimeoutMs: policy.connectTimeoutMs,
    headersTimeoutMs: policy.headersTimeoutMs,
    // Many clients may speak through a proxy's connection: what is authenticated for one would serve all of them.
    client: facts.peerTrusted ? undefined : request.socket,
  }
  const exchange = new Exchange(policy, admitted)
  const nextToken =
    policy.streams === undefined ? undefined : createNextToken(admitted.caller, admitted.location, policy.streams)
  policy.transport.send(
    outgoing,
    nextToken === undefined ? exchange : new RenewedEvents(exchange, admitted, nextToken, policy.watch),
  )
}
