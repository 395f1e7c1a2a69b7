// The id of a request: the client's X-Request-Id if it is valid, else a new id that is unique across processes.
import { randomBytes } from 'node:crypto'

import type { GatewayRequest } from '../../message/client-exchange.ts'

/**
 * A valid client id: 1 to 128 letters, digits, `_`, `.` and `-` (UUID, ULID, trace id), which are safe in logs, headers and
 * JSON. A JWT has the same characters, so an id that begins like a JWT is replaced.
 */
const ACCEPTED = /^(?!eyJ)[\w.-]{1,128}$/

export type IdentifiedRequest = GatewayRequest & {
  /** Set when the id is first read. */
  requestId?: string | undefined
}

/** Returns the id of a request, the same one each time; a new id for undefined. */
export type RequestIdOf = (request: IdentifiedRequest | undefined) => string

/** New ids are a random prefix of this process and a counter: unique, and much cheaper than a UUID for each request. */
export function createRequestIds(): RequestIdOf {
  const prefix = randomBytes(9).toString('base64url')
  let count = 0

  function made(): string {
    count += 1
    return `${prefix}-${count.toString(36)}`
  }

  return (request) => {
    if (request === undefined) return made()
    const { requestId, headers } = request
    if (requestId !== undefined) return requestId
    const sent = headers['x-request-id']
    return (request.requestId = typeof sent === 'string' && ACCEPTED.test(sent) ? sent : made())
  }
}
