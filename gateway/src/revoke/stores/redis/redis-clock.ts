// Measures the clock of Redis, which all machines share.
import type { Clock } from '../../../clock.ts'

export interface RedisClock {
  /** Measures the clock. Where Redis does not permit that, the difference stays unknown. */
  measure(): Promise<void>
  /**
   * How far the clock of Redis is ahead of this machine's, in milliseconds, with an error of half a round trip; undefined if
   * unknown.
   */
  readonly aheadMs: number | undefined
  /** Seconds since the epoch by the clock of Redis, or by this machine's if unknown. */
  nowSec(): number
}

/**
 * Creates the clock. `askTime` returns the reply to TIME: seconds, and microseconds within them. Between measurements it
 * advances by the monotonic clock: when the wall clock here is set back an hour, the cut-off of a subject must not be an hour
 * early.
 */
export function createRedisClock(clock: Clock, askTime: () => Promise<readonly string[]>): RedisClock {
  let aheadOfMonotonicMs: number | undefined
  const nowMs = () => (aheadOfMonotonicMs === undefined ? undefined : clock.monotonic() + aheadOfMonotonicMs)
  return {
    async measure() {
      const startedAtMs = clock.monotonic()
      // A Redis user may lack permission for TIME. Then only the comparison of clocks is missing.
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
