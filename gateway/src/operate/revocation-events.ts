// What happens to the store of the block list: in the log, and in what /readyz says.
import type { Log } from './log.ts'
import type { Revocation } from '../revoke/revocation.ts'
import type { StoreEvents } from '../revoke/store.ts'
import type { Readiness } from './admin.ts'

export function createRevocationEvents(log: Log): StoreEvents {
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
    onNonsense(count) {
      log.warn({ count }, 'the store of revocations holds what is no entry; it was passed over')
    },
  }
}

const PART = 'revocations'

/** With nothing loaded, or with `onStoreDown: refuse`, requests had better go elsewhere. Else a store that is down is told, no more. */
export function revocationProblems(revocation: Pick<Revocation, 'status' | 'refusal'>): {
  readonly notReady: ReturnType<Readiness>
  readonly degraded: ReturnType<Readiness>
} {
  const { up, loaded, problem, troubles } = revocation.status()
  const wrong = troubles.map(({ text }) => ({ part: PART, reason: text }))
  if (up && loaded) return { notReady: [], degraded: wrong }
  const told = [{ part: PART, reason: problem ?? 'being loaded' }]
  return !loaded || revocation.refusal() !== undefined
    ? { notReady: told, degraded: wrong }
    : { notReady: [], degraded: [...told, ...wrong] }
}
