// The metrics: what was counted, in the format of Prometheus.
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'

import { durationHistogram } from './duration-histogram.ts'
import { RouteTallies, type RouteTally } from './route-tally.ts'

/** Numbers that others keep, read when somebody asks. */
export interface MetricSources {
  readonly cache: { readonly ready: number; readonly readyBytes: number; readonly signatures: number }
  readonly counts: { readonly hits: number; readonly reread: number; readonly misses: number }
  readonly inFlight: { readonly count: number }
  /** Requests that wait for others of their connection. */
  readonly waiting: () => number
  /** By issuer: keys in use, and seconds since the issuer confirmed them (undefined for local keys). */
  readonly keys: () => readonly {
    readonly issuer: string
    readonly count: number
    readonly ageSec: number | undefined
    readonly failing: boolean
  }[]
  readonly upstreams: () => readonly {
    readonly name: string
    readonly queued: number
    readonly retries: number
    readonly status: () => readonly {
      readonly target: string
      readonly inFlight: number
      readonly available: boolean
    }[]
  }[]
}

/** Adds a gauge whose values are read when somebody asks. */
export type AddGauge = (
  name: string,
  help: string,
  labelNames: readonly string[],
  read: (set: (labels: Record<string, string>, value: number) => void) => void,
  /** What one figure for several workers is. Default sum. */
  merge?: 'sum' | 'min' | 'max' | 'first',
) => void

export interface Metrics {
  readonly addGauge: AddGauge
  /** The tally of a route, by its path in the config: routes that share a path share it. */
  route(path: string): RouteTally
  keyFetch(issuer: string, result: 'ok' | 'failed'): void
  targetOut(upstream: string, why: 'ejected' | 'unhealthy'): void
  /** Where others register what they count. */
  readonly registry: Registry
  readonly contentType: string
  text(): Promise<string>
  /** As data, to be merged with those of other processes. */
  json(): Promise<MetricData>
}

export type MetricData = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

export function createMetrics(sources: MetricSources, version: string, requests: 'on' | 'off' = 'on'): Metrics {
  const registry = new Registry()
  const tallies = new RouteTallies(requests)
  const registers = [registry]

  function counter(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (count: (labels: Record<string, string>, value: number) => void) => void,
  ) {
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers,
      collect() {
        this.reset()
        read((labels, value) => {
          this.inc(labels, value)
        })
      },
    })
  }

  const gauge: AddGauge = (name, help, labelNames, read, merge = 'sum') => {
    new Gauge({
      aggregator: merge,
      name,
      help,
      labelNames: [...labelNames],
      registers,
      collect() {
        this.reset()
        read((labels, value) => {
          this.set(labels, value)
        })
      },
    })
  }

  counter('tollgate_requests_total', 'Requests answered.', ['route', 'status'], (count) => {
    for (const { route, byStatus } of tallies.all())
      for (const [status, value] of byStatus) count({ route, status: String(status) }, value)
  })
  registry.registerMetric(durationHistogram(() => tallies.all()))
  counter(
    'tollgate_decisions_total',
    'Admission decisions: accepted, anonymous, or why not. enforced="false": what report-only routes would have refused.',
    ['route', 'code', 'enforced'],
    (count) => {
      for (const { route, decisions, reported } of tallies.all()) {
        for (const [code, value] of decisions) count({ route, code, enforced: 'true' }, value)
        for (const [code, value] of reported) count({ route, code, enforced: 'false' }, value)
      }
    },
  )
  counter('tollgate_token_cache_hits_total', 'Tokens whose signature was found good before.', [], (count) => {
    count({}, sources.counts.hits)
  })
  counter('tollgate_token_cache_reread_total', 'Hits on tokens that were not kept ready.', [], (count) => {
    count({}, sources.counts.reread)
  })
  counter('tollgate_token_cache_misses_total', 'Tokens that had to be verified.', [], (count) => {
    count({}, sources.counts.misses)
  })
  gauge('tollgate_token_cache_entries', 'Tokens kept ready now, with claims and header.', [], (set) => {
    set({}, sources.cache.ready)
  })
  gauge('tollgate_token_cache_bytes', 'Estimated bytes of heap of the tokens kept ready.', [], (set) => {
    set({}, sources.cache.readyBytes)
  })
  gauge(
    'tollgate_token_cache_signatures',
    'Signatures remembered apart, because not all tokens could be kept ready.',
    [],
    (set) => {
      set({}, sources.cache.signatures)
    },
  )
  gauge('tollgate_requests_in_flight', 'Requests being served now.', [], (set) => {
    set({}, sources.inFlight.count)
  })
  gauge('tollgate_requests_waiting', 'Requests that wait for others of their connection.', [], (set) => {
    set({}, sources.waiting())
  })
  gauge(
    'tollgate_keys',
    'Keys in use.',
    ['issuer'],
    (set) => {
      for (const { issuer, count } of sources.keys()) set({ issuer }, count)
    },
    'min',
  )
  gauge(
    'tollgate_keys_age_seconds',
    'Time since the issuer confirmed its keys.',
    ['issuer'],
    (set) => {
      for (const { issuer, ageSec } of sources.keys()) if (ageSec !== undefined) set({ issuer }, ageSec)
    },
    'max',
  )
  gauge(
    'tollgate_keys_failing',
    '1 while the keys of an issuer cannot be fetched: the last good ones serve until maxStale.',
    ['issuer'],
    (set) => {
      for (const { issuer, failing } of sources.keys()) set({ issuer }, failing ? 1 : 0)
    },
    'max',
  )
  counter(
    'tollgate_upstream_retries_total',
    'Requests sent again after a connection failed.',
    ['upstream'],
    (count) => {
      for (const { name, retries } of sources.upstreams()) count({ upstream: name }, retries)
    },
  )
  gauge('tollgate_upstream_queued', 'Requests that wait for a connection.', ['upstream'], (set) => {
    for (const { name, queued } of sources.upstreams()) set({ upstream: name }, queued)
  })
  gauge('tollgate_target_in_flight', 'Requests that a target serves now.', ['upstream', 'target'], (set) => {
    for (const { name, status } of sources.upstreams())
      for (const { target, inFlight } of status()) set({ upstream: name, target }, inFlight)
  })
  gauge(
    'tollgate_target_available',
    '1 while a target gets requests.',
    ['upstream', 'target'],
    (set) => {
      for (const { name, status } of sources.upstreams())
        for (const { target, available } of status()) set({ upstream: name, target }, available ? 1 : 0)
    },
    'min',
  )
  const targetsOut = new Counter({
    name: 'tollgate_targets_out_total',
    help: 'Times that a target was taken out: ejected for failing, or unhealthy by its checks.',
    labelNames: ['upstream', 'why'],
    registers,
  })
  gauge(
    'tollgate_build_info',
    'The version that runs.',
    ['version', 'node'],
    (set) => {
      set({ version, node: process.version }, 1)
    },
    'first',
  )
  const keyFetches = new Counter({
    name: 'tollgate_key_fetches_total',
    help: 'Fetches of key sets.',
    labelNames: ['issuer', 'result'],
    registers,
  })
  collectDefaultMetrics({ register: registry, prefix: 'tollgate_' })

  return {
    addGauge: gauge,
    route: (path) => tallies.of(path),
    keyFetch(issuer, result) {
      keyFetches.inc({ issuer, result })
    },
    targetOut(upstream, why) {
      targetsOut.inc({ upstream, why })
    },
    registry,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    json: () => registry.getMetricsAsJSON(),
  }
}
