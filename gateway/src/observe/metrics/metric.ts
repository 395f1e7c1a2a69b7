// Defines a metric as a row of a table (name, labels, where its values come from), and registers such rows.
import { Counter, Gauge, type Registry } from 'prom-client'

import { createHistogram, type Durations } from './histogram.ts'

type Labels = Readonly<Record<string, string>>

interface Row {
  /** In base units (Prometheus naming). A label must never hold a value that clients choose. */
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

/** A metric whose values are read from a source at each scrape. */
export interface ReadMetric<Sources> extends Row {
  readonly kind: 'counter' | 'gauge'
  /** How the values of several workers are merged. Default sum. */
  readonly merge?: 'sum' | 'min' | 'max' | 'first'
  readonly read: (sources: Sources, set: (value: number, labels?: Labels) => void) => void
}

/** A histogram that is read at each scrape, with one series of buckets for each route. */
export interface ReadHistogram<Sources> extends Row {
  readonly kind: 'histogram'
  readonly labels: readonly ['route']
  readonly read: (sources: Sources) => Iterable<Durations>
}

/** A counter that is incremented by Metrics.count at each event. */
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

/** Registers all metrics of a table. Returns the function that increments an event counter by its name. */
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
