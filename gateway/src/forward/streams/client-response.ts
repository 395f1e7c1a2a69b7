// Writes the response to the client with as few system calls as the platform allows.
import type { ServerResponse } from 'node:http'

import { endInOneWrite } from '../../message/one-write.ts'
import { eachHeader, takeHeader } from '../../message/raw-headers.ts'

// With its head it fits into the buffer on the stack that libuv's fast path writes from.
const ONE_WRITE_BYTES = 8192

/** Ends a response, with a body that came whole if there is one. */
export function endWith(response: ServerResponse, body: Buffer | undefined): void {
  if (body === undefined || response.chunkedEncoding || body.length > ONE_WRITE_BYTES) response.end(body)
  else endInOneWrite(response, body.toString('latin1'))
}

/**
 * Writes the head of a response. A reason phrase that Node would refuse (undici's transport reads it as UTF-8, so
 * Latin-1 does not survive) gives way to the standard one: it means nothing (RFC 9112 section 4), and the response shall not be lost over it.
 */
export function writeHead(response: ServerResponse, status: number, reason: string, headers: string[]): void {
  // RFC 9110 section 8.6: a length in a 204 could be taken for that of a body.
  if (status === 204) takeHeader(headers, 'content-length')
  try {
    response.writeHead(status, reason, headers)
  } catch {
    response.statusMessage = ''
    response.writeHead(status, headers)
  }
}

/** An interim response. Node can write 102 and 103 (with a Link); a client loses nothing with any other (RFC 9110 section 15.2). */
export function sendInformation(response: ServerResponse, status: number, headers: readonly string[]): void {
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
    // A Link that Node finds malformed: the hint is lost, the response is not.
  }
}
