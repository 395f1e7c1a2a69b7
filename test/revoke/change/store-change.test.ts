// A change of the store while the gateway runs: what is revoked is in force at every moment, and in the next store.
import t from 'tap'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'

import { removalOf } from '../../../gateway/src/revoke/stores/entry-text.ts'
import { MARK } from '../../../gateway/src/revoke/stores/redis/redis-keys.ts'
import { redisServerPath, startRedis } from '../../support/redis.ts'
import { requireComponent } from '../../support/require-component.ts'
import { ENTRIES, entry } from '../machine.ts'
import { change, keptIn, leaveMark, named, optionsOf, put, start, type Store } from './changing.ts'

const skip = !requireComponent(t, 'redis-server', redisServerPath)

t.test(
  'each kind of store follows each other one: all that both knew is in the list and in the next',
  { skip },
  async (t) => {
    const redis = await startRedis(t)
    await leaveMark(redis)
    const folder = t.testdir()
    const stores: Record<string, Store> = {
      memory: 'memory',
      level: { level: join(folder, 'a') },
      'another level': { level: join(folder, 'b') },
      redis: { redis: redis.url },
      'another redis': { redis: redis.url.replace(/0$/, '1') },
    }
    await redis.command(
      'EVAL',
      "redis.call('SELECT', 1) redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])",
      '1',
      ENTRIES,
      MARK,
      'long-ago 1',
    )
    const { revocation, told } = await start(t, 'memory')
    const known = new Set<string>()
    const way = [
      'level',
      'redis',
      'memory',
      'redis',
      'another redis',
      'level',
      'another level',
      'level',
      'memory',
      'another level',
      'redis',
      'level',
    ]
    for (const [step, name] of way.entries()) {
      const next = stores[name] as Store
      const value = `before step ${step}`
      t.equal(await revocation.block([entry(value)]), true)
      known.add(value)
      await change(revocation, optionsOf(next))
      t.same(named(revocation), [...known].sort(), `${step}: to ${name}`)
      const after = `after step ${step}`
      t.equal(await revocation.block([entry(after)]), true, 'and it takes more')
      known.add(after)
    }
    t.match(revocation.status(), { kind: 'level', up: true, loaded: true, queued: 0 })
    await revocation.close()
    for (const name of ['level', 'redis'])
      t.same(
        (await keptIn(t, stores[name] as Store)).filter((value) => !known.has(value)),
        [],
        name,
      )
    t.same(await keptIn(t, stores['level'] as Store), [...known].sort(), 'the last one has all')
    t.same(
      told.filter((text) => !text.startsWith('up ')),
      [],
      'nothing is reported as lost or down',
    )
  },
)

t.test('options that are not those of the store change without another store', async (t) => {
  const level = { level: join(t.testdir(), 'list') }
  const { revocation, told } = await start(t, level)
  await revocation.block([entry('kept')])
  await change(revocation, optionsOf(level, { onStoreDown: 'refuse', maxEntries: 5, loadTimeout: 1 }))
  t.equal(revocation.refusal(), undefined)
  t.same(told, ['up 0'], 'it was not opened again')
  t.equal(await revocation.block([entry('more')]), true)
})

for (const target of ['level', 'redis'] as const)
  t.test(`what is revoked during the change to ${target} is in force at once and kept there`, { skip }, async (t) => {
    const redis = await startRedis(t)
    await leaveMark(redis)
    const folder = t.testdir()
    const next: Store = target === 'redis' ? { redis: redis.url } : { level: join(folder, 'next') }
    const { revocation } = await start(t, { level: join(folder, 'first') })
    await revocation.block(Array.from({ length: 5000 }, (_, index) => entry(`early ${index}`)))
    await revocation.block([entry('taken back')])
    let over = false
    let count = 0
    const acknowledged: Promise<boolean>[] = []
    const operator = (async () => {
      while (!over) {
        const value = `meanwhile ${count}`
        count += 1
        acknowledged.push(revocation.block([entry(value)]))
        if (revocation.list.get(entry(value)) === undefined) t.fail(`${value} is not in force at once`)
        if (count === 3) acknowledged.push(revocation.unblock(entry('taken back')).stored)
        for (let turn = 0; turn < 20; turn += 1) await nextTurn()
      }
    })()
    await change(revocation, optionsOf(next))
    over = true
    await operator
    t.ok(count > 10, `${count} came meanwhile`)
    t.notOk((await Promise.all(acknowledged)).includes(false))
    const values = named(revocation)
    t.equal(values.length, 5000 + count)
    await revocation.close()
    t.same(await keptIn(t, next), values)
  })

t.test('what the next store holds as removed stays revoked, if it is revoked here', { skip }, async (t) => {
  const redis = await startRedis(t)
  await leaveMark(redis)
  await put(redis, entry('here'), removalOf(entry('here')))
  await put(redis, entry('there'))
  const { revocation } = await start(t, 'memory')
  await revocation.block([entry('here')])
  await change(revocation, optionsOf({ redis: redis.url }))
  t.same(named(revocation), ['here', 'there'])
  await revocation.close()
  t.same(await keptIn(t, { redis: redis.url }), ['here', 'there'])
})

t.test(
  'a store that is down is left: what waited for it is in the next one, and is told as stored',
  { skip },
  async (t) => {
    const redis = await startRedis(t)
    await leaveMark(redis)
    const { revocation } = await start(t, { redis: redis.url })
    await redis.stop()
    const waiting = revocation.block([entry('waits')])
    const level = { level: join(t.testdir(), 'next') }
    await change(revocation, optionsOf(level))
    t.equal(await waiting, true)
    await revocation.close()
    t.same(await keptIn(t, level), ['waits'])
  },
)
