// Caches refusals: a repeated bad token costs a look-up instead of a signature check.
import { LRUCache } from 'lru-cache'

import { endOf } from './token-cache.ts'
import type { VerificationKey } from '../keys/key-set.ts'
import type { Clock } from '../../clock.ts'
import type { Failure } from '../../failure.ts'

/** A refusal, with the keys that were tried. It does not hold for other keys. */
interface Refusal {
  readonly rawToken: string
  readonly failure: Failure
  readonly keys: readonly VerificationKey[]
  readonly untilMs: number
}

const MAX_REFUSALS = 1000
// Short, because the cache protects from floods, and an entry must not outlive a mistake for long.
const KEPT_MS = 10_000

function areSame(some: readonly VerificationKey[], others: readonly VerificationKey[]): boolean {
  return some.length === others.length && some.every((key, index) => key === others[index])
}

export interface RefusalCache {
  /** Returns the refusal of this token with exactly these keys. */
  recall(rawToken: string, keys: readonly VerificationKey[]): Failure | undefined
  keep(rawToken: string, failure: Failure, keys: readonly VerificationKey[]): void
}

/**
 * Caches only refusals that depend on nothing but the token and the keys: no key made the signature. The cache is small and
 * separate from the token cache, so it cannot evict a good token.
 */
export function createRefusalCache(clock: Pick<Clock, 'monotonic'>): RefusalCache {
  const cache = new LRUCache<string, Refusal>({ max: MAX_REFUSALS })
  return {
    recall(rawToken, keys) {
      if (cache.size === 0) return undefined
      const end = endOf(rawToken)
      const refusal = cache.get(end)
      if (refusal?.rawToken !== rawToken) return undefined
      if (clock.monotonic() < refusal.untilMs && areSame(refusal.keys, keys)) return refusal.failure
      cache.delete(end)
      return undefined
    },
    keep(rawToken, failure, keys) {
      cache.set(endOf(rawToken), { rawToken, failure, keys, untilMs: clock.monotonic() + KEPT_MS })
    },
  }
}
