import t from 'tap'

import { eventually } from '../support/eventually.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { redisServerPath, startRedis } from '../support/redis.ts'
import { requireComponent } from '../support/require-component.ts'
import { signHmac } from '../support/tokens.ts'
import { startWithAdmin } from './gateway.ts'

const skip = !requireComponent(t, 'redis-server', redisServerPath)
const ROUNDS = 200
const DOWN_MS = 10_000

async function isReady({ adminUrl }: { readonly adminUrl: string }): Promise<boolean> {
  return (await fetch(`${adminUrl}/readyz`)).status === 200
}

t.test('revoked on one gateway, refused on the other: within 500 ms for 99 of 100', { skip }, async (t) => {
  const [upstream, redis] = [await startUpstream(t), await startRedis(t)]
  const options = { revocation: { store: { redis: redis.url } } }
  const [a, b] = [await startWithAdmin(t, upstream.url, options), await startWithAdmin(t, upstream.url, options)]
  await eventually(async () => (await isReady(a)) && (await isReady(b)), 'both are ready')
  const tokens = await Promise.all(Array.from({ length: ROUNDS }, (_, index) => signHmac({ jti: `j${index}` })))
  const delays: number[] = []
  for (const token of tokens) {
    t.equal(await b.call(token), '200')
    await a.admin('POST', '/api/revocations', { token })
    const acknowledgedAt = performance.now()
    await eventually(async () => (await b.call(token)) === '401 token_revoked', 'the other refuses it')
    delays.push(performance.now() - acknowledgedAt)
  }
  delays.sort((x, y) => x - y)
  const [median = 0, p99 = 0] = [delays[ROUNDS / 2], delays[Math.floor(ROUNDS * 0.99)]]
  t.comment(`from the acknowledgement to the refusal: median ${median.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`)
  t.ok(p99 < 500, `p99 is ${p99.toFixed(1)} ms`)
})

t.test(
  'RV-3, RV-4: with Redis stopped for ten seconds meanwhile, and after a restart of both gateways, what was revoked stays so',
  { skip },
  async (t) => {
    const [upstream, redis] = [await startUpstream(t), await startRedis(t)]
    const options = { revocation: { store: { redis: redis.url } } }
    const first = [
      await startWithAdmin(t, upstream.url, options),
      await startWithAdmin(t, upstream.url, options),
    ] as const
    const [a, b] = first
    await eventually(async () => (await isReady(a)) && (await isReady(b)), 'both are ready')
    const [before, during] = [await signHmac({ jti: 'before' }), await signHmac({ jti: 'during' })]
    t.equal((await a.admin('POST', '/api/revocations', { token: before })).body.stored, true)
    await eventually(async () => (await b.call(before)) === '401 token_revoked', 'it arrives')

    await redis.stop()
    const startedAt = performance.now()
    const answer = await a.admin('POST', '/api/revocations', { token: during })
    t.match(answer, { status: 202, body: { stored: false } }, 'in force here, and not yet kept')
    t.ok(performance.now() - startedAt < 4000, 'it does not wait for Redis for long')
    t.equal(await a.call(during), '401 token_revoked')
    t.equal(await b.call(before), '401 token_revoked', 'what is known stays in force')
    t.equal(await b.call(during), '200', 'nobody could tell the other')
    await eventually(async () => {
      const { degraded } = (await (await fetch(`${b.adminUrl}/readyz`)).json()) as { degraded: unknown[] }
      return degraded.length === 1
    }, '/readyz tells of it')
    t.ok(await isReady(b), 'and the gateway goes on serving')
    t.match(await (await fetch(`${b.adminUrl}/metrics`)).text(), /tollgate_revocation_store_up\{store="redis"\} 0/)

    // Longer than every delay and time limit of a connection: what is known must not fade with them.
    await eventually(
      async () => {
        t.equal(await b.call(before), '401 token_revoked')
        return performance.now() - startedAt > DOWN_MS
      },
      'Redis has been away for ten seconds',
      DOWN_MS + 2000,
      500,
    )
    await redis.start()
    await eventually(
      async () => (await b.call(during)) === '401 token_revoked',
      'the other learns of it when Redis is back',
    )
    t.equal(await b.call(before), '401 token_revoked')
    await Promise.all(first.map(({ close }) => close()))
    for (const gateway of [
      await startWithAdmin(t, upstream.url, options),
      await startWithAdmin(t, upstream.url, options),
    ]) {
      await eventually(() => isReady(gateway), 'it is ready')
      t.equal(await gateway.call(before), '401 token_revoked')
      t.equal(await gateway.call(during), '401 token_revoked')
    }
  },
)

t.test(
  'RV-7: a gateway that cannot reach Redis at its start is not ready; it refuses tokens where the config says so',
  { skip },
  async (t) => {
    const [upstream, redis] = [await startUpstream(t), await startRedis(t, { password: 'do-not-tell' })]
    await redis.stop()
    const token = await signHmac()
    for (const onStoreDown of ['serve', 'refuse']) {
      const gateway = await startWithAdmin(t, upstream.url, {
        revocation: { store: { redis: redis.url }, onStoreDown },
      })
      t.notOk(await isReady(gateway), onStoreDown)
      t.equal(await gateway.call(token), onStoreDown === 'serve' ? '200' : '503 revocations_unavailable')
      await eventually(() => gateway.lines.some(({ level }) => level === 50), 'an alarm is in the log')
      await redis.start()
      await eventually(() => isReady(gateway), 'it is ready when Redis is there')
      t.equal(await gateway.call(token), '200')
      await redis.stop()
      if (onStoreDown === 'refuse') {
        await eventually(async () => (await gateway.call(token)) === '503 revocations_unavailable', 'refused again')
        t.notOk(await isReady(gateway))
      }
      t.notMatch(JSON.stringify(gateway.lines), /do-not-tell/)
      await gateway.close()
    }
  },
)

t.test('CA-10: while Redis does not answer, a request takes no longer', { skip }, async (t) => {
  const [upstream, redis] = [await startUpstream(t), await startRedis(t)]
  const gateway = await startWithAdmin(t, upstream.url, { revocation: { store: { redis: redis.url } } })
  await eventually(() => isReady(gateway), 'it is ready')
  const token = await signHmac()
  await gateway.call(token)
  // Everything but this connection waits for two seconds.
  const paused = redis.command('CLIENT', 'PAUSE', '2000', 'ALL')
  await paused
  const startedAt = performance.now()
  for (let round = 0; round < 20; round += 1) t.equal(await gateway.call(token), '200')
  t.ok(performance.now() - startedAt < 1500, `20 requests took ${(performance.now() - startedAt).toFixed(0)} ms`)
})
