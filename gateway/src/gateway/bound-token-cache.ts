// Limits the token cache to half of the heap, so that it cannot exhaust the heap and end the process.
import { heapLimitBytes } from './heap-limit.ts'
import type { Config } from '../options/config.ts'
import type { Log } from '../observe/log.ts'

const MEBIBYTE = 2 ** 20

// V8 ends a process whose collections keep leaving four fifths of the heap in use. Half for the cache leaves room for all else
// that lives (25 MiB, an agent, the block list) and for garbage; of a small heap that is too little: with 64 MiB of 128 for the
// cache, large tokens kept V8 collecting for half of the time, and under the test runner it gave up.
const MOST_OF_HEAP = 1 / 2
const LEFT_BYTES = 96 * MEBIBYTE
const LEAST_OF_HEAP = 1 / 8

/** Returns the largest token cache for a heap of this size, in bytes. */
export function tokenCacheBound(heapBytes: number): number {
  return Math.floor(Math.max(heapBytes * LEAST_OF_HEAP, Math.min(heapBytes * MOST_OF_HEAP, heapBytes - LEFT_BYTES)))
}

function inMebibytes(bytes: number): string {
  return `${Math.floor(bytes / MEBIBYTE)}MiB`
}

/**
 * Returns the config, with a smaller token cache if the heap requires that, and a warning in the log. `heapBytes` undefined:
 * the limit of this process.
 */
export function boundTokenCache(config: Config, heapBytes: number | undefined, log: Log): Config {
  const { cache } = config.tokens
  const heap = heapBytes ?? heapLimitBytes()
  const maxBytes = tokenCacheBound(heap)
  if (cache.maxBytes <= maxBytes) return config
  const neededBytes = Math.max(cache.maxBytes / MOST_OF_HEAP, cache.maxBytes + LEFT_BYTES)
  log.warn(
    { configured: inMebibytes(cache.maxBytes), used: inMebibytes(maxBytes), heap: inMebibytes(heap) },
    `tokens.cache.maxBytes is more than this heap can bear, so less is used; NODE_OPTIONS=--max-old-space-size=${Math.ceil(neededBytes / MEBIBYTE)} gives it all`,
  )
  return { ...config, tokens: { ...config.tokens, cache: { ...cache, maxBytes } } }
}
