// Limits how many tokens of one client may fail: beyond that, its unknown tokens are refused unread for a while.
import { LRUCache } from 'lru-cache'

import type { Clock } from '../clock.ts'
import { Failure } from '../failure.ts'

export interface FailureLimit {
  /** True when too many tokens of this client failed lately. */
  isReached(client: string): boolean
  count(client: string): void
  /** Of whom has reached it. */
  readonly refusal: Failure
}

/** Clients that are counted at once: a flood from more addresses than this is for a firewall. */
const MAX_CLIENTS = 10_000

/** Counts in windows of `per` milliseconds that begin with a client's first failure. */
export function createFailureLimit(
  { max, per }: { readonly max: number; readonly per: number },
  clock: Clock,
): FailureLimit {
  const clients = new LRUCache<string, { failures: number; readonly endsAtMs: number }>({ max: MAX_CLIENTS })

  function windowOf(client: string) {
    const window = clients.get(client)
    return window !== undefined && clock.monotonic() < window.endsAtMs ? window : undefined
  }

  return {
    refusal: new Failure(
      'rate_limited',
      `too many tokens of this client failed: ${max} within ${per / 1000} s, and the next is not read (limits.authFailures)`,
    ),
    isReached: (client) => (windowOf(client)?.failures ?? 0) >= max,
    count(client) {
      const window = windowOf(client)
      if (window === undefined) clients.set(client, { failures: 1, endsAtMs: clock.monotonic() + per })
      else window.failures += 1
    },
  }
}
