import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

import t from 'tap'

import { createFakeClock } from '../support/fake-clock.ts'
import type { BlockEntry } from '../../gateway/src/revoke/block-list.ts'
import { createLevelStore } from '../../gateway/src/revoke/level-store.ts'
import { createBlockList } from '../../gateway/src/revoke/memory-list.ts'
import { StoreNotUsable } from '../../gateway/src/revoke/store.ts'

const NOW = 1_900_000_000

function entry(value: string, changes: Partial<BlockEntry> = {}): BlockEntry {
  const rest = { issuer: 'a b%20', issuedBeforeSec: undefined, fromSec: NOW, untilSec: NOW + 3600 }
  return { kind: 'jti', value, ...rest, reason: 'revoked', ...changes }
}

async function openStore(folder: string, clock = createFakeClock(NOW * 1000)) {
  const list = createBlockList()
  const told: string[] = []
  const events = {
    onUp: (count: number) => told.push(`up ${count}`),
    onDown: (problem: string) => told.push(problem),
    onNonsense: (count: number) => told.push(`nonsense ${count}`),
  }
  const store = createLevelStore({ folder, list, clock, events })
  const writes: Promise<boolean>[] = []
  list.onChange((change) => {
    if (change.origin === 'here') writes.push(store.write(change))
  })
  await store.start()
  return { store, list, told, clock, written: () => Promise.all(writes) }
}

t.test('RV-4: what was added is there after a restart, as it was; what was removed or has ended is not', async (t) => {
  const folder = join(t.testdir(), 'made', 'when needed')
  const first = await openStore(folder)
  const sub = entry('alice in %wonderland%', { kind: 'sub', issuedBeforeSec: NOW, reason: 'logout' })
  first.list.add(sub)
  first.list.add(entry('short', { untilSec: NOW + 10 }))
  first.list.add(entry('removed'))
  first.list.add(entry('grows', { untilSec: NOW + 10 }))
  first.list.add(entry('grows', { untilSec: NOW + 900, reason: 'reused' }))
  first.list.remove(entry('removed'))
  t.same(await first.written(), [true, true, true, true, true, true])
  t.match(first.store.status(), { up: true, loaded: true, queued: 0 })
  await first.store.close()

  const second = await openStore(folder, createFakeClock((NOW + 20) * 1000))
  t.equal(second.list.size, 2)
  t.same(second.list.get(sub), sub)
  t.same(second.list.get(entry('grows')), entry('grows', { untilSec: NOW + 900, reason: 'reused' }))
  second.store.sweep(NOW + 20)
  await second.store.close()

  const third = await openStore(folder)
  t.equal(third.list.get(entry('short')), undefined, 'swept from the folder, so that an earlier clock does not find it')
  t.ok(third.list.get(entry('grows')), 'the sweep left what was given a later end')
  await third.store.close()
})

t.test('a folder that another process has open is refused with its reason', async (t) => {
  const folder = t.testdir()
  const { store } = await openStore(folder)
  await t.rejects(
    openStore(folder),
    new StoreNotUsable(`${folder} is in use by another process (revocation.store.level)`),
  )
  await store.close()
  await t.rejects(openStore(join(folder, 'LOCK')), StoreNotUsable, 'a file is no folder')
})

/** Writes until it is killed; the last entry that it said to be kept. */
async function writeUntilKilled(
  folder: string,
  prefix: string,
  afterMs: number,
): Promise<{ loaded: number; last: number }> {
  const writer = new URL('../support/level-writer.mjs', import.meta.url).pathname
  const child = spawn(process.execPath, [writer, folder, prefix], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const result = { loaded: -1, last: -1 }
  const ended = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, number] = line.split(' ')
    if (word === 'loaded') {
      result.loaded = Number(number)
      setTimeout(() => child.kill('SIGKILL'), afterMs)
    } else result.last = Number(number)
  }
  await ended
  return result
}

t.test(
  'killed fifty times while it writes, it never loses an entry that it said to be kept',
  { timeout: 300_000 },
  async (t) => {
    const folder = t.testdir()
    const promised: [prefix: string, last: number][] = []
    for (let round = 0; round < 50; round += 1) {
      const { loaded, last } = await writeUntilKilled(folder, `r${round}`, 5 + ((round * 7) % 40))
      t.ok(loaded >= promised.reduce((sum, [, count]) => sum + count + 1, 0), `round ${round} starts with ${loaded}`)
      promised.push([`r${round}`, last])
    }
    const { list, store } = await openStore(folder, createFakeClock(Date.now()))
    let missing = 0
    for (const [prefix, last] of promised) {
      for (let index = 0; index <= last; index += 1)
        if (list.get({ kind: 'jti', issuer: 'a', value: `${prefix}-${index}` }) === undefined) missing += 1
    }
    const total = promised.reduce((sum, [, last]) => sum + last + 1, 0)
    t.ok(total > 500, `${total} entries were promised`)
    t.equal(missing, 0)
    await store.close()
  },
)
