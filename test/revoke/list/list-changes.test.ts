// What adding to the block list and removing from it returns.
import t from 'tap'

import { createBlockList } from '../../../gateway/src/revoke/list/memory-list.ts'

t.test(
  'what becomes of the list is returned as listeners are told it, and nothing where nothing changes',
  async (t) => {
    const list = createBlockList()
    const told: unknown[] = []
    list.onChange((change) => told.push(change))
    const entry = {
      kind: 'jti',
      issuer: 'main',
      value: 'one',
      issuedBeforeSec: undefined,
      overlapSec: 0,
      untilSec: 2_000_000_000,
      reason: 'logout',
    } as const
    const returned = [
      list.add(entry),
      list.add(entry, 'store'),
      list.add({ ...entry, reason: 'reused' }, 'worker'),
      list.remove(entry),
      list.remove(entry),
    ]
    t.same(returned, [
      { entry, change: 'added', origin: 'here' },
      undefined,
      { entry: { ...entry, reason: 'reused' }, change: 'added', origin: 'worker' },
      { entry: { ...entry, reason: 'reused' }, change: 'removed', origin: 'here' },
      undefined,
    ])
    t.same(
      told,
      returned.filter((change) => change !== undefined),
    )
  },
)
