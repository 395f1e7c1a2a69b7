// Writes the troubles of the block list's store to the log, and to what /readyz says.
import type { Log } from '../log.ts'
import type { LogOutParts } from '../../revoke/log-out.ts'
import type { Revocation, RevocationEvents } from '../../revoke/revocation.ts'
import type { Finding } from '../readiness/readiness.ts'

/** What a busy machine and the way to Redis add to a difference: clocks that agree differ by a few milliseconds. */
const MEASURING_MS = 100

/** `toleranceMs`: what the issuers' tokens tolerate of clocks, the least of them. */
export function createRevocationEvents(log: Log, toleranceMs: number): RevocationEvents {
  let isOff = false
  return {
    onUp(entries) {
      // An empty store is what a first start looks like, and one that lost its data.
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

/** What happens at routes with `action: revoke`. */
export function createLogOutEvents(log: Log): Pick<LogOutParts, 'onLogOut'> {
  return {
    onLogOut({ issuer }, requestId) {
      log.info({ requestId, issuer }, 'token revoked by its user')
    },
  }
}

/** The least that any issuer of the config tolerates. */
export function leastTolerance(issuers: readonly { readonly clockTolerance: number }[]): number {
  return Math.min(...issuers.map(({ clockTolerance }) => clockTolerance))
}

const PART = 'revocations'

/** With nothing loaded, or with `onStoreDown: refuse`, requests had better go elsewhere. Else a store that is down is told, no more. */
export function revocationFindings(revocation: Pick<Revocation, 'status' | 'refusal'>): readonly Finding[] {
  const { up, loaded, problem, troubles } = revocation.status()
  const wrong = troubles.map(({ text }): Finding => ({ part: PART, state: 'degraded', reason: text }))
  if (up && loaded) return wrong.length > 0 ? wrong : [{ part: PART, state: 'ok' }]
  const state = !loaded || revocation.refusal() !== undefined ? 'failing' : 'degraded'
  return [{ part: PART, state, reason: problem ?? 'being loaded' }, ...wrong]
}
