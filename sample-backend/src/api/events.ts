// The text of an event stream (server-sent events, WHATWG HTML section 9.2): ticks, and heartbeats between them.
import type { Clock, Pause } from '../clock.ts'

export interface EventsOptions {
  readonly count: number
  readonly intervalMs: number
  readonly clock: Clock
  readonly pause: Pause
  /** Ends the stream, without an error, between two events. */
  readonly signal: AbortSignal
  /** What every tick carries. */
  readonly data: Readonly<Record<string, unknown>>
}

// Below the 15 s to 60 s after which proxies on the way give a silent connection up.
const HEARTBEAT_MS = 10_000

export async function* createEvents(options: EventsOptions): AsyncGenerator<string> {
  const { count, intervalMs, clock, pause, signal, data } = options
  // A comment, which clients ignore: it brings the headers to the client before the first event.
  yield ': welcome\n\n'
  try {
    for (let number = 1; number <= count; number += 1) {
      for (let waitMs = intervalMs; waitMs > 0; waitMs -= HEARTBEAT_MS) {
        await pause(Math.min(waitMs, HEARTBEAT_MS), signal)
        if (waitMs > HEARTBEAT_MS) yield ': heartbeat\n\n'
      }
      const tick = { number, of: count, at: new Date(clock.now()).toISOString(), ...data }
      yield `id: ${number}\nevent: tick\ndata: ${JSON.stringify(tick)}\n\n`
    }
    // EventSource reconnects for ever after a plain end of the stream; this tells the client to close it.
    yield 'event: end\ndata: {}\n\n'
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
