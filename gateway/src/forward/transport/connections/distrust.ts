// Targets that sent a response nobody asked for: for a while each of their connections carries one exchange only.

/**
 * What it sent would have been taken for a response, had the next request been on its way; and that request's own response for
 * the one of the request after it, and so on for as long as the connection is used. With one exchange on each, there is
 * nobody else's response to take.
 */
export const DISTRUST_MS = 60_000

const REQUEST_TIMEOUT = 'HTTP/1.1 408'

/** RFC 9110 section 15.5.9: some servers say so when they close a connection that was silent for too long. */
export function isFarewell(piece: Buffer): boolean {
  return piece.toString('latin1', 0, REQUEST_TIMEOUT.length) === REQUEST_TIMEOUT
}
