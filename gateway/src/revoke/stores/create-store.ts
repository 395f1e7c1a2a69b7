// Creates the store that the config names.
import type { Clock, Schedule } from '../../clock.ts'
import type { BlockList } from '../block-list.ts'
import { createLevelStore } from './level/level-store.ts'
import { createMemoryStore } from './memory-store.ts'
import type { RevocationOptions } from '../../options/revocation.ts'
import { redisKeysOf } from './redis/redis-keys.ts'
import { createRedisStore } from './redis/redis-store.ts'
import { parseRedisUrl, type RedisAddress } from './redis/redis-url.ts'
import type { Retention } from './retention.ts'
import type { RevocationStore, StoreEvents, StoreStatus } from './store.ts'
import { readNamedFile } from '../../options/named-file.ts'

export interface StoreParts {
  readonly list: BlockList
  readonly clock: Clock
  readonly schedule: Schedule
  readonly events: StoreEvents
  readonly forgettableSec: Retention
}

const CA = ['revocation', 'store', 'ca'] as const

/** Throws CannotStart for a URL that is none, and certificates that cannot be read. */
export function redisAddressOf({ redis, ca }: { readonly redis: string; readonly ca?: string }): RedisAddress {
  return { ...parseRedisUrl(redis), ...(ca === undefined ? {} : { ca: readNamedFile('the CA file', ca, CA) }) }
}

/** For who has the list from somebody else who opened the store. */
export function storeKindOf({ store }: Pick<RevocationOptions, 'store'>): StoreStatus['kind'] {
  if (store === 'memory') return 'memory'
  if ('level' in store) return 'level'
  if ('redis' in store) return 'redis'
  return store satisfies never
}

/** Throws CannotStart for a URL that is none. Nothing is opened yet. */
export function createStore(
  { store, onStoreDown, reconcile, loadTimeout, keyPrefix }: Readonly<RevocationOptions>,
  parts: StoreParts,
): RevocationStore {
  if (store === 'memory') return createMemoryStore()
  if ('level' in store) return createLevelStore({ ...parts, folder: store.level, onStoreDown })
  return createRedisStore({
    ...parts,
    address: redisAddressOf(store),
    keys: redisKeysOf(keyPrefix),
    reconcileMs: reconcile,
    loadTimeoutMs: loadTimeout,
  })
}
