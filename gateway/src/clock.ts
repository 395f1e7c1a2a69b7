// Time as a parameter, so that no test sleeps.

/** `now()` is in milliseconds since the epoch, as of `Date.now`. */
export interface Clock {
  now(): number
}

export const systemClock: Clock = { now: Date.now }

/** Runs something later; the returned function calls it off. */
export type Schedule = (delayMs: number, run: () => void) => () => void

/** Timers that never keep the process alive. */
export const systemSchedule: Schedule = (delayMs, run) => {
  const timer = setTimeout(run, delayMs)
  timer.unref()
  return () => {
    clearTimeout(timer)
  }
}
