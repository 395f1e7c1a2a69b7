// Remembered refusals: the very same bad token again costs a look-up, not a signature check.
import { LRUCache } from 'lru-cache'

import type { VerificationKey } from './key-set.ts'
import type { Failure } from '../failure.ts'

/** What was found wrong, and with which keys it was tried: with other keys the answer may be another one. */
interface Refusal {
  readonly rawToken: string
  readonly failure: Failure
  readonly keys: readonly VerificationKey[]
  readonly untilSec: number
}

const MAX_REFUSALS = 1000
// Not longer than a client needs to notice: the memory is against floods, and an entry must not outlive a mistake for long.
const MEMORY_SEC = 10

/** `end` is endOf() of the raw token, as for the token cache. */
export interface RefusalMemory {
  recall(rawToken: string, end: string, nowSec: number): Failure | undefined
  remember(
    rawToken: string,
    end: string,
    refusal: { readonly failure: Failure; readonly keys: readonly VerificationKey[]; readonly nowSec: number },
  ): void
}

/**
 * Holds only refusals that the same text will always meet: a signature that no key in use made. It is small and apart from
 * the token cache, so it can never push out a good token.
 */
export function createRefusalMemory(): RefusalMemory {
  const memory = new LRUCache<string, Refusal>({ max: MAX_REFUSALS })
  return {
    recall(rawToken, end, nowSec) {
      if (memory.size === 0) return undefined
      const refusal = memory.get(end)
      if (refusal?.rawToken !== rawToken) return undefined
      if (nowSec < refusal.untilSec && refusal.keys.every((key) => key.live)) return refusal.failure
      memory.delete(end)
      return undefined
    },
    remember(rawToken, end, { failure, keys, nowSec }) {
      memory.set(end, { rawToken, failure, keys, untilSec: nowSec + MEMORY_SEC })
    },
  }
}
