// The id of a request: the client's when it is valid, else a new one that is unique across processes.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/**
 * What is kept of a client: 1 to 128 letters, digits, `_`, `.` and `-` (a UUID, a ULID, a trace id), so that an id is safe in
 * any log, header and JSON. A JWT is written with the same characters: what begins as one is replaced.
 */
const ACCEPTED = /^(?!eyJ)[\w.-]{1,128}$/

export type IdentifiedRequest = IncomingMessage & {
  /** Set when the id is first asked for. */
  requestId?: string
}

/** Returns the id of a request, always the same one; a new id when the request is undefined. */
export type RequestIdOf = (request: IdentifiedRequest | undefined) => string

/** Ids are a random part of this process and a count: unique, and much cheaper than a UUID for each request. */
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
