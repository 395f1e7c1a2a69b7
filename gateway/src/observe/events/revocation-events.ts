// Writes store events of the block list to the log, and reports its state to /readyz.
import type { Log } from '../log.ts'
import type { LogOutParts } from '../../revoke/log-out.ts'
import type { Revocation, RevocationEvents } from '../../revoke/revocation.ts'
import type { Finding } from '../readiness/readiness.ts'

/** Measurement error of a clock difference, from load and network latency: accurate clocks differ by a few milliseconds. */
const MEASURING_MS = 100

/** `toleranceMs` is the least clockTolerance of all issuers. */
export function createRevocationEvents(log: Log, toleranceMs: number): RevocationEvents {
  let isOff = false
  return {
    onUp(entries) {
      // An empty store means a first start, or that the store has lost its data.
      if (entries === 0) log.warn('the store of revocations is there, and empty')
      else log.info({ entries }, 'the store of revocations is there')
    },
    onDown(reason) {
      log.error({ reason }, 'the store of revocations is not there; what is known still counts')
    },
    onTrouble(trouble, reason) {
      if (reason === undefined) log.info({ trouble }, 'the store of revocations is right again')
      else log.error({ trouble, reason }, 'something is wrong with the store of revocations')
    },
    onClock(aheadMs) {
      const wasOff = isOff
      isOff = Math.abs(aheadMs) > toleranceMs + MEASURING_MS
      if (isOff === wasOff) return
      const behindSec = Math.round(aheadMs) / 1000
      if (isOff)
        log.warn(
          { behindSec, toleranceSec: toleranceMs / 1000 },
          'the clock of this machine and that of Redis are further apart than clockTolerance: good tokens may be refused',
        )
      else log.info({ behindSec }, 'the clock of this machine and that of Redis agree again')
    },
    onUnkept(changes) {
      log.error(
        { count: changes },
        'the store of revocations did not take the last changes before the end; another start does not know them',
      )
    },
    onNonsense(count) {
      log.warn({ count }, 'the store of revocations holds what is no entry; it was passed over')
    },
  }
}

/** Logs the log-outs of routes with `action: revoke`. */
export function createLogOutEvents(log: Log): Pick<LogOutParts, 'onLogOut'> {
  return {
    onLogOut({ issuer }, requestId) {
      log.info({ requestId, issuer }, 'token revoked by its user')
    },
  }
}

/** Returns the least clockTolerance of all issuers, in the unit of the config. */
export function leastTolerance(issuers: readonly { readonly clockTolerance: number }[]): number {
  return Math.min(...issuers.map(({ clockTolerance }) => clockTolerance))
}

const PART = 'revocations'

/**
 * Returns `failing` while no list is loaded, and while `onStoreDown: refuse` refuses requests. Otherwise a store that is down
 * is only `degraded`.
 */
export function revocationFindings(revocation: Pick<Revocation, 'status' | 'refusal'>): readonly Finding[] {
  const { up, loaded, problem, troubles } = revocation.status()
  const wrong = troubles.map(({ text }): Finding => ({ part: PART, state: 'degraded', reason: text }))
  if (up && loaded) return wrong.length > 0 ? wrong : [{ part: PART, state: 'ok' }]
  const state = !loaded || revocation.refusal() !== undefined ? 'failing' : 'degraded'
  return [{ part: PART, state, reason: problem ?? 'being loaded' }, ...wrong]
}
