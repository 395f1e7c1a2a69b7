// Sets V8's heap flags for a gateway: where objects of requests are allocated, and how large the heap may grow.
import { getHeapStatistics, setFlagsFromString } from 'node:v8'

// V8 waits until the heap is up to twice what was in use, and a full token cache is nearly all of that. With every request a new
// token and the cache full, the most RSS in three runs was 508 to 538 MiB, with this 298 to 304 (60: 348 to 351); CPU per request
// in 20 rounds in turn: 132 us, with this 133, fewer pages for the young collections making up for more full ones. Node 20.20.
export const SLOW_GROWTH_FLAG = '--heap-growing-percent=30'
/**
 * While the token cache fills, all that is made of a token stays, so V8 would make such objects in the old generation from then on.
 * Of a token that is only passing through they are garbage there, and keep its texts from being collected as well: with 100,000
 * tokens in turn and room for 17,000, three full collections in two seconds, a p99 of 29 ms instead of 4, and 42 us instead of 33.
 */
export const YOUNG_FIRST_FLAG = '--no-allocation-site-pretenuring'
/** A third of a small heap is soon full: from the start this cost 1 to 3 % of the CPU per request, and there is nothing to win. */
const LARGE_HEAP_BYTES = 160 * 2 ** 20
const LOOK_EVERY_MS = 2000

/** For the process of a gateway, at its start. A flag that V8 no longer knew would be a line on standard error, no more. */
export function setHeapFlags(): void {
  setFlagsFromString(YOUNG_FIRST_FLAG)
  const looking = setInterval(() => {
    if (getHeapStatistics().used_heap_size < LARGE_HEAP_BYTES) return
    clearInterval(looking)
    setFlagsFromString(SLOW_GROWTH_FLAG)
  }, LOOK_EVERY_MS)
  looking.unref()
}
