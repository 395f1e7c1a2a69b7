// When an overlap ends: counted in ticks of a monotonic clock that fit into a word of the block list.
import type { Clock } from '../../clock.ts'

/** In 32 bits there is room for seven years of these. */
const TICK_MS = 50
const LAST_TICK = 2 ** 32 - 1

export interface OverlapClock {
  /** The tick in which this length is over, a little later rather than earlier; 0 when there is none. */
  tickIn(lengthSec: number): number
  /** How many seconds are left until that tick; 0 when it has come. */
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
