// Checks long-lived exchanges with one timer: ends those that are idle, take too long, or outlive their token.
import type { Clock, Schedule } from '../../clock.ts'

/** A long-lived exchange: a response in progress, a request body, or a WebSocket. */
export interface LongLived {
  /**
   * Ends the exchange if it must not continue. `nowMs` is the monotonic clock, for timeouts; `wallMs` is the wall clock, for the
   * expiry of tokens. At shutdown `leaveMs` is set: WebSockets end, and event streams without bytes since then. Before,
   * `leaveMs` is -Infinity.
   */
  check(nowMs: number, wallMs: number, leaveMs: number): void
}

export interface StreamWatch {
  add(longLived: LongLived): void
  delete(longLived: LongLived): void
  /** Checks all exchanges now, because a token may have been revoked. */
  readonly check: () => void
  /** Begins the shutdown, `withinMs` before its end: ends idle event streams now, and all event streams after half the time. */
  readonly leave: (withinMs: number) => void
  readonly size: number
}

/** Interval of checks, and so the longest delay of an end, also after the wall clock has jumped. */
const INTERVAL_MS = 250

/** An event stream without bytes for this time is idle. Responses of language models pause for less, and may finish. */
const STILL_MS = 1000

/** Creates a watch with one timer for all exchanges, which runs only while there are any. */
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
