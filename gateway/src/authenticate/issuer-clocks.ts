// Estimates a lower bound of each issuer's clock: the `iat` of its newest session, plus the time since then.
import type { AuthResult } from './auth-result.ts'
import type { Clock } from '../clock.ts'

export interface IssuerClocks {
  /** Notes a token at its first use. */
  note(token: Pick<AuthResult, 'issuerId' | 'firstIssuedAtSec'>): void
  /** Returns a lower bound in seconds, independent of this machine's wall clock; undefined without recent tokens. */
  atLeastSec(issuerId: string): number | undefined
}

/** An observation counts for one to two periods: an issuer whose clock was ahead will correct it. */
const PERIOD_MS = 600_000

export function createIssuerClocks(clock: Pick<Clock, 'monotonic'>): IssuerClocks {
  /** By issuer: its clock minus the monotonic clock of this process, in seconds. */
  let current = new Map<string, number>()
  let before = new Map<string, number>()
  let beganAtMs = clock.monotonic()

  function turn(): void {
    const elapsedMs = clock.monotonic() - beganAtMs
    if (elapsedMs < PERIOD_MS) return
    before = elapsedMs < 2 * PERIOD_MS ? current : new Map<string, number>()
    current = new Map()
    beganAtMs = clock.monotonic()
  }

  return {
    note({ issuerId, firstIssuedAtSec }) {
      if (firstIssuedAtSec === undefined) return
      turn()
      const aheadSec = firstIssuedAtSec - clock.monotonic() / 1000
      if (aheadSec > (current.get(issuerId) ?? -Infinity)) current.set(issuerId, aheadSec)
    },
    atLeastSec(issuerId) {
      turn()
      const aheadSec = Math.max(current.get(issuerId) ?? -Infinity, before.get(issuerId) ?? -Infinity)
      return aheadSec === -Infinity ? undefined : clock.monotonic() / 1000 + aheadSec
    },
  }
}
