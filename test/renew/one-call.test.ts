// Two gateways that renew by the issuer's endpoint: with Redis one of them asks, and both deliver the same token.
import t from 'tap'
import type { Test } from 'tap'

import { systemSchedule } from '../../gateway/src/clock.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { eventually } from '../support/eventually.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { redisServerPath, startRedis } from '../support/redis.ts'
import { claimsOf, counted, firstToken, renewingIssuer, send } from '../support/renewal.ts'
import { requireComponent } from '../support/require-component.ts'
import { startTestGateway } from '../support/test-gateway.ts'

const skip = !requireComponent(t, 'redis-server', redisServerPath)
const SESSIONS = 30

async function startTwo(t: Test, store: unknown) {
  const clock = createFakeClock()
  const upstream = await startUpstream(t)
  let calls = 0
  const issuer = renewingIssuer('', {
    signingKey: undefined,
    lifetime: undefined,
    endpoint: 'http://127.0.0.1:1/renew',
  })
  const config = JSON.parse(
    JSON.stringify({
      issuers: [issuer],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
      revocation: { store },
    }),
  ) as Record<string, unknown>
  const parts = {
    clock,
    schedule: systemSchedule,
    async askIssuer(_url: string, token: string) {
      calls += 1
      const { auth_time: authTime, sub } = claimsOf(token)
      const claims = { auth_time: authTime as number, sub: sub as string, jti: `call ${calls}` }
      return { access_token: await firstToken(clock, claims) }
    },
  }
  const gateways = [await startTestGateway(t, config, parts), await startTestGateway(t, config, parts)] as const
  return { clock, gateways, calls: () => calls }
}

t.test('one call and one token for each session, whichever gateway its requests reach', { skip }, async (t) => {
  const redis = await startRedis(t)
  const { clock, gateways, calls } = await startTwo(t, { redis: redis.url })
  const tokens = await Promise.all(
    Array.from({ length: SESSIONS }, (_, index) => firstToken(clock, { sub: `user ${index}`, jti: `first ${index}` })),
  )
  clock.set(clock.now() + 250_000)
  await Promise.all(tokens.flatMap((token) => gateways.map((gateway) => send(gateway, token))))
  for (const gateway of gateways)
    await eventually(async () => (await counted(gateway, 'tollgate_renewals_total')) === SESSIONS, 'all are renewed')
  t.equal(calls(), SESSIONS)
  for (const token of tokens) {
    const [one, other] = [await send(gateways[0], token), await send(gateways[1], token)]
    t.ok(one.renewed !== null && one.renewed === other.renewed, 'both deliver the same successor')
  }
  const names = (await redis.command('KEYS', 'tollgate:renewal:*')) as string[]
  t.equal(names.length, SESSIONS)
  const dump = JSON.stringify([names, ...(await Promise.all(names.map((name) => redis.command('GET', name))))])
  t.notOk(dump.includes('eyJ') || tokens.some((token) => dump.includes(token.slice(-20))), 'no token can be read there')
})

t.test('without Redis each gateway asks for itself, as check says', async (t) => {
  const { clock, gateways, calls } = await startTwo(t, 'memory')
  const token = await firstToken(clock)
  clock.set(clock.now() + 250_000)
  await Promise.all(gateways.map((gateway) => send(gateway, token)))
  for (const gateway of gateways)
    await eventually(async () => (await counted(gateway, 'tollgate_renewals_total')) === 1, 'it is renewed')
  t.equal(calls(), 2)
})
