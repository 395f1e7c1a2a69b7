// The table of metrics, and that what /metrics says is the table: names, kinds, help, labels, values.
import t from 'tap'

import { EVENT_COUNTERS } from '../../../gateway/src/observe/metrics/event-counters.ts'
import { METRICS } from '../../../gateway/src/observe/metrics/metric-table.ts'
import { createMetrics } from '../../../gateway/src/observe/metrics/metrics.ts'
import { PRIMARY_METRICS } from '../../../gateway/src/operate/workers/merged-metrics.ts'
import type { BlockKind } from '../../../gateway/src/revoke/block-list.ts'
import type { Revocation } from '../../../gateway/src/revoke/revocation.ts'

const status = () => [
  { target: 'http://a:1', inFlight: 7, available: true },
  { target: 'http://b:1', inFlight: 0, available: false },
]
const revocation = {
  list: { countOf: (kind: BlockKind) => kind.length, bytes: 4096 },
  status: () => ({
    kind: 'redis',
    up: true,
    loaded: true,
    queued: 11,
    syncAgeMs: 2500,
    clockAheadMs: -1500,
    troubles: [{ kind: 'evicting', text: 'keys are evicted' }],
  }),
} as unknown as Pick<Revocation, 'list' | 'status'>

function createFilledMetrics() {
  const metrics = createMetrics({
    version: '1.2.3',
    tokens: () => ({
      cache: { ready: 1, readyBytes: 2, signatures: 3 },
      counts: { hits: 4, reread: 5, misses: 6 },
    }),
    inFlight: { count: 8 },
    reloads: { successful: false, succeededAtMs: 1500 },
    listener: () => ({ waiting: () => 9, parsers: { lane: 5, http2: 7, node: new Map([['head', 1]]) } }),
    keys: () => [
      { issuer: 'main', count: 2, ageSec: 30, failing: true },
      { issuer: 'local', count: 1, ageSec: undefined, failing: false },
    ],
    upstreams: () => [{ name: 'things', queued: 10, retries: 12, status }],
    revocation,
  })
  const tally = metrics.route('/things/*')
  tally.countRequest(200, 0.002)
  tally.countRequest(401, 60)
  tally.countDecision('accepted', true)
  tally.countDecision('token_expired', false)
  metrics.count('tollgate_key_fetches_total', { issuer: 'main', result: 'ok' })
  metrics.count('tollgate_targets_out_total', { upstream: 'things', why: 'ejected' })
  metrics.count('tollgate_renewals_total', { issuer: 'main' })
  metrics.count('tollgate_renewal_failures_total', { issuer: 'main' })
  metrics.count('tollgate_renewals_delivered_total', { issuer: 'main' })
  metrics.count('tollgate_tokens_retired_total', { issuer: 'main' })
  metrics.count('tollgate_token_reuse_total', { issuer: 'main' })
  metrics.count('tollgate_proxy_protocol_refused_total', { reason: 'untrusted' })
  metrics.count('tollgate_claim_headers_left_out_total', { header: 'x-user', reason: 'too_long' })
  metrics.count('tollgate_token_reuse_total', { issuer: 'main' })
  return metrics
}

