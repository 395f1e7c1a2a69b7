// Forwards an admitted request to its upstream. The bodies pass unchanged, both ways.
import type { Admitted } from './admitted.ts'
import { RenewedEvents } from './streams/renewed-events.ts'
import { createNextToken, type StreamRenewalPolicy } from './streams/stream-renewal.ts'
import { Exchange, type ExchangePolicy } from './exchange.ts'
import type { Assert } from './headers/assertion.ts'
import type { ClaimHeaderSet } from './headers/claim-headers.ts'
import type { HeaderEdit } from './headers/edits/header-edits.ts'
import type { RequestFacts } from './headers/headers.ts'
import { hasBody, outgoingBody, type BodyLimits } from './streams/request-body.ts'
import type { OutgoingRequest, Transport } from './transport/transport.ts'
import { isGrpc } from '../message/fields/grpc-call.ts'
import { UNIX_PEER } from '../message/peer-address.ts'
import { peerAddressOf } from '../message/trusted-proxies.ts'

/** What forwarding needs of a route. Compiled once. */
export interface ForwardPolicy extends ExchangePolicy {
  readonly transport: Transport
  /** How open streams deliver successors; undefined when they do not. */
  readonly streams: StreamRenewalPolicy | undefined
  readonly connectTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly bodyLimits: BodyLimits
  /** The same for gRPC, whose calls may be open without a message for as long as their token lives. */
  readonly grpcBodyLimits: BodyLimits
  readonly preserveHost: boolean
  /** The headers with single claims that the route sends; undefined for none. */
  readonly claimHeaders: ClaimHeaderSet | undefined
  /** Undefined where nothing is changed. Last, so that it may put credentials where the client's were stripped. */
  readonly editRequest: HeaderEdit | undefined
  /** Signs who calls, for the upstream; undefined where it gets no assertion. */
  readonly assert: Assert | undefined
  /** Close code (RFC 6455 section 7.4) for a WebSocket whose token has expired or was revoked. */
  readonly closeCode: number
  /** True for the address of a trusted proxy, whose forwarding headers are believed. */
  readonly isTrusted: (address: string) => boolean
}

type FactsPolicy = Pick<ForwardPolicy, 'preserveHost' | 'isTrusted' | 'rewrite' | 'claimHeaders' | 'assert'>

/** Collects the facts that the gateway adds to the request as headers. */
export function factsOf(
  { request, requestId, caller, target }: Admitted,
  { preserveHost, isTrusted, rewrite, claimHeaders, assert }: FactsPolicy,
): RequestFacts {
  const peerAddress = peerAddressOf(request)
  return {
    requestId,
    // RFC 7239 section 6.2: what has no address.
    peerAddress: peerAddress === UNIX_PEER ? 'unknown' : peerAddress,
    peerTrusted: isTrusted(peerAddress),
    protocol: 'encrypted' in request.socket ? 'https' : 'http',
    host: request.headers.host,
    prefix: rewrite.takenOff(target),
    preserveHost,
    authResult: caller?.headerValue,
    claimHeaders,
    claimValues: caller?.claimValues,
    assertion: assert !== undefined && caller?.authenticated === true ? assert(caller) : undefined,
  }
}

export function forward(policy: ForwardPolicy, admitted: Admitted): void {
  const { filter } = policy
  const { request, strip } = admitted
  const bodyLimits = isGrpc(request) ? policy.grpcBodyLimits : policy.bodyLimits
  const withBody = hasBody(request)
  const announced = request.headers['content-length']
  if (withBody && Number(announced) > bodyLimits.maxBytes) {
    const { response, requestId, extraHeaders } = admitted
    const detail = `content-length announces ${announced} bytes, allowed are ${bodyLimits.maxBytes} (bodyBytes)`
    policy.onFailure(requestId, 'body_too_large', detail)
    policy.answer(response, 'body_too_large', requestId, { headers: extraHeaders, close: true, detail })
    return
  }
  const facts = factsOf(admitted, policy)
  const headers = filter.toUpstream(request.rawHeaders, request.headers.connection, facts)
  const target = strip === undefined ? admitted.target : strip(headers, admitted.target)
  if (policy.editRequest !== undefined) policy.editRequest(headers, admitted)
  const outgoing: OutgoingRequest = {
    method: request.method as string,
    path: policy.rewrite.toUpstream(target),
    headers,
    body: withBody ? outgoingBody(request, bodyLimits, (raw) => filter.trailersToUpstream(raw)) : null,
    upgrade: null,
    connectTimeoutMs: policy.connectTimeoutMs,
    headersTimeoutMs: policy.headersTimeoutMs,
    // A proxy's connection and one of HTTP/2 carry requests of many clients: an authenticated upstream connection must not be bound to it.
    client: facts.peerTrusted || request.httpVersion === '2.0' ? undefined : request.socket,
  }
  const exchange = new Exchange(policy, admitted)
  const nextToken =
    policy.streams === undefined ? undefined : createNextToken(admitted.caller, admitted.location, policy.streams)
  policy.transport.send(
    outgoing,
    nextToken === undefined ? exchange : new RenewedEvents(exchange, admitted, nextToken, policy.watch),
  )
}
