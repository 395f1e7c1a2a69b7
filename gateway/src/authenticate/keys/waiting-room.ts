// Holds requests that wait for a key fetch, limited in number and time, so that forged tokens cannot pile up.
import type { VerificationKey } from './key-set.ts'
import type { TokenHeader } from '../token/token-shape.ts'
import type { Clock, Schedule } from '../../clock.ts'

/** The key that a token needs and the ring does not have. */
export interface MissingKey {
  readonly header: TokenHeader
  /** Keys that did not verify the token. */
  readonly tried: readonly VerificationKey[]
  /** True when one of these keys signed the token. Costs signature checks, so call it only when a fetch depends on it. */
  readonly isSignedByOneOf: (keys: readonly VerificationKey[]) => boolean
}

export interface Waiter {
  readonly missing: MissingKey
  /** True when it came during a fetch, whose response may be too old to have the key. */
  joinedLate: boolean
  /** Monotonic time of its timeout. */
  readonly untilMs: number
  /** Ends the wait, so that the token is checked again. */
  readonly release: () => void
}

export interface WaitingRoom {
  /** Returns a promise that resolves on release, after `timeoutMs` at the latest. Undefined when the room is full. */
  wait(missing: MissingKey, joinedLate: boolean): Promise<void> | undefined
  readonly waiters: ReadonlySet<Waiter>
}

/** A tenth of the default `limits.inFlight`: each waiter is a request in flight. */
const MAX_WAITERS = 1000

export function createWaitingRoom(parts: {
  readonly timeoutMs: number
  readonly clock: Clock
  readonly schedule: Schedule
}): WaitingRoom {
  const { timeoutMs, clock, schedule } = parts
  const waiters = new Set<Waiter>()

  return {
    waiters,
    wait(missing, joinedLate) {
      if (waiters.size >= MAX_WAITERS) return undefined
      return new Promise((resolve) => {
        const release = () => {
          waiters.delete(waiter)
          cancel()
          resolve()
        }
        const waiter: Waiter = { missing, joinedLate, untilMs: clock.monotonic() + timeoutMs, release }
        const cancel = schedule(timeoutMs, release)
        waiters.add(waiter)
      })
    },
  }
}
