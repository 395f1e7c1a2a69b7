import t from 'tap'

import type { BlockChange } from '../../../gateway/src/revoke/block-list.ts'
import { createWriteQueue } from '../../../gateway/src/revoke/stores/write-queue.ts'

function changeOf(value: string, untilSec = 10): BlockChange {
  const rest = { issuer: 'i', issuedBeforeSec: undefined, overlapSec: 0, untilSec, reason: 'revoked' } as const
  return { entry: { kind: 'jti', value, ...rest }, change: 'added', origin: 'here' }
}

/** A store that takes nothing until it is `up`, and then after `hold` has settled. */
function createFixture(maxQueued: number) {
  const store = { up: false, dropped: 0, hold: Promise.resolve(), batches: [] as (readonly BlockChange[])[] }
  const queue = createWriteQueue({
    maxQueued,
    onDropped: () => (store.dropped += 1),
    async writeBatch(changes) {
      await store.hold
      if (!store.up) throw new Error('down')
      store.batches.push(changes)
    },
  })
  return { store, queue }
}

t.test('a full queue takes no further entry, but a newer change of one that waits', async (t) => {
  const { store, queue } = createFixture(3)
  const kept = ['a', 'b', 'c'].map((value) => queue.push(changeOf(value)))
  t.equal(await queue.push(changeOf('d')), false, 'told at once that it is not kept')
  t.same([queue.size, store.dropped], [3, 1])
  const newer = queue.push(changeOf('b', 99))
  t.same([queue.size, store.dropped], [3, 1])
  t.equal(await queue.flush(), false)
  t.equal(queue.size, 3, 'what the store did not take waits on')
  store.up = true
  t.equal(await queue.flush(), true)
  t.same(await Promise.all([...kept, newer]), [true, true, true, true])
  t.same(
    store.batches.map((batch) => batch.map(({ entry }) => `${entry.value} ${entry.untilSec}`)),
    [['a 10', 'b 99', 'c 10']],
    'the newest of each, once',
  )
})

t.test('a queue full of additions has room for as many removals', async (t) => {
  const { store, queue } = createFixture(2)
  const removal = (value: string): BlockChange => ({ ...changeOf(value), change: 'removed' })
  const kept = [...['a', 'b'].map((value) => changeOf(value)), ...['c', 'd'].map(removal)].map(queue.push)
  t.equal(await queue.push(changeOf('e')), false)
  t.equal(await queue.push(removal('f')), false, 'no more than that')
  store.up = true
  t.equal(await queue.flush(), true)
  t.same(await Promise.all(kept), [true, true, true, true])
})

t.test('what comes while a batch is refused is newer than what is put back', async (t) => {
  const { store, queue } = createFixture(10)
  let refuse: () => void = () => undefined
  store.hold = new Promise((resolve) => (refuse = resolve))
  const older = queue.push(changeOf('a', 10))
  const flushed = queue.flush()
  const newer = queue.push(changeOf('a', 20))
  refuse()
  t.equal(await flushed, false)
  t.equal(queue.size, 1)
  store.up = true
  t.equal(await queue.flush(), true)
  t.same(await Promise.all([older, newer]), [true, true])
  t.same(
    store.batches.map((batch) => batch.map(({ entry }) => entry.untilSec)),
    [[20]],
  )
})

t.test('many changes are written a thousand at a time', async (t) => {
  const { store, queue } = createFixture(100_000)
  store.up = true
  const all = Array.from({ length: 2500 }, (_, index) => queue.push(changeOf(`v${index}`)))
  t.equal(await queue.flush(), true)
  t.ok((await Promise.all(all)).every(Boolean))
  t.same(
    store.batches.map(({ length }) => length),
    [1000, 1000, 500],
  )
})
