// The bounds of an HTTP/2 connection that Node and its nghttp2 keep, as settings of a session.
import type { ServerSessionOptions } from 'node:http2'

import type { HeadBounds } from './request-head.ts'

export interface SessionBounds extends HeadBounds {
  /** Requests at once on one connection. */
  readonly maxStreams: number
}

/** Fields beyond a thousand are refused by an answer (single-headers.ts), and beyond this many by a reset. */
const MAX_FIELDS = 1100
/** What HPACK counts for each field beside its bytes (RFC 7541 section 4.1). */
const FIELD_OVERHEAD = 32

const MIB = 1024 * 1024
/** Of one stream with its head and its queue. */
const BYTES_PER_STREAM = 64 * 1024

export function sessionOptions({ maxBytes, maxStreams }: SessionBounds): ServerSessionOptions {
  return {
    settings: {
      maxConcurrentStreams: maxStreams,
      // A head up to here is read and answered 431; a longer one is reset while it comes.
      maxHeaderListSize: 2 * maxBytes + MAX_FIELDS * FIELD_OVERHEAD,
      enablePush: false,
    },
    maxHeaderListPairs: MAX_FIELDS,
    // In MiB.
    maxSessionMemory: Math.max(10, Math.ceil((maxStreams * BYTES_PER_STREAM) / MIB)),
  }
}