t.test('each metric has its values from where its row says', async (t) => {
  const lines = (await createFilledMetrics().text()).split('\n')
  for (const line of [
    'tollgate_requests_total{route="/things/*",status="200"} 1',
    'tollgate_requests_total{route="/things/*",status="401"} 1',
    'tollgate_request_duration_seconds_bucket{le="0.001",route="/things/*"} 0',
    'tollgate_request_duration_seconds_bucket{le="0.0025",route="/things/*"} 1',
    'tollgate_request_duration_seconds_bucket{le="10",route="/things/*"} 1',
    'tollgate_request_duration_seconds_bucket{le="+Inf",route="/things/*"} 2',
    'tollgate_request_duration_seconds_sum{route="/things/*"} 60.002',
    'tollgate_request_duration_seconds_count{route="/things/*"} 2',
    'tollgate_decisions_total{route="/things/*",code="accepted",enforced="true"} 1',
    'tollgate_decisions_total{route="/things/*",code="token_expired",enforced="false"} 1',
    'tollgate_token_cache_hits_total 4',
    'tollgate_token_cache_reread_total 5',
    'tollgate_token_cache_misses_total 6',
    'tollgate_token_cache_entries 1',
    'tollgate_token_cache_bytes 2',
    'tollgate_token_cache_signatures 3',
    'tollgate_requests_in_flight 8',
    'tollgate_config_last_reload_successful 0',
    'tollgate_config_last_reload_success_timestamp_seconds 1.5',
    'tollgate_requests_waiting 9',
    'tollgate_keys{issuer="main"} 2',
    'tollgate_keys{issuer="local"} 1',
    'tollgate_keys_age_seconds{issuer="main"} 30',
    'tollgate_keys_failing{issuer="main"} 1',
    'tollgate_keys_failing{issuer="local"} 0',
    'tollgate_upstream_retries_total{upstream="things"} 12',
    'tollgate_upstream_queued{upstream="things"} 10',
    'tollgate_target_in_flight{upstream="things",target="http://a:1"} 7',
    'tollgate_target_available{upstream="things",target="http://a:1"} 1',
    'tollgate_target_available{upstream="things",target="http://b:1"} 0',
    `tollgate_build_info{version="1.2.3",node="${process.version}"} 1`,
    'tollgate_revocations{kind="jti"} 3',
    'tollgate_revocations{kind="token"} 5',
    'tollgate_sessions_alive 5',
    'tollgate_revocations_bytes 4096',
    'tollgate_revocation_store_up{store="redis"} 1',
    'tollgate_revocation_store_trouble{store="redis",trouble="evicting"} 1',
    'tollgate_revocation_store_clock_ahead_seconds -1.5',
    'tollgate_revocations_queued 11',
    'tollgate_revocation_sync_age_seconds 2.5',
    'tollgate_key_fetches_total{issuer="main",result="ok"} 1',
    'tollgate_targets_out_total{upstream="things",why="ejected"} 1',
    'tollgate_renewals_total{issuer="main"} 1',
    'tollgate_renewal_failures_total{issuer="main"} 1',
    'tollgate_renewals_delivered_total{issuer="main"} 1',
    'tollgate_tokens_retired_total{issuer="main"} 1',
    'tollgate_token_reuse_total{issuer="main"} 2',
    'tollgate_proxy_protocol_refused_total{reason="untrusted"} 1',
  ])
    t.ok(lines.includes(line), line)
  t.notOk(lines.some((line) => line.startsWith('tollgate_keys_age_seconds{issuer="local"')))
  t.notOk(lines.some((line) => line.startsWith('tollgate_revocations{kind="alive"')))
})

t.test('what is said is the table, and what Node says of itself: no metric more, none less', async (t) => {
  const said = (await createFilledMetrics().json()) as unknown as {
    readonly name: string
    readonly type: string
    readonly help: string
    readonly aggregator: string
    readonly values: readonly { readonly labels: Readonly<Record<string, unknown>> }[]
  }[]
  const own = said.filter(({ name }) => !/^(process|nodejs)_/.test(name))
  const byName = <Named extends { readonly name: string }>(list: readonly Named[]) =>
    [...list].sort((one, other) => (one.name < other.name ? -1 : 1))
  t.same(
    byName(own).map(({ name, type, help, aggregator }) => ({ name, type, help, aggregator })),
    byName(METRICS).map((metric) => ({
      name: metric.name,
      type: metric.kind,
      help: metric.help,
      aggregator: 'merge' in metric ? (metric.merge ?? 'sum') : 'sum',
    })),
  )
  for (const { name, type, values } of own) {
    const labels = METRICS.find((metric) => metric.name === name)?.labels ?? []
    t.ok(values.length > 0, `${name} has a value here`)
    for (const value of values)
      t.same(
        Object.keys(value.labels).filter((label) => type !== 'histogram' || label !== 'le'),
        labels,
        name,
      )
  }
})

t.test('names and help are as Prometheus wants them', async (t) => {
  const all = [...METRICS, ...PRIMARY_METRICS]
  t.equal(new Set(all.map(({ name }) => name)).size, all.length, 'each name once')
  for (const { name, kind, help } of all) {
    t.match(name, /^tollgate_[a-z_]+$/)
    t.equal(name.endsWith('_total'), kind === 'counter', `${name}: counters and only they end in _total`)
    t.match(help, /^(1 while |[A-Z]).+\.$/, `${name}: a sentence`)
  }
})

t.test('an event that is in no row, or with other labels than its row, does not compile', async (t) => {
  const { count } = createFilledMetrics()
  // @ts-expect-error There is no such metric.
  t.doesNotThrow(() => count('tollgate_nothing_total', { issuer: 'main' }))
  // @ts-expect-error A label is missing.
  t.doesNotThrow(() => count('tollgate_key_fetches_total', { issuer: 'main' }))
  // @ts-expect-error A label that the row does not have.
  t.throws(() => count('tollgate_renewals_total', { issuer: 'main', route: '/' }))
  t.equal(EVENT_COUNTERS.length, METRICS.filter(({ read }) => read === 'events').length)
})
