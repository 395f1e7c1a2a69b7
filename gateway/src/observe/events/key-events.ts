// Writes key events to the log and the metrics.
import type { Log } from '../log.ts'
import type { CountEvent } from '../metrics/event-counters.ts'
import type { KeyEvents, TrustedIssuer } from '../../authenticate/issuers.ts'
import type { Clock } from '../../clock.ts'

export function createKeyEvents(log: Log, count: CountEvent): KeyEvents {
  return {
    onKeysChanged(issuer, { added, removed }, remarks) {
      count('tollgate_key_fetches_total', { issuer, result: 'ok' })
      if (added.length === 0 && removed.length === 0) return
      log.info({ issuer, added, removed }, 'keys changed')
      for (const remark of remarks) log.warn({ issuer, remark }, 'key left out or weak')
    },
    onKeysFailed(issuer, reason, keysLeftMs) {
      count('tollgate_key_fetches_total', { issuer, result: 'failed' })
      const keysLeftSec = Math.round(keysLeftMs / 1000)
      if (keysLeftMs === Infinity)
        log.error({ issuer, reason }, 'keys have changed and cannot be used: the last ones still serve')
      else if (keysLeftSec === 0)
        log.error({ issuer, reason }, 'keys cannot be fetched, and there are none to go on with')
      else log.warn({ issuer, reason, keysLeftSec }, 'keys cannot be fetched, the last good ones still serve')
    },
  }
}

export interface KeyStatus {
  readonly issuer: string
  /** True for a secret or a file, which is read at the start; an error there prevents the start. */
  readonly isLocal: boolean
  readonly count: number
  readonly ageSec: number | undefined
  readonly failing: boolean
  readonly problem: string | undefined
}

/** Returns the state of the keys of each issuer, for metrics and readiness. */
export function keyStatus(issuers: readonly TrustedIssuer[], clock: Clock): KeyStatus[] {
  return issuers.map(({ name, keys }) => {
    const { ring, remote } = keys
    const lastGoodAtMs = remote?.lastGoodAtMs()
    const ageSec = lastGoodAtMs === undefined ? undefined : (clock.monotonic() - lastGoodAtMs) / 1000
    const { problem } = keys.status()
    return {
      issuer: name,
      isLocal: remote === undefined,
      count: ring.size,
      ageSec,
      failing: problem !== undefined,
      problem,
    }
  })
}
