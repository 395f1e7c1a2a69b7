// Cost as it grows: more routes, remembered tokens, issuers, revoked entries; a request must not notice.
import { createGrowths, type Growth, type GrowthPoint } from './growth-points.ts'
import type { Shape, ShapeResult } from './shape.ts'
import { measureRounds, stopAll, timesDearer, type MedianRow, type Settings } from '../harness/rounds.ts'

export const TOLERANCE = 0.15

async function measureGrowth(growth: Growth, upstream: string, settings: Settings): Promise<ShapeResult> {
  const counts = settings.quick ? growth.quick : growth.counts
  const points: GrowthPoint[] = []
  for (const count of counts) points.push(await growth.start(count, upstream))
  const rows = await measureRounds(
    `growth, ${growth.name}`,
    points.map(({ server, load }, index) => ({ name: `${counts[index]} ${growth.name}`, server, load })),
    settings,
  )
  await stopAll(points.map(({ server }) => server))
  const timesFirst = rows.map((row) => timesDearer(row, rows[0] as MedianRow))
  const title = `${counts.at(0)?.toLocaleString('en')} to ${counts.at(-1)?.toLocaleString('en')} ${growth.name}`
  return {
    title: `As it grows: ${title}`,
    head: [growth.name, 'CPU us/request', 'times the first', 'requests/s', 'p99 ms', 'RSS MiB'],
    rows: rows.map((row, index) => [
      (counts[index] ?? 0).toLocaleString('en'),
      row.cpuMicroseconds,
      timesFirst[index] ?? Number.NaN,
      row.requestsPerSecond,
      row.p99Ms,
      row.residentMebibytes,
    ]),
    budgets: [
      {
        name: `CPU for a request, ${title}: worst, times the first`,
        value: Math.max(...timesFirst),
        limit: 1 + TOLERANCE,
        kind: 'most',
      },
    ],
    lines: [
      {
        title,
        unit: 'us',
        tolerance: TOLERANCE,
        points: rows.map(({ cpuMicroseconds }, index) => ({
          x: Math.log10((counts[index] ?? 0) + 1),
          label: (counts[index] ?? 0).toLocaleString('en'),
          value: cpuMicroseconds,
        })),
      },
    ],
  }
}

export const growth: Shape = {
  name: 'growth',
  async measure({ url }, settings) {
    const results: ShapeResult[] = []
    for (const one of createGrowths()) results.push(await measureGrowth(one, url, settings))
    return results
  },
}
