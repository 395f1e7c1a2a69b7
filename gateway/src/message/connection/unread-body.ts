// Request bodies that a response does not wait for: a small one is read and dropped, a large one ends the connection.
import type { IncomingHttpHeaders } from 'node:http'

import type { GatewayRequest, GatewayResponse } from '../client-exchange.ts'
import { closeLingering } from './lingering-close.ts'

const DROPPED_BODY_BYTES = 65_536

/** Whether the connection must end with the response. Who expects 100-continue may keep the body back after any other response. */
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

/** Reads the body away. Settles when it is over, when it is more than is read, or when there is none that will come by itself. */
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

/** Headers of a response that is given now: the end of the connection, where a body is still to come. Call it before the response ends. */
export function closeUnlessRead(request: GatewayRequest, response: GatewayResponse): readonly string[] {
  if (request.complete || !hasBody(request)) return []
  closeLingering(response)
  return ['connection', 'close']
}
