// Watches long-lived exchanges with one timer: ends those that are silent, late, or outlive their token.
import type { Clock, Schedule } from '../../clock.ts'

/** A long-lived exchange: a response that has not ended yet, a WebSocket. */
export interface LongLived {
  /**
   * Ends itself when it must not go on: silence and lengths go by `nowMs`, which never jumps, the end of a token by `wallMs`.
   * When the process ends, WebSockets leave, and event streams that have not moved after `leaveMs`; -Infinity before.
   */
  check(nowMs: number, wallMs: number, leaveMs: number): void
}

export interface StreamWatch {
  add(longLived: LongLived): void
  delete(longLived: LongLived): void
  /** Checks all of them now: a token may have been revoked. */
  readonly check: () => void
  /** The process ends within this time: event streams are ended, those that stand still at once, the others at half of it. */
  readonly leave: (withinMs: number) => void
  readonly size: number
}

/** How late an end may come, also after the wall clock was set: a token is judged anew by each look. */
const INTERVAL_MS = 250

/** A response that is written word by word, as language models do, pauses for less, and comes to its end if it may. */
const STILL_MS = 1000

/** A timer for each exchange would cost every request; this one runs only while there are any. */
export function createStreamWatch(clock: Clock, schedule: Schedule): StreamWatch {
  const longLived = new Set<LongLived>()
  let running = false
  let isLeaving = false
  let leaveAllAtMs = Infinity

  function check(): void {
    const nowMs = clock.monotonic()
    const wallMs = clock.now()
    const leaveMs = nowMs >= leaveAllAtMs ? nowMs : isLeaving ? nowMs - STILL_MS : -Infinity
    for (const one of longLived) one.check(nowMs, wallMs, leaveMs)
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
    leave(withinMs) {
      isLeaving = true
      leaveAllAtMs = clock.monotonic() + withinMs / 2
      check()
    },
    get size() {
      return longLived.size
    },
  }
}
