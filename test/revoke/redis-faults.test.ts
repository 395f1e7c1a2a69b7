// A Redis that is flushed, evicts, or is full: told as what it is, and made good by the machines that live on.
import t from 'tap'

import { nameOf } from '../../gateway/src/revoke/stores/entry-text.ts'
import { eventually } from '../support/eventually.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { redisServerPath, startRedis } from '../support/redis.ts'
import { requireComponent } from '../support/require-component.ts'
import { signHmac } from '../support/tokens.ts'
import { startWithAdmin } from './gateway.ts'
import { CHANGES, ENTRIES, entry, startMachine, upAgain } from './machine.ts'

const skip = !requireComponent(t, 'redis-server', redisServerPath)
const COUNT = 1200
const LOST =
  /^lost_data: Redis lost entries that it had \(flushed, evicted, or begun without its data\); entries put back from here: (\d+) \(told for 10 minutes\)$/

t.test(
  'what Redis loses while it runs is put back at once by the machines that live on, and told',
  { skip },
  async (t) => {
    const redis = await startRedis(t, { persistent: false })
    const [a, b] = [await startMachine(t, redis.url), await startMachine(t, redis.url)]
    await upAgain(a)
    await upAgain(b)
    for (let index = 0; index < COUNT; index += 1) a.list.add(entry(`v${index}`))
    await a.written()
    await eventually(() => b.list.size === COUNT, 'all arrive')
    const losses: readonly (readonly string[])[] = [
      ['FLUSHALL'],
      ['FLUSHDB'],
      ['DEL', ENTRIES],
      ['DEL', ENTRIES, CHANGES],
    ]
    for (const [index, [name = '', ...args]] of losses.entries()) {
      await redis.command(name, ...args)
      await eventually(async () => Number(await redis.command('HLEN', ENTRIES)) === COUNT + 1, `${name}: all are back`)
      for (const machine of [a, b]) {
        await eventually(() => machine.told.filter((line) => LOST.test(line)).length >= Math.min(index + 1, 1), 'told')
        t.match(machine.store.status(), { up: true, troubles: [{ kind: 'lost_data', text: /put back/ }] }, name)
      }
      a.list.add(entry(`after ${name} ${index}`))
      await eventually(() => b.list.get(entry(`after ${name} ${index}`)) !== undefined, 'news come as before')
      a.list.remove(entry(`after ${name} ${index}`))
      await eventually(() => b.list.size === COUNT, 'and removals')
      await redis.command('HDEL', ENTRIES, nameOf(entry(`after ${name} ${index}`)))
    }
  },
)

t.test(
  'a machine that starts right after Redis was emptied has the whole list before it says so',
  { skip },
  async (t) => {
    const redis = await startRedis(t, { persistent: false })
    const lives = await startMachine(t, redis.url)
    for (let index = 0; index < COUNT; index += 1) lives.list.add(entry(`v${index}`))
    await lives.written()
    for (let round = 0; round < 5; round += 1) {
      await redis.command('FLUSHALL')
      const late = await startMachine(t, redis.url)
      t.ok(late.store.status().loaded)
      t.equal(late.list.size, COUNT)
      await late.store.close()
    }
  },
)

t.test('machines that start together with an empty Redis wait for the one that lived on', { skip }, async (t) => {
  const redis = await startRedis(t, { persistent: false })
  const lives = await startMachine(t, redis.url)
  for (let index = 0; index < COUNT; index += 1) lives.list.add(entry(`v${index}`))
  await lives.written()
  for (let round = 0; round < 4; round += 1) {
    await redis.stop()
    // It tries again at some moment of the half second after Redis is back.
    await eventually(() => !lives.store.status().up, 'it is noticed')
    await redis.start()
    const late = await Promise.all([startMachine(t, redis.url), startMachine(t, redis.url)])
    for (const { list, store } of late) {
      t.ok(store.status().loaded)
      t.equal(list.size, COUNT)
      await store.close()
    }
    await upAgain(lives)
  }
})

t.test('one entry that somebody deleted is put back at the next comparison, and told', { skip }, async (t) => {
  const redis = await startRedis(t)
  const a = await startMachine(t, redis.url, 100)
  a.list.add(entry('one'))
  a.list.add(entry('two'))
  await a.written()
  await redis.command('HDEL', ENTRIES, nameOf(entry('one')))
  await eventually(async () => Number(await redis.command('HEXISTS', ENTRIES, nameOf(entry('one')))) === 1, 'back')
  await eventually(() => a.told.some((line) => LOST.test(line)), 'told')
})

