// Time as a parameter, so that no test sleeps.

/** The wall clock: milliseconds since the epoch, as of `Date.now`. It jumps; only claims and the ends of entries go by it. */
export interface WallClock {
  now(): number
}

/** With `monotonic()`, milliseconds since some moment that never go back or jump: for deadlines, pauses and ages. */
export interface Clock extends WallClock {
  monotonic(): number
}

export const systemClock: Clock = { now: Date.now, monotonic: () => performance.now() }

/** Runs something later; the returned function cancels it. */
export type Schedule = (delayMs: number, run: () => void) => () => void

// Node takes a longer delay for one millisecond.
const MAX_DELAY_MS = 2 ** 31 - 1

/** Timers that never keep the process alive. Longer delays than 24 days end after 24 days. */
export const systemSchedule: Schedule = (delayMs, run) => {
  const timer = setTimeout(run, Math.min(delayMs, MAX_DELAY_MS))
  timer.unref()
  return () => {
    clearTimeout(timer)
  }
}
