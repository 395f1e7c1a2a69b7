// Durations as they are written in settings: 250ms, 30s, 5m, 12h, 1d.

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds, or undefined when the text is not a duration. */
export function parseDurationMs(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? []
  const msPerUnit = MS_PER_UNIT[unit ?? '']
  return count === undefined || msPerUnit === undefined ? undefined : Number(count) * msPerUnit
}
