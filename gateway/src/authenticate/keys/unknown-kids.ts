// Limits the fetches for tokens with unknown keys, so that forged tokens cannot make the gateway flood its issuer.
import { LRUCache } from 'lru-cache'

import type { Clock } from '../../clock.ts'

const REMEMBERED_KIDS = 1000
const MAX_DOUBLINGS = 4
/** Least pause, also after a successful fetch: an issuer may create a new key for each fetch. */
const LEAST_PAUSE_MS = 100

export interface UnknownKids {
  /** Returns the time until a fetch for this `kid` may start; 0: now. Infinity: a recent fetch did not bring it. */
  dueInMs(kid: string | undefined): number
  /** A fetch for this `kid` starts in `inMs`. */
  sent(kid: string | undefined, inMs: number): void
  /** The fetch brought the key it was sent for, so the next fetch need not wait for the cooldown. */
  found(): void
  /** The issuer has new keys, so unknown `kid` values may be known now. */
  forget(): void
}

/**
 * Allows one unsuccessful fetch for each cooldown, whatever the `kid`, so that a flood of invented ones costs one fetch. A `kid`
 * that stays unknown waits twice as long each time (up to 16 cooldowns), so that a client with a stale token does not consume
 * the fetches of a real rotation.
 */
export function createUnknownKids(parts: { readonly cooldownMs: number; readonly clock: Clock }): UnknownKids {
  const { cooldownMs, clock } = parts
  const seen = new LRUCache<string, { times: number; nextAtMs: number }>({ max: REMEMBERED_KIDS })
  let nextFetchAtMs = -Infinity

  return {
    dueInMs(kid = '') {
      const nowMs = clock.monotonic()
      const entry = seen.get(kid)
      return entry !== undefined && nowMs < entry.nextAtMs ? Infinity : Math.max(0, nextFetchAtMs - nowMs)
    },
    sent(kid = '', inMs) {
      const atMs = clock.monotonic() + inMs
      const times = seen.get(kid)?.times ?? 0
      seen.set(kid, { times: times + 1, nextAtMs: atMs + cooldownMs * 2 ** Math.min(times, MAX_DOUBLINGS) })
      nextFetchAtMs = atMs + cooldownMs
    },
    found() {
      nextFetchAtMs = Math.min(nextFetchAtMs, clock.monotonic() + LEAST_PAUSE_MS)
    },
    forget() {
      seen.clear()
    },
  }
}
