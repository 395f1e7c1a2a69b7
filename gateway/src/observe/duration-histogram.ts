// The durations of requests as a histogram: prom-client's own hashes its labels at each observation, these were counted already.
import type { Gauge } from 'prom-client'

import { DURATION_BUCKETS_SEC, type RouteTally } from './route-tally.ts'

interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly metricName: string
}

const DURATION = 'tollgate_request_duration_seconds'

function durationSamples(tallies: Iterable<RouteTally>): Sample[] {
  const samples: Sample[] = []
  for (const { route, durations, durationSum } of tallies) {
    let total = 0
    durations.forEach((count, index) => {
      total += count
      samples.push({
        metricName: `${DURATION}_bucket`,
        labels: { le: DURATION_BUCKETS_SEC[index] ?? '+Inf', route },
        value: total,
      })
    })
    samples.push({ metricName: `${DURATION}_sum`, labels: { route }, value: durationSum })
    samples.push({ metricName: `${DURATION}_count`, labels: { route }, value: total })
  }
  return samples
}

/** A metric for a registry, read from the tallies when somebody asks. */
export function durationHistogram(tallies: () => Iterable<RouteTally>): Gauge {
  return {
    name: DURATION,
    get: () =>
      Promise.resolve({
        name: DURATION,
        help: 'From the head of the request to the end of the answer.',
        type: 'histogram',
        aggregator: 'sum',
        values: durationSamples(tallies()),
      }),
  } as unknown as Gauge
}
