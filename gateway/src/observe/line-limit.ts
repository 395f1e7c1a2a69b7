// Limits how many log lines of one kind are written, so that a flood of faults does not fill the disk.
import type { Clock } from '../clock.ts'

/** Lines per second. */
const LINES = 10

/**
 * Creates the limit, which is called for each line. Returns undefined to suppress the line, else the number of lines suppressed
 * before it.
 */
export function createLineLimit(clock: Clock): () => number | undefined {
  let second = -Infinity
  let written = 0
  let suppressed = 0
  return () => {
    const now = Math.floor(clock.monotonic() / 1000)
    if (now !== second) {
      second = now
      written = 0
    }
    if (written >= LINES) {
      suppressed += 1
      return undefined
    }
    written += 1
    const before = suppressed
    suppressed = 0
    return before
  }
}
