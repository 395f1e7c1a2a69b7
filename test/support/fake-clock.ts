// A clock and timers that move when the test says so.
import type { Clock, Schedule } from '../../gateway/src/clock.ts'

export interface FakeClock extends Clock {
  readonly schedule: Schedule
  /** Moves time forward and runs what falls due on the way, letting promises settle in between. */
  advance(ms: number): Promise<void>
  /** Puts the clock elsewhere without running anything, as if the time had passed. */
  set(ms: number): void
  /** The wall clock is set anew: no time passes, nothing falls due. */
  jump(ms: number): void
  readonly pending: number
}

interface Timer {
  readonly atMs: number
  readonly run: () => void
}

const TURNS = 5

/** Lets everything that is already resolved run to its end. One promise for all turns: the test runner looks at each. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    let left = TURNS
    const turn = () => {
      left -= 1
      if (left === 0) resolve()
      else setImmediate(turn)
    }
    setImmediate(turn)
  })
}

export function createFakeClock(startMs = Date.UTC(2030, 0, 1)): FakeClock {
  let nowMs = startMs
  let jumpedMs = 0
  const timers = new Set<Timer>()

  return {
    now: () => nowMs + jumpedMs,
    monotonic: () => nowMs,
    schedule(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    async advance(ms) {
      const endMs = nowMs + ms
      for (;;) {
        const [next] = [...timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)
        if (next === undefined) break
        timers.delete(next)
        nowMs = Math.max(nowMs, next.atMs)
        next.run()
        await settle()
      }
      nowMs = endMs
      await settle()
    },
    set(ms) {
      nowMs = ms - jumpedMs
    },
    jump(ms) {
      jumpedMs += ms
    },
    get pending() {
      return timers.size
    },
  }
}
