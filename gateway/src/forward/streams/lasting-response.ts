// Which responses may outlive their token: those that say no length, and event streams above all.

/** `bounded`: its length is known. `events`: text/event-stream. `endless`: anything else whose end nobody announced. */
export type LastingKind = 'bounded' | 'events' | 'endless'

/** `rawHeaders` are names and values in turn. */
export function lastingKind(rawHeaders: readonly string[]): LastingKind {
  let kind: LastingKind = 'endless'
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase()
    if (name === 'content-length') return 'bounded'
    if (name === 'content-type' && /^text\/event-stream *(;|$)/i.test(rawHeaders[index + 1] as string)) kind = 'events'
  }
  return kind
}
