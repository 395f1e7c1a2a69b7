// Defines a metric as a row of a table (name, labels, where its values come from), and registers such rows.
import { Counter, Gauge, type Registry } from 'prom-client'

import { createHistogram, type Durations } from './histogram.ts'

type Labels = Readonly<Record<string, string>>

interface Row {
  /** In base units; never a label of its own for what a client can choose. */
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

/** Read when somebody asks, from numbers that others keep. */
export interface ReadMetric<Sources> extends Row {
  readonly kind: 'counter' | 'gauge'
  /** What one figure for several workers is. Default sum. */
  readonly merge?: 'sum' | 'min' | 'max' | 'first'
  readonly read: (sources: Sources, set: (value: number, labels?: Labels) => void) => void
}

/** Read when somebody asks: one series of buckets for each route. */
export interface ReadHistogram<Sources> extends Row {
  readonly kind: 'histogram'
  readonly labels: readonly ['route']
  readonly read: (sources: Sources) => Iterable<Durations>
}

/** Counted as it happens, by Metrics.count. */
export interface EventCounter extends Row {
  readonly kind: 'counter'
  readonly read: 'events'
}

export type Metric<Sources> = ReadMetric<Sources> | ReadHistogram<Sources> | EventCounter

function registerRead<Sources>(metric: ReadMetric<Sources>, sources: Sources, registry: Registry): void {
  const { name, help, kind, merge = 'sum', read } = metric
  const options = { name, help, labelNames: [...metric.labels], registers: [registry] }
  if (kind === 'counter')
    new Counter({
      ...options,
      collect() {
        this.reset()
        read(sources, (value, labels = {}) => {
          this.inc(labels, value)
        })
      },
    })
  else
    new Gauge({
      ...options,
      aggregator: merge,
      collect() {
        this.reset()
        read(sources, (value, labels = {}) => {
          this.set(labels, value)
        })
      },
    })
}

/** Returns how to count what is counted as it happens, by the name of its row. */
export function registerMetrics<Sources>(
  table: readonly Metric<Sources>[],
  sources: Sources,
  registry: Registry,
): (name: string, labels: Labels) => void {
  const counters = new Map<string, Counter>()
  for (const metric of table) {
    const { name, help, labels } = metric
    if (metric.kind === 'histogram') registry.registerMetric(createHistogram(name, help, () => metric.read(sources)))
    else if (metric.read === 'events')
      counters.set(name, new Counter({ name, help, labelNames: [...labels], registers: [registry] }))
    else registerRead(metric, sources, registry)
  }
  return (name, labels) => counters.get(name)?.inc(labels)
}
