// Creates the store that the config names.
import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import type { Clock, Schedule } from '../../clock.ts'
import { createLevelStore } from './level/level-store.ts'
import { createMemoryStore } from './memory-store.ts'
import type { RevocationOptions } from '../../options/revocation.ts'
import { redisKeysOf } from './redis/redis-keys.ts'
import { createRedisStore } from './redis/redis-store.ts'
import { parseRedisUrl, type RedisAddress } from './redis/redis-url.ts'
import type { Retention } from './retention.ts'
import type { RevocationStore, StoreEvents, StoreList, StoreStatus } from './store.ts'
import { readNamedFile } from '../../options/files/named-file.ts'

export interface StoreParts {
  readonly list: StoreList
  readonly clock: Clock
  readonly schedule: Schedule
  readonly events: StoreEvents
  readonly forgettableSec: Retention
}

const CA = ['revocation', 'store', 'ca'] as const

/** Parses the Redis options. Throws CannotStart for an invalid URL, or a CA file that cannot be read. */
export function redisAddressOf({ redis, ca }: { readonly redis: string; readonly ca?: string }): RedisAddress {
  return { ...parseRedisUrl(redis), ...(ca === undefined ? {} : { ca: readNamedFile('the CA file', ca, CA) }) }
}

/** Returns the kind of the configured store, for a process whose list comes from the process that opened the store. */
export function storeKindOf({ store }: Pick<RevocationOptions, 'store'>): StoreStatus['kind'] {
  if (store === 'memory') return 'memory'
  if ('level' in store) return 'level'
  if ('redis' in store) return 'redis'
  return store satisfies never
}

/** Returns the option that names the store, for messages. */
export function storeOptionOf({ store }: Pick<RevocationOptions, 'store'>): readonly string[] {
  return ['revocation', 'store', ...(store === 'memory' ? [] : ['level' in store ? 'level' : 'redis'])]
}

/** Of a folder that is not there yet, that of its parent. */
function realPath(folder: string): string {
  try {
    return realpathSync(folder)
  } catch {
    return dirname(folder) === folder ? folder : join(realPath(dirname(folder)), basename(folder))
  }
}

/** Returns what a store is made of: with equal facts it stays as it is. Throws CannotStart. */
export function storeFactsOf({ store, keyPrefix, reconcile }: Readonly<RevocationOptions>): unknown {
  if (store === 'memory') return store
  return 'level' in store ? { level: realPath(store.level) } : { redis: redisAddressOf(store), keyPrefix, reconcile }
}

/** Creates the store without opening it. Throws CannotStart for an invalid URL. */
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
