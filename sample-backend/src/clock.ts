// Time as a parameter, so that no test has to wait for it.
import { setTimeout as waitMs } from 'node:timers/promises'

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
}

/** Resolves after the given milliseconds; rejects at once when the signal aborts. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>

export const systemClock: Clock = { now: () => Date.now() }

export const systemPause: Pause = (ms, signal) => waitMs(ms, undefined, { signal })
