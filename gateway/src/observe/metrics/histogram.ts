// Shows durations that are counted already as a histogram: prom-client's own would hash its labels at each observation.
import type { Gauge } from 'prom-client'

import { DURATION_BUCKETS_SEC, type RouteTally } from './route-tally.ts'

export type Durations = Pick<RouteTally, 'route' | 'durations' | 'durationSum'>

interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly metricName: string
}

function samplesOf(name: string, tallies: Iterable<Durations>): Sample[] {
  const samples: Sample[] = []
  for (const { route, durations, durationSum } of tallies) {
    let total = 0
    durations.forEach((count, index) => {
      total += count
      samples.push({
        metricName: `${name}_bucket`,
        labels: { le: DURATION_BUCKETS_SEC[index] ?? '+Inf', route },
        value: total,
      })
    })
    samples.push({ metricName: `${name}_sum`, labels: { route }, value: durationSum })
    samples.push({ metricName: `${name}_count`, labels: { route }, value: total })
  }
  return samples
}

/** A metric for a registry, read from the tallies when somebody asks. */
export function createHistogram(name: string, help: string, tallies: () => Iterable<Durations>): Gauge {
  return {
    name,
    get: () =>
      Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values: samplesOf(name, tallies()) }),
  } as unknown as Gauge
}
