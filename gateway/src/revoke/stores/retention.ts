// Decides when ended entries may be deleted: some time after their end, by a clock that tolerates jumps.
import type { Clock } from '../../clock.ts'

/** Returns the second since the epoch up to which ended entries may be dropped now. */
export type Retention = () => number

/** Reserve for machines whose clocks are slow: an entry that has ended here may not have ended there. */
const KEPT_MS = 300_000
/** How long a forward jump of the wall clock must last before it counts. A wrong clock is usually corrected sooner. */
const HOLD_MS = 3_600_000
/** Reserve after the start, when the process cannot know whether the clock is right. */
const AT_START_MS = 86_400_000

/**
 * Creates the retention. It adds to the monotonic clock the least offset of the wall clock in the last one to two hours: a jump
 * back counts at once, a jump forward after that time. It must be called regularly; without calls nothing is dropped.
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
