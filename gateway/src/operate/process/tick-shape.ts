// Keeps one process.nextTick object alive, so that V8 keeps its fast path for them (decision 0019).
import { executionAsyncResource } from 'node:async_hooks'

const AGAIN_MS = 1000

/** The object in which Node keeps a tick, of the last one that was made here. */
export const kept: { tick: object | undefined } = { tick: undefined }

function keep(): void {
  process.nextTick(() => {
    kept.tick = executionAsyncResource()
  })
}

/**
 * The names in such an object are computed, and V8 remembers what it looks like (its maps) only as long as one of them lives. In
 * an idle process none does: a full collection drops the maps, and the next tick makes others. After a few times V8 gives up on
 * that place in Node and calls its runtime for each name, until the process ends: 24.5 us of user time for a request instead
 * of 20.2 (Node 20; the same in 22 to 26: decision 0019). Again from time to time, as ticks look different once their numbers outgrow 31 bits.
 */
export function keepTickShape(): void {
  keep()
  setInterval(keep, AGAIN_MS).unref()
}
