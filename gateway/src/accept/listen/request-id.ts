// The id of a request: the client's, when it is one, else a new one that no other process makes.
import { randomBytes } from 'node:crypto'

const ACCEPTED = /^[\w.-]{1,128}$/

/** Ids are a random part of this process and a count: unique, and much cheaper than a UUID for each request. */
export function createRequestIds(): (fromClient: string | string[] | undefined) => string {
  const prefix = randomBytes(9).toString('base64url')
  let count = 0
  return (fromClient) => {
    if (typeof fromClient === 'string' && ACCEPTED.test(fromClient)) return fromClient
    count += 1
    return `${prefix}-${count.toString(36)}`
  }
}
