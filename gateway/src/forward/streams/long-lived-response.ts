// Classifies responses by whether they may outlive their token.
import { findHeader, valuesOf, type RawHeaders } from '../../message/raw-headers.ts'

/** `bounded`: has Content-Length. `events`: text/event-stream. `endless`: any other response without Content-Length. */
export type ResponseKind = 'bounded' | 'events' | 'endless'

const EVENTS = /^text\/event-stream *(;|$)/i

export function responseKind(rawHeaders: RawHeaders): ResponseKind {
  if (findHeader(rawHeaders, 'content-length') !== undefined) return 'bounded'
  return valuesOf(rawHeaders, 'content-type').some((type) => EVENTS.test(type)) ? 'events' : 'endless'
}
