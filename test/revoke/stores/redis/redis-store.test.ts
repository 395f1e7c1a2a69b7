import t from 'tap'

import { nameOf } from '../../../../gateway/src/revoke/stores/entry-text.ts'
import { eventually } from '../../../support/eventually.ts'
import { redisServerPath, startRedis } from '../../../support/redis.ts'
import { requireComponent } from '../../../support/require-component.ts'
import { CHANGES, ENTRIES, entry, NOW, startMachine, upAgain } from '../../machine.ts'

const skip = !requireComponent(t, 'redis-server', redisServerPath)

t.test('RV-3: what one machine adds or removes, the other has at once', { skip }, async (t) => {
  const redis = await startRedis(t)
  const [a, b] = [await startMachine(t, redis.url), await startMachine(t, redis.url)]
  await upAgain(a)
  await upAgain(b)
  a.list.add(entry('one'))
  a.list.add(entry('alice', { kind: 'sub', issuedBeforeSec: NOW }))
  await eventually(() => b.list.size === 2, 'both arrive')
  t.same(b.list.get(entry('alice', { kind: 'sub' })), a.list.get(entry('alice', { kind: 'sub' })))
  b.list.remove(entry('one'))
  await eventually(() => a.list.get(entry('one')) === undefined, 'the removal arrives')
  a.list.add(entry('one'))
  await eventually(() => b.list.get(entry('one')) !== undefined, 'what was removed can be added again')
  // Not by starting anew and comparing all, which would hide that changes do not come.
  t.same([a.told, b.told], [['up'], ['up']])
})

t.test('two machines that write one entry at the same time end up with both merged', { skip }, async (t) => {
  const redis = await startRedis(t)
  const [a, b] = [await startMachine(t, redis.url), await startMachine(t, redis.url)]
  await upAgain(a)
  await upAgain(b)
  for (let index = 0; index < 50; index += 1) {
    a.list.add(entry(`v${index}`, { reason: 'renewed', overlapSec: 100, untilSec: NOW + 9000 }))
    b.list.add(entry(`v${index}`, { reason: 'reused' }))
  }
  const merged = JSON.stringify(entry('v7', { reason: 'reused', untilSec: NOW + 9000 }))
  for (const { list } of [a, b])
    await eventually(() => JSON.stringify({ ...entry('v7'), ...list.get(entry('v7')) }) === merged, 'merged')
  const kept = JSON.parse(String(await redis.command('HGET', ENTRIES, nameOf(entry('v7'))))) as Record<string, unknown>
  t.same(kept, { until: NOW + 9000, reason: 'reused' })
})

t.test(
  'RV-3: what is added while the connection is cut is there when it is back, on both sides',
  { skip },
  async (t) => {
    const redis = await startRedis(t)
    const [a, b] = [await startMachine(t, redis.url), await startMachine(t, redis.url)]
    await upAgain(a)
    await upAgain(b)
    a.list.add(entry('before'))
    a.list.add(entry('to remove'))
    await eventually(() => b.list.size === 2, 'it arrives')
    await redis.stop()
    a.list.add(entry('from a'))
    a.list.remove(entry('to remove'))
    b.list.add(entry('from b'))
    await eventually(() => !a.store.status().up && !b.store.status().up, 'both notice')
    t.equal(a.store.status().queued, 2)
    t.match(a.store.status().problem, /^Redis /)
    t.ok(a.list.get(entry('before')), 'what is known stays')
    await redis.start()
    for (const { list } of [a, b])
      await eventually(
        () => list.get(entry('from a')) !== undefined && list.get(entry('from b')) !== undefined && list.size === 3,
        'both have all of it',
      )
    t.same(await a.written(), [true, true, true, true], 'each write was kept in the end')
    await upAgain(a)
    t.equal(a.told.filter((line) => line === 'up').length, 2)
  },
)

t.test('a Redis that lost its data gets it back from the machines that know it', { skip }, async (t) => {
  const redis = await startRedis(t, { persistent: false })
  const a = await startMachine(t, redis.url)
  await upAgain(a)
  for (let index = 0; index < 1500; index += 1) a.list.add(entry(`v${index}`))
  await a.written()
  await redis.stop()
  await redis.start()
  await eventually(async () => Number(await redis.command('HLEN', ENTRIES)) === 1501, 'all are back')
  const late = await startMachine(t, redis.url)
  await upAgain(late)
  t.equal(late.list.size, 1500, 'a machine that starts later has them as well')
})

t.test('RV-4: machines that start find the whole list before they are ready', { skip }, async (t) => {
  const redis = await startRedis(t)
  const first = await startMachine(t, redis.url)
  await upAgain(first)
  for (let index = 0; index < 3000; index += 1) first.list.add(entry(`v${index}`))
  await first.written()
  await first.store.close()
  const second = await startMachine(t, redis.url)
  await eventually(() => second.store.status().loaded, 'it is loaded')
  t.equal(second.list.size, 3000)
})

