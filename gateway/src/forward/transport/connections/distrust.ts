// Targets that sent an unsolicited response: for a while, each of their connections runs one exchange only.

/**
 * How long connections to such a target are not reused. On a reused connection the next request would receive the unsolicited
 * response, and each later request the response of the one before it. With one exchange on a connection, no response can go
 * to another request.
 */
export const DISTRUST_MS = 60_000

const REQUEST_TIMEOUT = 'HTTP/1.1 408'

/** True for a 408 (RFC 9110 section 15.5.9): some servers send one when they close an idle connection. */
export function isFarewell(piece: Buffer): boolean {
  return piece.toString('latin1', 0, REQUEST_TIMEOUT.length) === REQUEST_TIMEOUT
}
