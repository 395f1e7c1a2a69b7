// A block list whose store a test changes, and what is in a store.
import type { Test } from 'tap'

import { systemClock, systemSchedule } from '../../../gateway/src/clock.ts'
import type { RevocationOptions } from '../../../gateway/src/options/revocation.ts'
import type { BlockEntry } from '../../../gateway/src/revoke/block-list.ts'
import { createRevocation, type Revocation } from '../../../gateway/src/revoke/revocation.ts'
import { contentOf, nameOf } from '../../../gateway/src/revoke/stores/entry-text.ts'
import { MARK } from '../../../gateway/src/revoke/stores/redis/redis-keys.ts'
import type { TestRedis } from '../../support/redis.ts'
import { ENTRIES, NOW } from '../machine.ts'

export type Store = RevocationOptions['store']

export function optionsOf(store: Store, more: Partial<RevocationOptions> = {}): RevocationOptions {
  const times = { reconcile: 60_000, loadTimeout: 5000 }
  return { store, onStoreDown: 'serve', ...times, keyPrefix: 'tollgate', maxEntries: 1000, ...more }
}

export async function start(t: Test, store: Store) {
  const told: string[] = []
  const revocation = createRevocation({
    options: optionsOf(store),
    clock: systemClock,
    schedule: systemSchedule,
    events: {
      onUp: (entries) => told.push(`up ${entries}`),
      onDown: (problem) => told.push(problem),
      onNonsense: (count) => told.push(`nonsense ${count}`),
      onTrouble: (kind, text) => told.push(`${kind}: ${text ?? 'over'}`),
      onClock: () => undefined,
      onUnkept: (count) => told.push(`unkept ${count}`),
    },
  })
  await revocation.start()
  t.teardown(() => revocation.close())
  return { revocation, told }
}

export async function change(revocation: Revocation, options: RevocationOptions): Promise<void> {
  const prepared = revocation.prepare(options)
  try {
    await prepared.open()
    prepared.commit()
  } catch (error) {
    await prepared.abandon()
    throw error
  }
}

export const named = (revocation: Revocation) =>
  revocation.list
    .page(0, 100_000)
    .entries.map(({ value }) => value)
    .sort()

/** What a gateway that starts with this store knows. */
export async function keptIn(t: Test, store: Store): Promise<readonly string[]> {
  const { revocation } = await start(t, store)
  const values = named(revocation)
  await revocation.close()
  return values
}

/** As of long ago, so that no start waits for other machines to give back what they have. */
export async function leaveMark(redis: TestRedis): Promise<void> {
  await redis.command('HSET', ENTRIES, MARK, 'long-ago 1')
}

export async function put(redis: TestRedis, listed: BlockEntry, content = contentOf(listed, NOW)): Promise<void> {
  await redis.command('HSET', ENTRIES, nameOf(listed), content)
}
