// Metrics of reloads: whether the last one could be used, and since when the config serves.
import type { Metric } from './metric.ts'

export interface Reloads {
  readonly successful: boolean
  readonly succeededAtMs: number
}

/** Of several workers the primary counts them, as it reads the file for all. */
export const RELOAD_METRICS: readonly Metric<{ readonly reloads: Reloads }>[] = [
  {
    name: 'tollgate_config_last_reload_successful',
    kind: 'gauge',
    help: '1 while the config that was read last serves; 0 after a reload whose config could not be used.',
    labels: [],
    read: ({ reloads }, set) => set(reloads.successful ? 1 : 0),
  },
  {
    name: 'tollgate_config_last_reload_success_timestamp_seconds',
    kind: 'gauge',
    help: 'When the config that serves was loaded, in seconds since 1970.',
    labels: [],
    read: ({ reloads }, set) => set(reloads.succeededAtMs / 1000),
  },
]
