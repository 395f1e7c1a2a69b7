// Merges the metrics of several workers into one: sums, unless a metric says something else.
import { AggregatorRegistry, Registry } from 'prom-client'

import type { Cluster } from './cluster.ts'
import { RELOAD_METRICS, type Reloads } from '../../observe/metrics/reload-metrics.ts'
import { registerMetrics, type Metric } from '../../observe/metrics/metric.ts'
import type { MetricData, Metrics } from '../../observe/metrics/metrics.ts'

/** What only the primary knows: there with several workers. */
export const PRIMARY_METRICS: readonly Metric<Pick<Cluster, 'listening' | 'restarts'>>[] = [
  {
    name: 'tollgate_workers',
    kind: 'gauge',
    help: 'Workers that serve now.',
    labels: [],
    read: ({ listening }, set) => set(listening),
  },
  {
    name: 'tollgate_worker_restarts_total',
    kind: 'counter',
    help: 'Workers that ended and were started again.',
    labels: [],
    read: ({ restarts }, set) => set(restarts),
  },
]

/** What the primary counts itself, and what it asks its workers for. A worker that does not answer is missing from the sums. */
export function createMergedMetrics(
  cluster: Pick<Cluster, 'ask' | 'listening' | 'restarts'>,
  reloads: Reloads,
): Pick<Metrics, 'contentType' | 'text'> {
  const own = new Registry()
  registerMetrics(PRIMARY_METRICS, cluster, own)
  registerMetrics(RELOAD_METRICS, { reloads }, own)
  /** A worker knows of its own start alone. */
  const ofWorkers = (data: MetricData) => data.filter(({ name }) => own.getSingleMetric(name) === undefined)
  return {
    contentType: own.contentType,
    async text() {
      const answers = await cluster.ask('metrics')
      const present = answers.filter((answer): answer is MetricData => answer !== undefined).map(ofWorkers)
      return AggregatorRegistry.aggregate([...present, await own.getMetricsAsJSON()]).metrics()
    },
  }
}
