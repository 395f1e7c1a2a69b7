// Exports existing duration counts as a histogram; the one of prom-client would hash the labels of each observation.
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

/** Creates a metric for a registry. It reads the tallies at each scrape. */
export function createHistogram(name: string, help: string, tallies: () => Iterable<Durations>): Gauge {
  return {
    name,
    get: () =>
      Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values: samplesOf(name, tallies()) }),
  } as unknown as Gauge
}
