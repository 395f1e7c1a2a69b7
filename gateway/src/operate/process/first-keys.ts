// Waits for the first keys of all issuers, no longer than startTimeout, and says whose are missing.
import { setTimeout as pause } from 'node:timers/promises'

import type { Gateway } from '../../gateway/running.ts'
import type { Log } from '../../observe/log.ts'

/**
 * Settles when each first fetch ended, well or not: an issuer that is down must not keep the others' users out, and one that is
 * reached through this very gateway could never answer before it listens.
 */
export async function firstKeys(
  { issuers, loadKeys }: Pick<Gateway, 'issuers' | 'loadKeys'>,
  startTimeoutMs: number,
  log: Pick<Log, 'warn'>,
): Promise<void> {
  await Promise.race([loadKeys(), pause(startTimeoutMs, undefined, { ref: false })])
  for (const { name, keys } of issuers) {
    if (keys.ring.size > 0) continue
    const reason = keys.remote?.problem() ?? `they did not come within startTimeout (${startTimeoutMs / 1000} s)`
    log.warn(
      { issuer: name, reason },
      'starts without the keys of this issuer: its tokens are answered 503 until they come',
    )
  }
}
