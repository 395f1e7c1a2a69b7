// Active health checks: out after some bad answers, back after some good ones, and a check costs nobody his connection.
import t from 'tap'

import { createFakeUpstream, targets } from '../../support/fake-upstream.ts'

const health = { path: '/healthz', interval: '10s', timeout: '2s', healthy: 2, unhealthy: 3 }

function start(count: number, more: Record<string, unknown> = {}) {
  const fake = createFakeUpstream({ targets: targets(count), retries: 0, health, ...more })
  fake.upstream.start()
  const checks = () => fake.calls.filter(({ request }) => request.path === '/healthz')
  const round = async (answer: (target: string) => number) => {
    for (const call of checks()) call.answer(answer(call.target))
    await fake.clock.advance(10_000)
  }
  return { ...fake, checks, round }
}

t.test('a target that answers badly is out after three checks, and back after two good ones', async (t) => {
  const { round, log, send, calls, upstream } = start(2)
  const bad = (target: string) => (target === 'http://t1' ? 500 : 204)
  await round(bad)
  await round(bad)
  t.same(log, [])
  await round(bad)
  t.same(log, ['http://t1 unhealthy'])
  t.same(
    upstream.status().map(({ available }) => available),
    [false, true],
  )
  for (let count = 0; count < 3; count += 1) send()
  t.same(
    new Set(calls.filter(({ request }) => request.path === '/').map(({ target }) => target)),
    new Set(['http://t2']),
  )
  await round(() => 302)
  await round(bad)
  await round(() => 200)
  t.same(log, ['http://t1 unhealthy'], 'one bad answer in between begins the row anew')
  await round(() => 200)
  t.same(log, ['http://t1 unhealthy', 'http://t1 back'])
})

t.test('with no healthy target a request is 503 at once', async (t) => {
  const { round, send } = start(1)
  for (let count = 0; count < 3; count += 1) await round(() => 500)
  t.same(send().failures, [{ code: 'upstream_unhealthy' }])
})

t.test('silence and a body without end are bad or useless after the timeout, and are cancelled', async (t) => {
  const { checks, clock, log } = start(1)
  for (let count = 0; count < 3; count += 1) {
    const [call] = checks()
    t.equal(checks().length, 1)
    await clock.advance(2000)
    t.ok(call?.aborted, 'it is not left hanging')
    await clock.advance(10_000)
  }
  t.same(log, ['http://t1 unhealthy'])
  const [endless] = checks()
  endless?.receiver.onHead(200, 'OK', [], () => undefined)
  await clock.advance(2000)
  t.ok(endless?.aborted, 'a body that does not end holds no connection')
})

t.test('connections that are all busy make no target unhealthy: checks have one of their own', async (t) => {
  const { send, checks, upstream, closed } = start(1, { connections: 1 })
  send()
  send()
  t.equal(checks().length, 1)
  checks()[0]?.answer()
  t.equal(upstream.queued, 1)
  await upstream.close()
  t.equal(closed(), 2, 'the target’s and that of the checks')
})

t.test('no check comes after the end', async (t) => {
  const { checks, clock, upstream } = start(2)
  for (const call of checks()) call.answer()
  await upstream.close()
  await clock.advance(60_000)
  t.equal(checks().length, 0)
})
