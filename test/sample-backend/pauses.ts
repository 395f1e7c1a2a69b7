// Pauses that a test holds in its hands, so that it never waits.
import { once } from 'node:events'

import type { Pause } from '../../sample-backend/src/clock.ts'

/** A pause that takes no time and remembers how long it should have been. */
export function createInstantPause(): { pause: Pause; pausesMs: number[] } {
  const pausesMs: number[] = []
  return {
    pausesMs,
    pause: (ms) => {
      pausesMs.push(ms)
      return Promise.resolve()
    },
  }
}

/** A pause that lasts until its signal; `began` resolves to that signal. */
export function createEndlessPause(): { pause: Pause; began: Promise<AbortSignal> } {
  let begin: (signal: AbortSignal) => void = () => undefined
  const began = new Promise<AbortSignal>((resolve) => (begin = resolve))
  const pause: Pause = async (_ms, signal) => {
    begin(signal)
    await once(signal, 'abort')
    throw signal.reason as Error
  }
  return { pause, began }
}
