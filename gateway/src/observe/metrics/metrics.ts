// Creates the metrics of a gateway, in the Prometheus format.
import { collectDefaultMetrics, Registry } from 'prom-client'

import type { CountEvent } from './event-counters.ts'
import { registerMetrics } from './metric.ts'
import { METRICS, type MetricSources } from './metric-table.ts'
import { RouteTallies, type RouteTally } from './route-tally.ts'

export interface Metrics {
  /** The tally of a route, by its path in the config: routes that share a path share it. */
  readonly route: (path: string) => RouteTally
  readonly count: CountEvent
  readonly contentType: string
  text(): Promise<string>
  /** As data, to be merged with those of other processes. */
  json(): Promise<MetricData>
}

/** Gauges of prom-client that are called as counters are; the same by type is in `nodejs_active_*` without `_total`. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

export type MetricData = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

export interface MetricsParts extends Omit<MetricSources, 'routes'> {
  /** Whether those of the process are there too, whose observers nothing ends. Default true. */
  readonly ofProcess?: boolean
}

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
