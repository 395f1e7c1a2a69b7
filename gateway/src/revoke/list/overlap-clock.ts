// Stores the end of an overlap in one 32-bit word, in ticks of the monotonic clock.
import type { Clock } from '../../clock.ts'

/** Length of a tick. 32 bits of ticks last almost seven years. */
const TICK_MS = 50
const LAST_TICK = 2 ** 32 - 1

export interface OverlapClock {
  /** Returns the tick at which an overlap of this length ends, rounded up; 0 without an overlap. */
  tickIn(lengthSec: number): number
  /** Returns the seconds left until that tick; 0 when it has passed. */
  secondsTo(tick: number): number
}

export function createOverlapClock(clock: Pick<Clock, 'monotonic'>): OverlapClock {
  const startedAtMs = clock.monotonic()
  return {
    tickIn(lengthSec) {
      if (!(lengthSec > 0)) return 0
      return Math.min(Math.ceil((clock.monotonic() - startedAtMs + lengthSec * 1000) / TICK_MS), LAST_TICK)
    },
    secondsTo: (tick) => (tick === 0 ? 0 : Math.max(0, tick * TICK_MS - (clock.monotonic() - startedAtMs)) / 1000),
  }
}
