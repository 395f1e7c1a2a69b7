// Handles request bodies that a response does not wait for: drops a small one, or closes the connection.
import type { IncomingHttpHeaders } from 'node:http'

import type { GatewayRequest, GatewayResponse } from '../client-exchange.ts'
import { closeLingering } from './lingering-close.ts'

const DROPPED_BODY_BYTES = 65_536

/**
 * True when the connection must close after the response. With Expect: 100-continue, the client may never send the body after
 * another response (RFC 9110 section 10.1.1).
 */
export function isBodyLeft(headers: IncomingHttpHeaders): boolean {
  return (
    headers.expect !== undefined ||
    headers['transfer-encoding'] !== undefined ||
    Number(headers['content-length'] ?? 0) > DROPPED_BODY_BYTES
  )
}

function hasBody({ headers }: GatewayRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/**
 * Reads and drops the body. Resolves at its end or a closed connection, after 64 KiB, or at once if the body is larger or
 * awaits a 100.
 */
export function dropBody(request: GatewayRequest): Promise<void> {
  const { headers } = request
  request.resume()
  if (!hasBody(request) || headers.expect !== undefined || Number(headers['content-length'] ?? 0) > DROPPED_BODY_BYTES)
    return Promise.resolve()
  return new Promise((resolve) => {
    let bytes = 0
    request.on('data', ({ length }: Buffer) => {
      bytes += length
      if (bytes > DROPPED_BODY_BYTES) resolve()
    })
    request.once('end', resolve)
    request.once('close', resolve)
  })
}

/**
 * Returns the headers for a response sent before the request is complete: `connection: close` if a body remains, else none.
 * Call it before the response ends.
 */
export function closeUnlessRead(request: GatewayRequest, response: GatewayResponse): readonly string[] {
  if (request.complete || !hasBody(request)) return []
  closeLingering(response)
  return ['connection', 'close']
}