t.test(
  'a Redis that was started anew without its data: what was put back is told once, with its number',
  { skip },
  async (t) => {
    const redis = await startRedis(t, { persistent: false })
    const a = await startMachine(t, redis.url)
    a.list.add(entry('one'))
    a.list.add(entry('two'))
    await a.written()
    await redis.stop()
    await eventually(() => !a.store.status().up, 'it is noticed')
    await redis.start()
    await upAgain(a)
    const counts = a.told.flatMap((line) => LOST.exec(line)?.[1] ?? [])
    t.equal(counts.at(-1), '2')
    t.same(counts, [...new Set(counts)], 'and nothing twice')
  },
)

t.test(
  'a full Redis is said to be full; what waits is written when it has room, and news go on',
  { skip },
  async (t) => {
    const redis = await startRedis(t)
    const [a, b] = [await startMachine(t, redis.url, 100), await startMachine(t, redis.url, 100)]
    a.list.add(entry('before'))
    await a.written()
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    a.list.add(entry('meanwhile'))
    // While it is tried again, nothing waits.
    await eventually(() => !a.store.status().up && a.store.status().queued === 1, 'it is noticed')
    t.match(a.store.status(), {
      loaded: true,
      queued: 1,
      problem: 'Redis is out of memory',
      troubles: [{ kind: 'out_of_memory', text: /out of memory and takes no entries/ }],
    })
    const late = await startMachine(t, redis.url, 100)
    t.ok(late.list.get(entry('before')), 'one that starts meanwhile has what Redis has')
    // Deleting needs no memory: a comparison tells both that the session goes on.
    await redis.command('DEL', ENTRIES)
    t.ok(b.list.get(entry('before')))
    await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    t.same(await a.written(), [true, true])
    await upAgain(a)
    for (const { list } of [a, b, late]) {
      await eventually(() => list.get(entry('meanwhile')) !== undefined, 'the other machines learn of it')
      t.ok(list.get(entry('before')))
    }
    t.ok(a.told.includes('out_of_memory: over'))
    t.equal(a.told.filter((line) => line.startsWith('Redis is out of memory')).length, 1, 'told once')
  },
)

t.test('a policy that lets Redis throw entries away is told, and that it is mended', { skip }, async (t) => {
  const redis = await startRedis(t)
  const a = await startMachine(t, redis.url, 50)
  t.same(a.store.status().troubles, [])
  for (const policy of ['allkeys-lru', 'volatile-ttl', 'allkeys-random']) {
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', policy)
    await eventually(() => a.store.status().troubles.some(({ text }) => text.includes(`is ${policy},`)), policy)
    t.ok(a.store.status().up)
  }
  await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  await eventually(() => a.store.status().troubles.length === 0, 'it is over')
})

t.test('no gap at the start: the first request of a gateway is answered with the whole list', { skip }, async (t) => {
  const [upstream, redis] = [await startUpstream(t), await startRedis(t)]
  const options = { revocation: { store: { redis: redis.url } } }
  const token = await signHmac({ jti: 'one' })
  const first = await startWithAdmin(t, upstream.url, options)
  t.equal((await first.admin('POST', '/api/revocations', { token })).body.stored, true)
  for (let round = 0; round < 10; round += 1) {
    const next = await startWithAdmin(t, upstream.url, options)
    t.equal(await next.call(token), '401 token_revoked')
    await next.close()
  }
})

t.test(
  'the wait for the list is bounded; then it is as onStoreDown says, and the admin listener tells',
  { skip },
  async (t) => {
    const [upstream, redis] = [await startUpstream(t), await startRedis(t)]
    const token = await signHmac({ jti: 'one' })
    for (const [onStoreDown, answer] of [
      ['serve', '200'],
      ['refuse', '503 revocations_unavailable'],
    ] as const) {
      await redis.command('CLIENT', 'PAUSE', '3000', 'ALL')
      const startedAt = performance.now()
      const gateway = await startWithAdmin(t, upstream.url, {
        revocation: { store: { redis: redis.url }, onStoreDown, loadTimeout: '400ms' },
      })
      const tookMs = performance.now() - startedAt
      t.ok(tookMs >= 390 && tookMs < 2500, `${onStoreDown}: waited ${tookMs.toFixed(0)} ms`)
      t.equal(await gateway.call(token), answer)
      t.equal((await fetch(`${gateway.adminUrl}/readyz`)).status, 503)
      await eventually(async () => (await fetch(`${gateway.adminUrl}/readyz`)).status === 200, 'ready in the end')
      t.equal(await gateway.call(token), '200')
      await gateway.close()
    }
  },
)
