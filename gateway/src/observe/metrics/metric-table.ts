// The table of the metrics: name, help, labels and source of each. The reference is generated from it.
import { EVENT_COUNTERS } from './event-counters.ts'
import type { Metric } from './metric.ts'
import { RELOAD_METRICS, type Reloads } from './reload-metrics.ts'
import { REVOCATION_METRICS, type RevocationSource } from './revocation-metrics.ts'
import type { RouteTally } from './route-tally.ts'

/** The sources of the metrics, read at each scrape. */
export interface MetricSources extends RevocationSource {
  readonly version: string
  /** Size of the token cache, and numbers of its hits and misses. */
  readonly tokens: () => {
    readonly cache: { readonly ready: number; readonly readyBytes: number; readonly signatures: number }
    readonly counts: { readonly hits: number; readonly reread: number; readonly misses: number }
  }
  readonly inFlight: { readonly count: number }
  readonly reloads: Reloads
  readonly listener: () => {
    /** Number of requests that wait for earlier requests on their connection (pipelining). */
    waiting(): number
    /** Numbers of requests by parser; for Node's parser by the reason why the fast lane could not read them. */
    readonly parsers: { readonly lane: number; readonly http2: number; readonly node: ReadonlyMap<string, number> }
  }
  /** Keys in use by issuer, and seconds since the issuer confirmed them (undefined for local keys). */
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
  readonly routes: () => Iterable<RouteTally>
}

export const METRICS: readonly Metric<MetricSources>[] = [
  {
    name: 'tollgate_requests_total',
    kind: 'counter',
    help: 'Requests answered.',
    labels: ['route', 'status'],
    read({ routes }, set) {
      for (const { route, byStatus } of routes())
        for (const [status, value] of byStatus) set(value, { route, status: String(status) })
    },
  },
  {
    name: 'tollgate_request_duration_seconds',
    kind: 'histogram',
    help: 'From the head of the request to the end of the response.',
    labels: ['route'],
    read: ({ routes }) => routes(),
  },
  {
    name: 'tollgate_decisions_total',
    kind: 'counter',
    help: 'Admission decisions: accepted, anonymous, or why not. enforced="false": what report-only routes would have refused.',
    labels: ['route', 'code', 'enforced'],
    read({ routes }, set) {
      for (const { route, decisions, reported } of routes()) {
        for (const [code, value] of decisions) set(value, { route, code, enforced: 'true' })
        for (const [code, value] of reported) set(value, { route, code, enforced: 'false' })
      }
    },
  },
  {
    name: 'tollgate_token_cache_hits_total',
    kind: 'counter',
    help: 'Tokens whose signature was found good before.',
    labels: [],
    read: ({ tokens }, set) => set(tokens().counts.hits),
  },
  {
    name: 'tollgate_token_cache_reread_total',
    kind: 'counter',
    help: 'Hits on tokens that were not kept ready.',
    labels: [],
    read: ({ tokens }, set) => set(tokens().counts.reread),
  },
  {
    name: 'tollgate_token_cache_misses_total',
    kind: 'counter',
    help: 'Tokens that had to be verified.',
    labels: [],
    read: ({ tokens }, set) => set(tokens().counts.misses),
  },
  {
    name: 'tollgate_token_cache_entries',
    kind: 'gauge',
    help: 'Tokens kept ready now, with claims and header.',
    labels: [],
    read: ({ tokens }, set) => set(tokens().cache.ready),
  },
  {
    name: 'tollgate_token_cache_bytes',
    kind: 'gauge',
    help: 'Estimated bytes of heap of the tokens kept ready.',
    labels: [],
    read: ({ tokens }, set) => set(tokens().cache.readyBytes),
  },
  {
    name: 'tollgate_token_cache_signatures',
    kind: 'gauge',
    help: 'Signatures cached apart, because not all tokens could be kept ready.',
    labels: [],
    read: ({ tokens }, set) => set(tokens().cache.signatures),
  },
  {
    name: 'tollgate_requests_in_flight',
    kind: 'gauge',
    help: 'Requests being served now.',
    labels: [],
    read: ({ inFlight }, set) => set(inFlight.count),
  },
  ...RELOAD_METRICS,
  {
    name: 'tollgate_requests_waiting',
    kind: 'gauge',
    help: 'Requests that wait for others of their connection.',
    labels: [],
    read: ({ listener }, set) => set(listener().waiting()),
  },
  {
    name: 'tollgate_parser_requests_total',
    kind: 'counter',
    help: 'Requests by who read them, the fast lane, the parser of Node and why it was not the lane, or HTTP/2.',
    labels: ['parser', 'reason'],
    read({ listener }, set) {
      const { lane, http2, node } = listener().parsers
      set(lane, { parser: 'lane', reason: '' })
      set(http2, { parser: 'http2', reason: '' })
      for (const [reason, count] of node) set(count, { parser: 'node', reason })
    },
  },
  {
    name: 'tollgate_keys',
    kind: 'gauge',
    help: 'Keys in use.',
    labels: ['issuer'],
    merge: 'min',
    read({ keys }, set) {
      for (const { issuer, count } of keys()) set(count, { issuer })
    },
  },
  {
    name: 'tollgate_keys_age_seconds',
    kind: 'gauge',
    help: 'Time since the issuer confirmed its keys.',
    labels: ['issuer'],
    merge: 'max',
    read({ keys }, set) {
      for (const { issuer, ageSec } of keys()) if (ageSec !== undefined) set(ageSec, { issuer })
    },
  },
  {
    name: 'tollgate_keys_failing',
    kind: 'gauge',
    help: '1 while the keys of an issuer cannot be fetched (the last good ones serve until maxStale), or their file has changed and cannot be used.',
    labels: ['issuer'],
    merge: 'max',
    read({ keys }, set) {
      for (const { issuer, failing } of keys()) set(failing ? 1 : 0, { issuer })
    },
  },
  {
    name: 'tollgate_upstream_retries_total',
    kind: 'counter',
    help: 'Requests sent again after a connection failed.',
    labels: ['upstream'],
    read({ upstreams }, set) {
      for (const { name, retries } of upstreams()) set(retries, { upstream: name })
    },
  },
  {
    name: 'tollgate_upstream_queued',
    kind: 'gauge',
    help: 'Requests that wait for a connection.',
    labels: ['upstream'],
    read({ upstreams }, set) {
      for (const { name, queued } of upstreams()) set(queued, { upstream: name })
    },
  },
  {
    name: 'tollgate_target_in_flight',
    kind: 'gauge',
    help: 'Requests that a target serves now.',
    labels: ['upstream', 'target'],
    read({ upstreams }, set) {
      for (const { name, status } of upstreams())
        for (const { target, inFlight } of status()) set(inFlight, { upstream: name, target })
    },
  },
  {
    name: 'tollgate_target_available',
    kind: 'gauge',
    help: '1 while a target gets requests.',
    labels: ['upstream', 'target'],
    merge: 'min',
    read({ upstreams }, set) {
      for (const { name, status } of upstreams())
        for (const { target, available } of status()) set(available ? 1 : 0, { upstream: name, target })
    },
  },
  {
    name: 'tollgate_build_info',
    kind: 'gauge',
    help: 'The version that runs.',
    labels: ['version', 'node'],
    merge: 'first',
    read: ({ version }, set) => set(1, { version, node: process.version }),
  },
  ...REVOCATION_METRICS,
  ...EVENT_COUNTERS,
]
