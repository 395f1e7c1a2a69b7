// Limits how often a password may be tried: for one user from one address, and from one address for all users.
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

export interface TryLimits {
  readonly perUserAndAddress: number
  readonly perAddress: number
  readonly windowSec: number
}

export const DEFAULT_TRY_LIMITS: TryLimits = { perUserAndAddress: 10, perAddress: 100, windowSec: 300 }

export interface Tries {
  /** Counts a try. Resolves to the seconds to wait when there have been too many, else to undefined. */
  take(username: string, address: string): Promise<number | undefined>
  /** Forgets the tries of somebody who has logged in. */
  forget(username: string, address: string): Promise<void>
}

export function createTries({ perUserAndAddress, perAddress, windowSec }: TryLimits): Tries {
  const byAddress = new RateLimiterMemory({ points: perAddress, duration: windowSec })
  const byUser = new RateLimiterMemory({ points: perUserAndAddress, duration: windowSec })
  // A name may hold any character; as JSON no two pairs share a key.
  const keyOf = (username: string, address: string): string => JSON.stringify([username, address])

  return {
    // Before the password is looked at, and not after a failure: otherwise any number of tries sent at once all pass.
    async take(username, address) {
      try {
        await byAddress.consume(address)
        await byUser.consume(keyOf(username, address))
        return undefined
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000))
        throw refusal
      }
    },

    async forget(username, address) {
      await byUser.delete(keyOf(username, address))
      await byAddress.reward(address)
    },
  }
}
