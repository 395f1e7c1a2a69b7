// Which responses may outlive their token: those that say no length, and event streams above all.
import { findHeader, valuesOf, type RawHeaders } from '../../message/raw-headers.ts'

/** `bounded`: its length is known. `events`: text/event-stream. `endless`: anything else whose end nobody announced. */
export type LastingKind = 'bounded' | 'events' | 'endless'

const EVENTS = /^text\/event-stream *(;|$)/i

export function lastingKind(rawHeaders: RawHeaders): LastingKind {
  if (findHeader(rawHeaders, 'content-length') !== undefined) return 'bounded'
  return valuesOf(rawHeaders, 'content-type').some((type) => EVENTS.test(type)) ? 'events' : 'endless'
}
