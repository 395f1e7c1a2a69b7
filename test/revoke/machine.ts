// A machine without its gateway: a block list, and the Redis store that keeps it.
import type { Test } from 'tap'

import { systemClock, systemSchedule } from '../../gateway/src/clock.ts'
import type { BlockEntry } from '../../gateway/src/revoke/block-list.ts'
import { createBlockList } from '../../gateway/src/revoke/list/memory-list.ts'
import { redisKeysOf } from '../../gateway/src/revoke/stores/redis/redis-keys.ts'
import { createRedisStore } from '../../gateway/src/revoke/stores/redis/redis-store.ts'
import { parseRedisUrl } from '../../gateway/src/revoke/stores/redis/redis-url.ts'
import { eventually } from '../support/eventually.ts'

export const NOW = Math.floor(Date.now() / 1000)
export const ENTRIES = redisKeysOf('tollgate').entries
export const CHANGES = redisKeysOf('tollgate').changes

export function entry(value: string, changes: Partial<BlockEntry> = {}): BlockEntry {
  const rest = { issuer: 'https://a.example.com/', issuedBeforeSec: undefined, overlapSec: 0, untilSec: NOW + 3600 }
  return { kind: 'jti', value, ...rest, reason: 'revoked', ...changes }
}

/** A machine: its list, and the store that keeps it. */
export async function startMachine(t: Test, url: string, reconcileMs = 60_000, ca?: string, maxQueued = 100_000) {
  const list = createBlockList()
  const told: string[] = []
  const store = createRedisStore({
    address: { ...parseRedisUrl(url), ...(ca === undefined ? {} : { ca }) },
    keys: redisKeysOf('tollgate'),
    list,
    clock: systemClock,
    forgettableSec: () => Date.now() / 1000 - 300,
    schedule: systemSchedule,
    reconcileMs,
    loadTimeoutMs: 30_000,
    maxQueued,
    events: {
      onUp: () => told.push('up'),
      onDown: (problem) => told.push(problem),
      onNonsense: (count) => told.push(`nonsense ${count}`),
      onTrouble: (kind, text) => told.push(`${kind}: ${text ?? 'over'}`),
      onClock: () => undefined,
    },
  })
  const writes: Promise<boolean>[] = []
  list.onChange((change) => {
    if (change.origin === 'here') writes.push(store.write(change))
  })
  await store.start()
  t.teardown(() => store.close())
  return { list, store, told, written: () => Promise.all(writes) }
}

export const upAgain = (machine: { store: { status(): { up: boolean } } }) =>
  eventually(() => machine.store.status().up, 'the store is up')