t.test(
  'other systems can write entries: with a word in the stream at once, without it at the next comparison',
  { skip },
  async (t) => {
    const redis = await startRedis(t)
    const a = await startMachine(t, redis.url, 200)
    await upAgain(a)
    await redis.command('HSET', ENTRIES, 'jti https://a.example.com/ told', `{"until":${NOW + 60}}`)
    await redis.command('XADD', CHANGES, '*', 'entry', 'jti https://a.example.com/ told')
    await eventually(() => a.list.get(entry('told')) !== undefined, 'the one that was told of')
    t.same(a.list.get(entry('told')), { ...entry('told'), untilSec: NOW + 60 })
    await redis.command('HSET', ENTRIES, 'sid https://a.example.com/ quiet', `{"until":${NOW + 60},"reason":"logout"}`)
    await eventually(() => a.list.get(entry('quiet', { kind: 'sid' })) !== undefined, 'the one that was not')
    await redis.command('HSET', ENTRIES, 'jti https://a.example.com/ told', `{"removed":true,"until":${NOW + 60}}`)
    await eventually(() => a.list.get(entry('told')) === undefined, 'and it can be taken back')
    t.same(a.told, ['up'])
  },
)

t.test('CA-10: what is no entry is passed over and told, and ended entries are cleared away', { skip }, async (t) => {
  const redis = await startRedis(t)
  const good = nameOf(entry('good'))
  for (const [name, content] of [
    [good, `{"until":${NOW + 60}}`],
    ['jti', '{"until":99999999999}'],
    ['key https://a.example.com/ x', '{"until":99999999999}'],
    ['jti https://a.example.com/ x', 'garbage'],
    ['jti https://a.example.com/ y', '{"until":"soon"}'],
    ['jti https://a.example.com/ z', 'null'],
    ['jti https://a.example.com/ ended', `{"until":${NOW - 1000}}`],
  ] as const)
    await redis.command('HSET', ENTRIES, name, content)
  await redis.command('XADD', CHANGES, '*', 'nothing', 'to see')
  const a = await startMachine(t, redis.url)
  await upAgain(a)
  t.equal(a.list.size, 1)
  t.same(a.told, ['nonsense 5', 'up'])
  t.equal(await redis.command('HEXISTS', ENTRIES, 'jti https://a.example.com/ ended'), 0)
})

t.test(
  'a wrong password or a key of another kind is told in our own words, and without the password',
  { skip },
  async (t) => {
    const redis = await startRedis(t, { password: 'correct-horse' })
    const wrong = await startMachine(t, redis.url.replace('correct', 'battery'))
    await eventually(() => wrong.told.length > 0, 'it is told')
    t.same(wrong.told, ['Redis refuses the password'])
    t.notOk(wrong.store.status().loaded)
    const right = await startMachine(t, redis.url)
    await upAgain(right)
    await redis.command('DEL', ENTRIES)
    await redis.command('SET', ENTRIES, 'somebody else’s')
    const other = await startMachine(t, redis.url)
    await eventually(() => other.told.length > 0, 'it is told')
    t.notMatch(other.told.join(), /correct-horse|WRONGTYPE|127\.0\.0\.1/)
  },
)

t.test(
  'what did not fit into the queue while Redis was away is found by comparing, a changed end as well',
  { skip },
  async (t) => {
    const redis = await startRedis(t)
    const a = await startMachine(t, redis.url, 60_000, undefined, 2)
    await upAgain(a)
    a.list.add(entry('known'))
    a.list.add(entry('mistaken'))
    await a.written()
    await redis.stop()
    await eventually(() => !a.store.status().up, 'it notices')
    for (const value of ['one', 'two', 'three', 'four']) a.list.add(entry(value))
    a.list.add(entry('known', { untilSec: NOW + 7200 }))
    t.equal(a.store.status().queued, 2)
    a.list.remove(entry('mistaken'))
    await redis.start()
    await upAgain(a)
    t.same(
      await a.written(),
      [true, true, true, true, false, false, false, true],
      'what was dropped was said not to be kept; a removal, which no comparison finds, is not dropped',
    )
    t.equal(a.list.get(entry('mistaken')), undefined)
    t.equal(
      Number(await redis.command('HLEN', ENTRIES)),
      7,
      'five entries, the mark of the removed one, and that of what Redis has',
    )
    const kept = JSON.parse(String(await redis.command('HGET', ENTRIES, nameOf(entry('known'))))) as { until: number }
    t.equal(kept.until, NOW + 7200)
  },
)
