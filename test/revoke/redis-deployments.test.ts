import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'

import t from 'tap'
import type { Test } from 'tap'

import { eventually } from '../support/eventually.ts'
import { redisServerPath } from '../support/redis.ts'
import { startCluster, startSentinel, startTlsRedis, startTlsSentinel } from '../support/redis-deployments.ts'
import { makeCertificate } from '../support/certificates.ts'
import { requireComponent } from '../support/require-component.ts'
import { ENTRIES, entry, startMachine, upAgain } from './machine.ts'

const skip = !requireComponent(t, 'redis-server', redisServerPath)

async function startBoth(t: Test, url: string, ca?: string) {
  const [a, b] = [await startMachine(t, url, 60_000, ca), await startMachine(t, url, 60_000, ca)]
  await upAgain(a)
  await upAgain(b)
  return [a, b] as const
}

/** Not by starting anew and comparing all, which would hide that changes do not come. */
async function spreads(t: Test, [a, b]: Awaited<ReturnType<typeof startBoth>>): Promise<void> {
  a.list.add(entry('one'))
  b.list.add(entry('two'))
  await eventually(() => a.list.size === 2 && b.list.size === 2, 'both have both')
  b.list.remove(entry('one'))
  await eventually(() => a.list.size === 1, 'the removal arrives')
  t.same(await a.written(), [true])
  t.same([a.told, b.told], [['up'], ['up']])
}

t.test('behind TLS, what one machine adds, the other has', { skip }, async (t) => {
  const redis = await startTlsRedis(t)
  await spreads(t, await startBoth(t, redis.url, redis.ca))
})

t.test(
  'a Redis whose certificate does not lead to the configured ones is refused, and told why',
  { skip },
  async (t) => {
    const redis = await startTlsRedis(t)
    const wrong = readFileSync(makeCertificate(t.testdir({}), 'other').cert, 'utf8')
    for (const ca of [wrong, undefined]) {
      const machine = await startMachine(t, redis.url, 60_000, ca)
      await eventually(() => machine.told.length > 0, 'it is told')
      t.same(machine.told, ['the certificate of Redis is not trusted (revocation.store.ca)'])
      t.notOk(machine.store.status().loaded)
    }
    const elsewhere = await startMachine(t, redis.url.replace('localhost', '127.0.0.1'), 60_000, redis.ca)
    await eventually(() => elsewhere.told.length > 0, 'it is told')
    t.match(elsewhere.told[0], /certificate/, 'a certificate for another name is not enough')
  },
)

t.test('behind TLS as well, a Sentinel leads to its master', { skip }, async (t) => {
  const { url, ca } = await startTlsSentinel(t)
  await spreads(t, await startBoth(t, url, ca))
  for (const machine of [
    await startMachine(t, url),
    await startMachine(t, url.replace('rediss', 'redis'), 60_000, ca),
  ]) {
    await eventually(() => machine.told.length > 0, 'it is told')
    t.same(machine.told, ['no Sentinel names a master (with TLS this may be revocation.store.ca)'])
  }
})

t.test(
  'a Sentinel that takes connections and says nothing does not keep the next from being asked',
  { skip },
  async (t) => {
    const { url } = await startSentinel(t)
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
    t.teardown(() => silent.close())
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const machine = await startMachine(t, url.replace('127.0.0.1', `127.0.0.1:${port},127.0.0.1`))
    await upAgain(machine)
    t.same(machine.told, ['up'])
  },
)

t.test('in a Cluster, what one machine adds, the other has, whichever node the URL names', { skip }, async (t) => {
  const cluster = await startCluster(t, ENTRIES)
  await spreads(t, await startBoth(t, cluster.url))
  t.equal(
    Number(await cluster.owner.command('HLEN', ENTRIES)),
    3,
    'an entry, the mark of a removed one, that of what Redis has',
  )
})

t.test(
  'RV-3: when the master behind Sentinel dies, a replica takes over, and no entry is lost',
  { skip },
  async (t) => {
    const { url, master, replica } = await startSentinel(t)
    const [a, b] = await startBoth(t, url)
    a.list.add(entry('before'))
    await eventually(() => b.list.size === 1, 'it arrives')
    await a.written()
    await master.kill()
    a.list.add(entry('meanwhile'))
    await eventually(() => b.list.size === 2, 'what was added meanwhile arrives over the new master')
    t.same(await a.written(), [true, true])
    await upAgain(b)
    b.list.add(entry('after'))
    await eventually(() => a.list.size === 3, 'and what comes later, too')
    t.match(await replica.command('ROLE'), ['master'])
    t.equal(Number(await replica.command('HLEN', ENTRIES)), 4, 'with the mark')
    t.same([a.told.at(-1), b.told.at(-1)], ['up', 'up'])
  },
)
