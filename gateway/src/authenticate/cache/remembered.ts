// What is remembered of tokens from one config to the next: verified tokens and signatures, and the clocks of issuers.
import { createCaches, type CacheLimits, type Caches } from './caches.ts'
import { createIssuerClocks, type IssuerClocks } from '../issuer-clocks.ts'
import type { Clock } from '../../clock.ts'

/** A remembered token counts for its issuer as it was compiled: for one that was compiled anew nothing is remembered. */
export interface Remembered {
  readonly caches: Caches
  readonly issuerClocks: IssuerClocks
}

export function createRemembered(limits: CacheLimits, clock: Clock): Remembered {
  return { caches: createCaches(limits, clock), issuerClocks: createIssuerClocks(clock) }
}
