// Estimates each issuer's clock from below: it is at least at the time when the newest session began.
import type { AuthResult } from './auth-result.ts'
import type { Clock } from '../clock.ts'

export interface IssuerClocks {
  /** A token was met for the first time. */
  note(token: Pick<AuthResult, 'issuerId' | 'firstIssuedAtSec'>): void
  /** Its clock shows this or more, whatever the clock of this machine does; undefined where no token came of late. */
  atLeastSec(issuerId: string): number | undefined
}

/** What a token told counts for this long to twice as long: a clock that is ahead is put right at some time. */
const PERIOD_MS = 600_000

export function createIssuerClocks(clock: Pick<Clock, 'monotonic'>): IssuerClocks {
  /** By issuer: how far its clock is ahead of the one here that never jumps. */
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
