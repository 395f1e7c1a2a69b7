// Watches long-lived exchanges with one timer: ends those that are silent, late, or outlive their token.
import type { Clock, Schedule } from '../../clock.ts'

/** A long-lived exchange: a response that has not ended yet, a WebSocket. */
export interface LongLived {
  /** Ends itself when it must not go on: silence and lengths go by `nowMs`, which never jumps, the end of a token by `wallMs`. */
  check(nowMs: number, wallMs: number): void
}

export interface StreamWatch {
  add(longLived: LongLived): void
  delete(longLived: LongLived): void
  /** Checks all of them now: a token may have been revoked. */
  readonly check: () => void
  readonly size: number
}

/** How late an end may come, also after the wall clock was set: a token is judged anew by each look. */
const INTERVAL_MS = 250

/** A timer for each exchange would cost every request; this one runs only while there are any. */
export function createStreamWatch(clock: Clock, schedule: Schedule): StreamWatch {
  const longLived = new Set<LongLived>()
  let running = false

  function check(): void {
    const nowMs = clock.monotonic()
    const wallMs = clock.now()
    for (const one of longLived) one.check(nowMs, wallMs)
  }
  function tick(): void {
    check()
    running = longLived.size > 0
    if (running) schedule(INTERVAL_MS, tick)
  }

  return {
    add(one) {
      longLived.add(one)
      if (running) return
      running = true
      schedule(INTERVAL_MS, tick)
    },
    delete(one) {
      longLived.delete(one)
    },
    check,
    get size() {
      return longLived.size
    },
  }
}
