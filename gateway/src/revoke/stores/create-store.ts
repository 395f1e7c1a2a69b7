// Creates the store that the config names.
import { readFileSync } from 'node:fs'

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
import { CannotStart } from '../../failure.ts'

export interface StoreParts {
  readonly list: BlockList
  readonly clock: Clock
  readonly schedule: Schedule
  readonly events: StoreEvents
  readonly forgettableSec: Retention
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new CannotStart(`the certificates in ${file} cannot be read (revocation.store.ca)`)
  }
}

/** Throws CannotStart for a URL that is none. */
export function redisAddressOf({ redis, ca }: { readonly redis: string; readonly ca?: string }): RedisAddress {
  return { ...parseRedisUrl(redis), ...(ca === undefined ? {} : { ca: readCertificates(ca) }) }
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
