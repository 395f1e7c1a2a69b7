// Limits the failed tokens of each client. Beyond the limit, tokens that are not cached are refused without a check.
import { LRUCache } from 'lru-cache'

import type { Clock } from '../clock.ts'
import { Failure } from '../failure.ts'

export interface FailureLimit {
  /** True when this client has reached the limit in the current window. */
  readonly isReached: (client: string) => boolean
  readonly count: (client: string) => void
  /** The failure for a client at the limit. */
  readonly refusal: Failure
}

/** Returns the same limit with counting disabled, for an explanation. */
export function lendFailureLimit({ isReached, refusal }: FailureLimit): FailureLimit {
  return { isReached, refusal, count: () => undefined }
}

/** Most clients counted at once. A flood from more addresses needs a firewall. */
const MAX_CLIENTS = 10_000

/** Counts in fixed windows of `per` milliseconds. A window begins with the first failure of a client. */
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
