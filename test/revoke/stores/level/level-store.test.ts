import { join } from 'node:path'

import t from 'tap'

import { createFakeClock } from '../../../support/fake-clock.ts'
import type { BlockEntry } from '../../../../gateway/src/revoke/block-list.ts'
import { createLevelStore } from '../../../../gateway/src/revoke/stores/level/level-store.ts'
import { createBlockList } from '../../../../gateway/src/revoke/list/memory-list.ts'

const NOW = 1_900_000_000

function entry(value: string, changes: Partial<BlockEntry> = {}): BlockEntry {
  const rest = { issuer: 'a b%20', issuedBeforeSec: undefined, overlapSec: 0, untilSec: NOW + 3600 }
  return { kind: 'jti', value, ...rest, reason: 'revoked', ...changes }
}

async function openStore(
  folder: string,
  clock = createFakeClock(NOW * 1000),
  onStoreDown: 'serve' | 'refuse' = 'serve',
) {
  const list = createBlockList()
  const told: string[] = []
  const events = {
    onUp: (count: number) => told.push(`up ${count}`),
    onDown: (problem: string) => told.push(problem),
    onNonsense: (count: number) => told.push(`nonsense ${count}`),
    onTrouble: (kind: string, text: string | undefined) => told.push(`${kind}: ${text ?? 'over'}`),
    onClock: () => undefined,
  }
  const store = createLevelStore({
    folder,
    list,
    clock,
    schedule: clock.schedule,
    events,
    forgettableSec: () => clock.now() / 1000,
    onStoreDown,
  })
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
  second.store.sweep()
  await second.store.close()

  const third = await openStore(folder)
  t.equal(third.list.get(entry('short')), undefined, 'swept from the folder, so that an earlier clock does not find it')
  t.ok(third.list.get(entry('grows')), 'the sweep left what was given a later end')
  await third.store.close()
})

t.test('a folder that another process has open is refused with its reason', async (t) => {
  const folder = t.testdir()
  const { store } = await openStore(folder)
  await t.rejects(openStore(folder), {
    message: `${folder} is in use by another process (revocation.store.level)`,
  })
  await store.close()
  await t.rejects(openStore(join(folder, 'LOCK')), { message: /LOCK is no folder/ }, 'a file is no folder')
})
