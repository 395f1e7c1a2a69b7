// Which responses may outlive their token: those of unknown length, event streams above all.
import { findHeader, valuesOf, type RawHeaders } from '../../message/raw-headers.ts'

/** `bounded`: its length is known. `events`: text/event-stream. `endless`: any other response of unknown length. */
export type ResponseKind = 'bounded' | 'events' | 'endless'

const EVENTS = /^text\/event-stream *(;|$)/i

export function responseKind(rawHeaders: RawHeaders): ResponseKind {
  if (findHeader(rawHeaders, 'content-length') !== undefined) return 'bounded'
  return valuesOf(rawHeaders, 'content-type').some((type) => EVENTS.test(type)) ? 'events' : 'endless'
}
