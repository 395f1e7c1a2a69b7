// How far a large heap may grow between two full collections: less than V8 would let it.
import { getHeapStatistics, setFlagsFromString } from 'node:v8'

// V8 waits until the heap is up to twice what was in use, and a full token cache is nearly all of that. With every request a new
// token and the cache full, the most RSS in three runs was 508 to 538 MiB, with this 298 to 304 (60: 348 to 351); CPU per request
// in 20 rounds in turn: 132 us, with this 133, fewer pages for the young collections making up for more full ones. Node 20.20.
export const SLOW_GROWTH_FLAG = '--heap-growing-percent=30'
/** A third of a small heap is soon full: from the start this cost 1 to 3 % of the CPU per request, and there is nothing to win. */
const LARGE_HEAP_BYTES = 160 * 2 ** 20
const LOOK_EVERY_MS = 2000

/** For the process of a gateway, at its start. A flag that V8 no longer knew would be a line on standard error, no more. */
export function growLargeHeapSlowly(): void {
  const looking = setInterval(() => {
    if (getHeapStatistics().used_heap_size < LARGE_HEAP_BYTES) return
    clearInterval(looking)
    setFlagsFromString(SLOW_GROWTH_FLAG)
  }, LOOK_EVERY_MS)
  looking.unref()
}
