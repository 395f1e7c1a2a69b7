// Creates the metrics of a gateway, in the Prometheus format.
import { collectDefaultMetrics, Registry } from 'prom-client'

import type { CountEvent } from './event-counters.ts'
import { registerMetrics } from './metric.ts'
import { METRICS, type MetricSources } from './metric-table.ts'
import { RouteTallies, type RouteTally } from './route-tally.ts'

export interface Metrics {
  /** Returns the tally of a route, by its path in the config. Routes with the same path share a tally. */
  readonly route: (path: string) => RouteTally
  readonly count: CountEvent
  readonly contentType: string
  text(): Promise<string>
  /** Returns the metrics as data, to be merged with those of other processes. */
  json(): Promise<MetricData>
}

/** Gauges of prom-client with the suffix of counters; `nodejs_active_*` without `_total` has the same numbers by type. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

export type MetricData = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

export interface MetricsParts extends Omit<MetricSources, 'routes'> {
  /** True to include the metrics of the process, whose observers cannot be stopped. Default true. */
  readonly ofProcess?: boolean
}

/** Creates the metrics. With `requests` off, the tallies of requests stay at zero. */
export function createMetrics({ ofProcess = true, ...sources }: MetricsParts, requests: 'on' | 'off' = 'on'): Metrics {
  const registry = new Registry()
  const tallies = new RouteTallies(requests)
  const count = registerMetrics(METRICS, { ...sources, routes: () => tallies.all() }, registry)
  if (ofProcess) collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return {
    route: (path) => tallies.of(path),
    count,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    json: () => registry.getMetricsAsJSON(),
  }
}
