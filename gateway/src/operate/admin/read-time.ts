// Parses a time as people write it: seconds since 1970, a date, or a duration from now.
import { parseDuration } from '../../options/kinds.ts'

/** Seconds since 1970; NaN for what is no time. */
export function readTime(value: unknown, nowSec: number): number {
  if (typeof value === 'number') return value >= 0 ? value : Number.NaN
  if (typeof value !== 'string') return Number.NaN
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value)
  const durationMs = parseDuration(value)
  return Number.isNaN(durationMs) ? Date.parse(value) / 1000 : nowSec + durationMs / 1000
}
