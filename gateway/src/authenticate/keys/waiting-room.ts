// Requests that wait for keys being fetched: bounded in number and time, so that forged tokens cannot pile up.
import type { VerificationKey } from './key-set.ts'
import type { TokenHeader } from '../token/token-shape.ts'
import type { Clock, Schedule } from '../../clock.ts'

/** What a token that no key verified is waiting for: other keys than those that were tried. */
export interface Wish {
  readonly header: TokenHeader
  readonly tried: readonly VerificationKey[]
  /** Costs cryptography: asked seldom, where a fetch depends on it. */
  readonly isSignedByOneOf: (keys: readonly VerificationKey[]) => boolean
}

export interface Waiter {
  readonly wish: Wish
  /** The fetch under way began before it came, and may miss what it waits for. */
  isLate: boolean
  readonly untilMs: number
  /** Its question is asked once more. */
  readonly release: () => void
}

export interface WaitingRoom {
  /** Settles when released, at the latest after `timeoutMs`. Undefined when the room is full. */
  wait(wish: Wish, isLate: boolean): Promise<void> | undefined
  readonly waiters: ReadonlySet<Waiter>
}

/** A tenth of the requests that are in flight at most (limits.inFlight): whoever waits here holds one of them. */
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
    wait(wish, isLate) {
      if (waiters.size >= MAX_WAITERS) return undefined
      return new Promise((resolve) => {
        const release = () => {
          waiters.delete(waiter)
          cancel()
          resolve()
        }
        const waiter: Waiter = { wish, isLate, untilMs: clock.monotonic() + timeoutMs, release }
        const cancel = schedule(timeoutMs, release)
        waiters.add(waiter)
      })
    },
  }
}
