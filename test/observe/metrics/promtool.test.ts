// What Prometheus's own linter says to the metrics, of one process and of several workers as one.
import t from 'tap'
import { spawnSync } from 'node:child_process'

import { createMergedMetrics } from '../../../gateway/src/operate/workers/merged-metrics.ts'
import type { Answers, Question } from '../../../gateway/src/operate/workers/worker-messages.ts'
import { requireComponent } from '../../support/require-component.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway } from '../../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../../support/tokens.ts'

const PROMTOOL = '/usr/bin/promtool'

function check(text: string): string {
  const { stdout, stderr, status } = spawnSync(PROMTOOL, ['check', 'metrics'], { input: text, encoding: 'utf8' })
  return status === 0 ? '' : `${stdout}${stderr}`
}

t.test('promtool finds nothing wrong with the metrics', async (t) => {
  if (!requireComponent(t, 'promtool', PROMTOOL)) return
  const upstream = await startUpstream(t)
  const { gateway, url } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/api/*', upstream: 'up' }],
  })
  await (await fetch(`${url}/api/x`, { headers: { authorization: `Bearer ${await signHmac()}` } })).text()
  await (await fetch(`${url}/api/x`)).text()
  const text = await gateway.metrics.text()
  t.equal(check(text), '')
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds'])
    t.match(text, new RegExp(`^${name} [0-9]`, 'm'), `${name}: as every dashboard calls it`)
  t.notMatch(text, /^# TYPE \S+_total gauge$/m)

  const data = await gateway.metrics.json()
  const merged = createMergedMetrics(
    {
      ask: <Q extends Question>() => Promise.resolve([data, data] as unknown as Answers[Q][]),
      listening: 2,
      restarts: 0,
    },
    { successful: false, succeededAtMs: 1000 },
  )
  const ofBoth = await merged.text()
  t.equal(check(ofBoth), '', 'of two workers')
  t.match(ofBoth, 'tollgate_config_last_reload_successful 0\n', 'as the primary knows, and no worker')
  t.match(ofBoth, 'tollgate_config_last_reload_success_timestamp_seconds 1\n')
  t.not(check('# TYPE wrong_total gauge\nwrong_total 1\n'), '', 'it would have found something')
})
