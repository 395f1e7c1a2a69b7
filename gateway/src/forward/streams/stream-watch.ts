// Looks after what lasts: one timer for all long exchanges finds those that are silent, late, or outlived their token.
import type { Clock, Schedule } from '../../clock.ts'

/** Something that lasts: a response that has not ended yet, a WebSocket. */
export interface Lasting {
  /** Ends itself when it must not go on: silence and lengths go by `nowMs`, which never jumps, the end of a token by `wallMs`. */
  check(nowMs: number, wallMs: number): void
}

export interface StreamWatch {
  add(lasting: Lasting): void
  delete(lasting: Lasting): void
  /** Looks at all of them now: a token may have been revoked. */
  check(): void
  readonly size: number
}

/** How late an end may come, also after the wall clock was set: a token is judged anew by each look. */
const INTERVAL_MS = 250

/** A timer for each exchange would cost every request; this one runs only while something lasts. */
export function createStreamWatch(clock: Clock, schedule: Schedule): StreamWatch {
  const lasting = new Set<Lasting>()
  let running = false

  function check(): void {
    const nowMs = clock.monotonic()
    const wallMs = clock.now()
    for (const one of lasting) one.check(nowMs, wallMs)
  }
  function tick(): void {
    check()
    running = lasting.size > 0
    if (running) schedule(INTERVAL_MS, tick)
  }

  return {
    add(one) {
      lasting.add(one)
      if (running) return
      running = true
      schedule(INTERVAL_MS, tick)
    },
    delete(one) {
      lasting.delete(one)
    },
    check,
    get size() {
      return lasting.size
    },
  }
}
