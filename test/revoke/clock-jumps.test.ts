// A wall clock that is put forward and back: what was swept meanwhile would be what is missing afterwards.
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { createFakeClock } from '../support/fake-clock.ts'
import { eventually } from '../support/eventually.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { redisServerPath, startRedis } from '../support/redis.ts'
import { requireComponent } from '../support/require-component.ts'
import { startTestGateway, type TestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

async function statusOf({ url }: TestGateway, token: string): Promise<string> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  await response.arrayBuffer()
  return `${response.status} ${response.headers.get('x-tollgate') ?? 'passed'}`
}

async function jumpThereAndBack(t: Test, store: unknown, { restarts }: { readonly restarts: boolean }): Promise<void> {
  const upstream = await startUpstream(t)
  const clock = createFakeClock(Date.now())
  const config = {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up' }],
    revocation: { store },
  }
  const startIt = async () => {
    const starting = startTestGateway(t, config, { clock, schedule: clock.schedule })
    let isThere = false
    void starting.then(() => (isThere = true))
    // A start may wait for its store, and that waits for timers.
    while (!isThere) await clock.advance(50)
    const started = await starting
    // A real Redis answers in its own time: what the gateway waits for may fall due only now.
    await eventually(async () => {
      await clock.advance(50)
      return started.gateway.revocation.status().loaded
    }, 'the list is loaded')
    return started
  }
  let gateway = await startIt()
  // Longer than anything is believed late: sweeps are as bold as they get.
  for (let hour = 0; hour < 3; hour += 1) {
    clock.set(clock.now() + HOUR)
    await clock.advance(500)
  }
  const nowSec = Math.floor(clock.now() / 1000)
  const token = await signHmac({ jti: 'one', iat: nowSec, exp: nowSec + 3 * 86_400 })
  const issuer = String(hmacIssuer()['issuer'])
  const blocked = { kind: 'jti', issuer, value: 'one', issuedBeforeSec: undefined } as const
  t.equal(await statusOf(gateway, token), '200 passed')
  await gateway.gateway.revocation.block([{ ...blocked, overlapSec: 0, untilSec: nowSec + 600, reason: 'revoked' }])
  t.equal(await statusOf(gateway, token), '401 token_revoked')

  clock.jump(DAY / 2)
  t.equal(await statusOf(gateway, token), '200 passed', 'by this clock the entry has ended, and the token lives')
  if (restarts) {
    await gateway.gateway.close()
    gateway = await startIt()
  }
  // Some sweeps of the list, and one of the store.
  await clock.advance(120_000)
  t.equal(await statusOf(gateway, token), '200 passed', 'remembered with what was found out then')
  clock.jump(-DAY / 2)
  t.equal(await statusOf(gateway, token), '401 token_revoked', 'with the same list, at once')
  if (restarts) {
    await gateway.gateway.close()
    gateway = await startIt()
    t.equal(await statusOf(gateway, token), '401 token_revoked', 'the store has it as well')
  }
}

t.test('what a jump forward ended is refused again after the jump back: in memory', (t) =>
  jumpThereAndBack(t, 'memory', { restarts: false }),
)

t.test('in LevelDB, with a restart before and after the jump back', (t) =>
  jumpThereAndBack(t, { level: join(t.testdir(), 'revoked') }, { restarts: true }),
)

const skip = !requireComponent(t, 'redis-server', redisServerPath)

t.test('in Redis, with a restart before and after the jump back', { skip }, async (t) => {
  const redis = await startRedis(t)
  await jumpThereAndBack(t, { redis: redis.url }, { restarts: true })
})

t.test('who is revoked right after a jump of the clock: by the clock that machines share', { skip }, async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  for (const jumpMs of [-HOUR, HOUR]) {
    const clock = createFakeClock(Date.now())
    const { gateway } = await startTestGateway(
      t,
      {
        issuers: [hmacIssuer()],
        upstreams: { up: { targets: [upstream.url] } },
        routes: [{ path: '/*', upstream: 'up' }],
        revocation: { store: { redis: redis.url } },
      },
      { clock },
    )
    clock.jump(jumpMs)
    const aheadSec = gateway.revocation.nowSec() - Date.now() / 1000
    t.ok(Math.abs(aheadSec) < 30, `a jump of ${jumpMs} ms moves the cut-off of a subject by ${aheadSec} s`)
  }
})
