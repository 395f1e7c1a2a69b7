// Remembered refusals: the very same bad token again costs a look-up, not a signature check.
import { LRUCache } from 'lru-cache'

import type { VerificationKey } from './key-set.ts'
import type { Failure } from '../failure.ts'

/** What was found wrong, and with which keys it was tried: with other keys the answer may be another one. */
interface Refusal {
  readonly failure: Failure
  readonly keys: readonly VerificationKey[]
}

const MAX_REFUSALS = 1000
// Not longer than a client needs to notice: the memory is against floods, and an entry must not outlive a mistake for long.
const MEMORY_SEC = 10

export interface RefusalMemory {
  recall(rawToken: string, nowSec: number): Failure | undefined
  remember(rawToken: string, failure: Failure, keys: readonly VerificationKey[], nowSec: number): void
}

/**
 * Holds only refusals that the same text will always meet: a signature that no key in use made. It is small and apart from
 * the token cache, so it can never push out a good token.
 */
export function createRefusalMemory(): RefusalMemory {
  const memory = new LRUCache<string, Refusal & { readonly untilSec: number }>({ max: MAX_REFUSALS })
  return {
    recall(rawToken, nowSec) {
      const refusal = memory.get(rawToken)
      if (refusal === undefined) return undefined
      if (nowSec < refusal.untilSec && refusal.keys.every((key) => key.live)) return refusal.failure
      memory.delete(rawToken)
      return undefined
    },
    remember(rawToken, failure, keys, nowSec) {
      memory.set(rawToken, { failure, keys, untilSec: nowSec + MEMORY_SEC })
    },
  }
}
