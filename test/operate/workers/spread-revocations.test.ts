import t from 'tap'

import { createPrimaryStore, type PrimaryStore } from '../../../gateway/src/operate/workers/worker/primary-store.ts'
import { spreadRevocations, type Listener } from '../../../gateway/src/operate/workers/spread-revocations.ts'
import type { BlockEntry, BlockList } from '../../../gateway/src/revoke/block-list.ts'
import { createBlockList } from '../../../gateway/src/revoke/list/memory-list.ts'
import { createRevocation } from '../../../gateway/src/revoke/revocation.ts'
import { createFakeClock, settle } from '../../support/fake-clock.ts'

function entry(value: string): BlockEntry {
  return {
    kind: 'jti',
    issuer: 'main',
    value,
    issuedBeforeSec: undefined,
    overlapSec: 0,
    untilSec: 4_000_000_000,
    reason: 'revoked',
  }
}

interface Worker {
  readonly list: BlockList
  readonly store: PrimaryStore
  readonly listener: Listener
}

/** A primary and its workers, joined by queues that keep the order as a channel between processes does. */
function createFamily() {
  const clock = createFakeClock()
  const ignore = () => undefined
  const primary = createRevocation({
    options: {
      store: 'memory',
      onStoreDown: 'serve',
      reconcile: 60_000,
      loadTimeout: 1000,
      keyPrefix: 'tollgate',
      maxEntries: 1_000_000,
    },
    clock,
    schedule: clock.schedule,
    events: { onUp: ignore, onDown: ignore, onNonsense: ignore, onTrouble: ignore, onClock: ignore, onUnkept: ignore },
  })
  const spread = spreadRevocations(primary, clock.schedule)

  function addWorker(): Worker {
    const list = createBlockList()
    const listener: Listener = {
      send: async (message) => {
        await new Promise((resolve) => setImmediate(resolve))
        store.onMessage(structuredClone(message))
      },
    }
    const store = createPrimaryStore({
      list,
      kind: 'memory',
      send: (message) => {
        setImmediate(() => {
          spread.onMessage(listener, structuredClone(message))
        })
      },
    })
    list.onChange((change) => {
      if (change.origin === 'here') void store.write(change)
    })
    return { list, store, listener }
  }
  return { clock, primary, spread, addWorker }
}

t.test('a worker knows the whole list before it serves, however long that is', async (t) => {
  const { primary, addWorker } = createFamily()
  await primary.block(Array.from({ length: 2500 }, (_, index) => entry(`token-${index}`)))
  const { list, store } = addWorker()
  t.match(store.status(), { up: false, loaded: false })
  await store.start()
  t.equal(list.size, 2500)
  t.match(store.status(), { kind: 'memory', up: true, loaded: true })
})

t.test('what one worker blocks is blocked in the primary and in every other worker, and is kept', async (t) => {
  const { primary, addWorker } = createFamily()
  const workers = [addWorker(), addWorker(), addWorker()]
  await Promise.all(workers.map(({ store }) => store.start()))
  const [first] = workers
  first?.list.add(entry('logged-out'))
  const stored = first?.store.write({ entry: entry('kept'), change: 'added', origin: 'here' })
  t.equal(await stored, true)
  await settle()
  t.ok(primary.list.get(entry('logged-out')))
  for (const { list } of workers) t.ok(list.get(entry('logged-out')))
  for (const { list } of workers.slice(1)) t.ok(list.get(entry('kept')))
  await primary.block([entry('by-admin')])
  await settle()
  for (const { list } of workers) t.ok(list.get(entry('by-admin')))
})

t.test('a worker is not told what it made itself: an echo of it would undo what it did since', async (t) => {
  const { primary, spread, addWorker } = createFamily()
  const other = addWorker()
  const told: string[] = []
  const author: Listener = {
    send: (message) => {
      told.push(message.type)
      return Promise.resolve()
    },
  }
  spread.onMessage(author, { type: 'list' })
  await other.store.start()
  await settle()
  told.length = 0
  spread.onMessage(author, { type: 'write', id: 1, change: { entry: entry('a'), change: 'added', origin: 'here' } })
  // The second time nothing changes, and nobody else is told.
  spread.onMessage(author, { type: 'write', id: 2, change: { entry: entry('a'), change: 'added', origin: 'here' } })
  spread.onMessage(author, { type: 'write', id: 3, change: { entry: entry('a'), change: 'removed', origin: 'here' } })
  spread.onMessage(author, { type: 'write', id: 4, change: { entry: entry('b'), change: 'added', origin: 'here' } })
  await settle()
  t.same(
    told.filter((type) => type !== 'store'),
    ['stored', 'stored', 'stored', 'stored'],
  )
  t.notOk(other.list.get(entry('a')))
  t.ok(other.list.get(entry('b')))
  await primary.block([entry('c')])
  t.equal(told.filter((type) => type === 'changes').length, 1, 'what others make it is told')
})

t.test('what is taken back is taken back everywhere, also while a worker is being told the list', async (t) => {
  const { primary, addWorker } = createFamily()
  await primary.block(Array.from({ length: 3000 }, (_, index) => entry(`token-${index}`)))
  const [old, fresh] = [addWorker(), addWorker()]
  await old.store.start()
  const started = fresh.store.start()
  await settle()
  for (let index = 0; index < 3000; index += 1) await primary.unblock(entry(`token-${index}`)).stored
  await primary.block([entry('new')])
  await started
  await settle()
  t.equal(old.list.size, 1)
  t.equal(fresh.list.size, 1)
  t.ok(fresh.list.get(entry('new')))
})

t.test('a worker that has ended is told nothing any more', async (t) => {
  const { primary, spread, addWorker } = createFamily()
  const { list, store, listener } = addWorker()
  await store.start()
  spread.remove(listener)
  await primary.block([entry('later')])
  await settle()
  t.equal(list.size, 0)
})
