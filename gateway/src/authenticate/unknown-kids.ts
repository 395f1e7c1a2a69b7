// How often key ids that nobody knows may cause a fetch: invented ones must not turn the gateway against its issuer.
import { LRUCache } from 'lru-cache'

import type { Clock } from '../clock.ts'

const REMEMBERED_KIDS = 1000
const MAX_DOUBLINGS = 4

export interface UnknownKids {
  /** True when a fetch for this kid is due; it then counts as made. */
  mayFetch(kid: string | undefined): boolean
  /** The issuer has new keys: what was unknown before may be known now. */
  forget(): void
}

/**
 * At most one fetch per cooldown whatever the kids, so that a flood of invented ones costs one fetch; and a kid that stays
 * unknown waits twice as long each time (up to 16 cooldowns), so that one client with a stale token does not use up the
 * fetches of a real rotation for ever.
 */
export function createUnknownKids(parts: { readonly cooldownMs: number; readonly clock: Clock }): UnknownKids {
  const { cooldownMs, clock } = parts
  const seen = new LRUCache<string, { times: number; nextAtMs: number }>({ max: REMEMBERED_KIDS })
  let nextFetchAtMs = -Infinity

  return {
    mayFetch(kid = '') {
      const nowMs = clock.now()
      const entry = seen.get(kid)
      if (nowMs < nextFetchAtMs || (entry !== undefined && nowMs < entry.nextAtMs)) return false
      const times = entry?.times ?? 0
      seen.set(kid, { times: times + 1, nextAtMs: nowMs + cooldownMs * 2 ** Math.min(times, MAX_DOUBLINGS) })
      nextFetchAtMs = nowMs + cooldownMs
      return true
    },
    forget() {
      seen.clear()
    },
  }
}
