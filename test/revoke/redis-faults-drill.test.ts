// Attack: Redis is flushed, emptied, full, evicting or killed while two gateways serve and revoke. Defence: what was refused stays refused.
import t from 'tap'

import { drillSize, tellFigure } from '../support/drill-size.ts'
import { eventually } from '../support/eventually.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { redisServerPath, startRedis, type TestRedis } from '../support/redis.ts'
import { requireComponent } from '../support/require-component.ts'
import { signHmac } from '../support/tokens.ts'
import { startWithAdmin, type GatewayUnderTest } from './gateway.ts'
import { CHANGES, ENTRIES } from './machine.ts'

const skip = !requireComponent(t, 'redis-server', redisServerPath)

/** What is done to Redis, and what mends it. */
const FAULTS: readonly [string, (redis: TestRedis) => Promise<unknown>, (redis: TestRedis) => Promise<unknown>][] = [
  ['flushed', (redis) => redis.command('FLUSHALL'), () => Promise.resolve()],
  ['emptied', (redis) => redis.command('DEL', ENTRIES, CHANGES), () => Promise.resolve()],
  [
    'full',
    (redis) => redis.command('CONFIG', 'SET', 'maxmemory', '1'),
    (redis) => redis.command('CONFIG', 'SET', 'maxmemory', '0'),
  ],
  [
    'evicting',
    async (redis) => {
      await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random')
      await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    },
    async (redis) => {
      await redis.command('CONFIG', 'SET', 'maxmemory', '0')
      await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    },
  ],
  ['killed, and begun without its data', (redis) => redis.stop(), (redis) => redis.start()],
]

/** Tokens that were refused by a gateway once must be from then on; good ones never are. Runs until told to stop. */
function createLoad(gateways: readonly GatewayUnderTest[], good: string) {
  const refused = gateways.map(() => new Set<string>())
  const wrong: string[] = []
  let [requests, running] = [0, true]
  async function client(at: number): Promise<void> {
    const [gateway, known] = [gateways[at] as GatewayUnderTest, refused[at] as Set<string>]
    while (running) {
      for (const token of [good, ...[...known].slice(-20)]) {
        const answer = await gateway.call(token)
        requests += 1
        const expected = token === good ? '200' : '401 token_revoked'
        if (answer !== expected) wrong.push(`gateway ${at}: ${answer} instead of ${expected}`)
      }
    }
  }
  const clients = gateways.flatMap((_gateway, at) => [client(at), client(at)])
  return {
    refused,
    wrong,
    requests: () => requests,
    async stop() {
      running = false
      await Promise.all(clients)
    },
  }
}

t.test(
  'whatever happens to Redis, what was refused stays refused, and in the end every machine knows all',
  { skip },
  async (t) => {
    const [upstream, redis] = [await startUpstream(t), await startRedis(t, { persistent: false })]
    const options = { revocation: { store: { redis: redis.url }, reconcile: '1s' } }
    const gateways = [
      await startWithAdmin(t, upstream.url, options),
      await startWithAdmin(t, upstream.url, options),
    ] as const
    const load = createLoad(gateways, await signHmac({ jti: 'good' }))
    const revoked: string[] = []
    const rounds = drillSize(1, 8)
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, [name, harm, mend]] of FAULTS.entries()) {
        const [mine, other] = index % 2 === round % 2 ? [0, 1] : [1, 0]
        const revoke = async (jti: string) => {
          const token = await signHmac({ jti })
          await gateways[mine as 0 | 1].admin('POST', '/api/revocations', { token })
          revoked.push(token)
          load.refused[mine as 0 | 1]?.add(token)
          return token
        }
        const before = await revoke(`${round} ${index} before`)
        await eventually(
          async () => (await gateways[other as 0 | 1].call(before)) === '401 token_revoked',
          'it spreads',
        )
        load.refused[other as 0 | 1]?.add(before)
        await harm(redis)
        const meanwhile = await revoke(`${round} ${index} meanwhile`)
        await mend(redis)
        await eventually(
          async () => (await gateways[other as 0 | 1].call(meanwhile)) === '401 token_revoked',
          `${name}: what was revoked meanwhile spreads`,
          20_000,
        )
        load.refused[other as 0 | 1]?.add(meanwhile)
        for (const { adminUrl } of gateways)
          await eventually(async () => (await fetch(`${adminUrl}/readyz`)).status === 200, 'ready')
        await eventually(
          async () => Number(await redis.command('HLEN', ENTRIES)) === revoked.length + 1,
          `${name}: all is back`,
          20_000,
        )
        const late = await startWithAdmin(t, upstream.url, options)
        for (const token of revoked.slice(-50))
          t.equal(await late.call(token), '401 token_revoked', `${name}: a late one knows`)
        await late.close()
      }
    }
    await load.stop()
    t.same(load.wrong.slice(0, 5), [])
    tellFigure(
      `${rounds * FAULTS.length} faults of Redis, ${revoked.length} revocations, ${load.requests()} requests, ${load.wrong.length} wrong`,
    )
  },
)
