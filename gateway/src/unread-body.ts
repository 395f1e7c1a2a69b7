// Bodies of requests that are answered without them: a small one is read and dropped, a large one ends the connection.
import type { IncomingHttpHeaders } from 'node:http'

const DROPPED_BODY_BYTES = 65_536

/** Whether the connection must end with the answer. Who expects 100-continue may keep the body back after any other answer. */
export function isBodyLeft(headers: IncomingHttpHeaders): boolean {
  return (
    headers.expect !== undefined ||
    headers['transfer-encoding'] !== undefined ||
    Number(headers['content-length'] ?? 0) > DROPPED_BODY_BYTES
  )
}
