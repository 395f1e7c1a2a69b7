// The clock of Redis as this machine measures it: the one clock that all machines share.
import type { Clock } from '../../../clock.ts'

export interface RedisClock {
  /** Asks for it; where that is not allowed, nothing is known of it. */
  measure(): Promise<void>
  /** How far it is ahead of this machine's now, give or take half a round trip; undefined while nobody knows. */
  readonly aheadMs: number | undefined
  /** Its time, or this machine's while nobody knows. */
  nowSec(): number
}

/**
 * `askTime` is the answer to TIME: seconds, and microseconds within them. From one answer to the next it goes on by the clock
 * that never jumps: when the wall clock here is put an hour back, the cut-off of a subject must not be an hour old.
 */
export function createRedisClock(clock: Clock, askTime: () => Promise<readonly string[]>): RedisClock {
  let aheadOfMonotonicMs: number | undefined
  const nowMs = () => (aheadOfMonotonicMs === undefined ? undefined : clock.monotonic() + aheadOfMonotonicMs)
  return {
    async measure() {
      const startedAtMs = clock.monotonic()
      // A user of Redis may be denied TIME; all but the comparison of clocks works without.
      const [seconds, microseconds] = await askTime().catch(() => [])
      const halfwayMs = (startedAtMs + clock.monotonic()) / 2
      const measured = Number(seconds) * 1000 + Number(microseconds) / 1000 - halfwayMs
      if (Number.isFinite(measured)) aheadOfMonotonicMs = measured
    },
    get aheadMs() {
      const now = nowMs()
      return now === undefined ? undefined : now - clock.now()
    },
    nowSec: () => (nowMs() ?? clock.now()) / 1000,
  }
}
