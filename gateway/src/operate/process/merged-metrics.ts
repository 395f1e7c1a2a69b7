// The metrics of several workers as one: sums, unless a metric says that it is something else.
import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client'

import type { Cluster } from './cluster.ts'
import type { MetricData, Metrics } from '../../observe/metrics.ts'

/** What the primary counts itself, and what it asks its workers for. A worker that does not answer is missing from the sums. */
export function createMergedMetrics(
  cluster: Pick<Cluster, 'ask' | 'listening' | 'restarts'>,
): Pick<Metrics, 'contentType' | 'text'> {
  const own = new Registry()
  new Gauge({
    name: 'tollgate_workers',
    help: 'Workers that serve now.',
    registers: [own],
    collect() {
      this.set(cluster.listening)
    },
  })
  new Counter({
    name: 'tollgate_worker_restarts_total',
    help: 'Workers that ended and were started again.',
    registers: [own],
    collect() {
      this.reset()
      this.inc(cluster.restarts)
    },
  })
  return {
    contentType: own.contentType,
    async text() {
      const answers = await cluster.ask('metrics')
      const present = answers.filter((answer): answer is MetricData => answer !== undefined)
      return AggregatorRegistry.aggregate([...present, await own.getMetricsAsJSON()]).metrics()
    },
  }
}
