// Limits how often tokens that no key verifies cause a fetch: forged ones must not turn the gateway against its issuer.
import { LRUCache } from 'lru-cache'

import type { Clock } from '../../clock.ts'

const REMEMBERED_KIDS = 1000
const MAX_DOUBLINGS = 4
/** After a fetch that brought what it was sent for, too: an issuer that makes a new key for each fetch is not asked without end. */
const LEAST_PAUSE_MS = 100

export interface UnknownKids {
  /** How long until a fetch for this kid may start, 0 for at once; Infinity while the issuer, just asked for it, did not have it. */
  dueInMs(kid: string | undefined): number
  /** A fetch for this kid starts, now or in so many milliseconds. */
  sent(kid: string | undefined, inMs: number): void
  /** A key came that a fetch was sent for: that fetch was no waste, and the next need not wait. */
  found(): void
  /** The issuer has other keys: what was unknown before may be known now. */
  forget(): void
}

/**
 * At most one fetch that finds nothing per cooldown whatever the kids, so that a flood of invented ones costs one fetch; and a
 * kid that stays unknown waits twice as long each time (up to 16 cooldowns), so that one client with a stale token does not use
 * up the fetches of a real rotation for ever.
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
