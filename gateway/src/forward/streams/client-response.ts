// Writes responses to the client with few system calls.

import type { Admitted } from '../admitted.ts'
import type { ResponseKind } from './long-lived-response.ts'
import { endInOneWrite, ONE_WRITE_BYTES } from '../../message/connection/one-write.ts'
import { isGrpc } from '../../message/fields/grpc-call.ts'
import { eachHeader, takeHeader } from '../../message/raw-headers.ts'
import type { GatewayResponse } from '../../message/client-exchange.ts'

/** Ends a response. `body` is the whole body; undefined for none, or when it was written already. */
export function endWith(response: GatewayResponse, body: Buffer | undefined): void {
  if (body === undefined || response.chunkedEncoding || body.length > ONE_WRITE_BYTES) response.end(body)
  else endInOneWrite(response, body.toString('latin1'))
}

/** The end of a call of gRPC whose token ended: 16 is UNAUTHENTICATED. */
const ENDED_WITH_TOKEN: readonly [name: string, value: string][] = [
  ['grpc-status', '16'],
  ['grpc-message', 'The token has ended'],
]

/**
 * Ends a response whose token has ended: an event stream properly, so that the client reconnects and learns why, and a call of
 * gRPC by its status. Other responses must not look complete.
 */
export function breakOff({ request, response }: Pick<Admitted, 'request' | 'response'>, kind: ResponseKind): void {
  if (kind === 'events') response.end()
  else if (isGrpc(request)) {
    response.addTrailers(ENDED_WITH_TOKEN)
    response.end()
  } else response.destroy()
}

/**
 * Writes the head of a response. Replaces a reason phrase that Node refuses (the undici transport decodes Latin-1 as UTF-8) with
 * the standard one: clients ignore it (RFC 9112 section 4).
 */
export function writeHead(response: GatewayResponse, status: number, reason: string, headers: string[]): void {
  // RFC 9110 section 8.6: a 204 must not have Content-Length.
  if (status === 204) takeHeader(headers, 'content-length')
  try {
    response.writeHead(status, reason, headers)
  } catch {
    response.statusMessage = ''
    response.writeHead(status, headers)
  }
}

/** Writes an interim response. Node can write 102, and 103 with a Link. Clients may ignore all others (RFC 9110 section 15.2). */
export function sendInformation(response: GatewayResponse, status: number, headers: readonly string[]): void {
  if (status === 102) response.writeProcessing()
  if (status !== 103) return
  const hints: Record<string, string | string[]> = {}
  const links: string[] = []
  eachHeader(headers, (spelt, value) => {
    const name = spelt.toLowerCase()
    if (name === 'link') links.push(value)
    else if (name !== 'x-request-id' && name !== 'content-length') hints[name] = value
  })
  try {
    response.writeEarlyHints({ ...hints, link: links })
  } catch {
    // Node throws for a malformed Link. Only the hint is lost.
  }
}
