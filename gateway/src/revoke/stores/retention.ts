// When an ended entry may be deleted: some time after its end, by a clock that distrusts jumps.
import type { Clock } from '../../clock.ts'

/** Tells up to which second entries that have ended may be forgotten now. */
export type Retention = () => number

/** For machines whose clocks are behind: where this one's clock says that an entry has ended, theirs do not yet. */
const KEPT_MS = 300_000
/** What the wall clock was ahead by must have lasted this long. One that was set wrong is mostly put right sooner. */
const HOLD_MS = 3_600_000
/** A process that has just begun cannot know whether the clock is right: it keeps what has ended for longer. */
const AT_START_MS = 86_400_000

/**
 * Time by the clock that never jumps, set by the least that the wall clock said of late: a jump forward counts after an
 * hour or two, and one back at once. Whoever asks now and then gets that; who never asks forgets nothing.
 */
export function createRetention(clock: Clock): Retention {
  const aheadMs = () => clock.now() - clock.monotonic()
  let beganAtMs = clock.monotonic()
  let leastMs = aheadMs()
  let leastBeforeMs = leastMs - AT_START_MS

  return () => {
    const elapsedMs = clock.monotonic() - beganAtMs
    if (elapsedMs >= HOLD_MS) {
      beganAtMs += elapsedMs
      leastBeforeMs = leastMs
      leastMs = aheadMs()
    }
    leastMs = Math.min(leastMs, aheadMs())
    return (clock.monotonic() + Math.min(leastMs, leastBeforeMs) - KEPT_MS) / 1000
  }
}
