// The clock of Redis, as this machine sees it: the one clock that all machines of a deployment share.
import type { Clock } from '../clock.ts'

export interface RedisClock {
  /** Asks for it; where that is not allowed, nothing is known of it. */
  measure(): Promise<void>
  /** How far it is ahead of this machine's, give or take half a round trip; undefined while nobody knows. */
  readonly aheadMs: number | undefined
  /** Its time, or this machine's while nobody knows. */
  nowSec(): number
}

/** `askTime` is the answer to TIME: seconds, and microseconds within them. */
export function createRedisClock(clock: Clock, askTime: () => Promise<readonly string[]>): RedisClock {
  let aheadMs: number | undefined
  return {
    async measure() {
      const askedAtMs = clock.now()
      const startedAtMs = clock.monotonic()
      // A user of Redis may be denied TIME; all but the comparison of clocks works without.
      const [seconds, microseconds] = await askTime().catch(() => [])
      const halfwayMs = askedAtMs + (clock.monotonic() - startedAtMs) / 2
      const measured = Number(seconds) * 1000 + Number(microseconds) / 1000 - halfwayMs
      if (Number.isFinite(measured)) aheadMs = measured
    },
    get aheadMs() {
      return aheadMs
    },
    nowSec: () => (clock.now() + (aheadMs ?? 0)) / 1000,
  }
}
