// Reads the heap limit of this process from V8 and its flags.
import { getHeapStatistics } from 'node:v8'

const MEBIBYTE = 2 ** 20

/** Reads the last occurrence of a flag, as V8 does. Names have dashes or underscores. */
function flagBytes(flags: string, name: string): number {
  const pattern = new RegExp(`--${name.replaceAll('-', '[-_]')}[= ](\\d+)`, 'g')
  return Number([...flags.matchAll(pattern)].at(-1)?.[1] ?? 0) * MEBIBYTE
}

/**
 * Returns the size of the old generation in bytes. V8's limit includes the young generation, three times
 * `--max-semi-space-size`: for --max-old-space-size=128, Node 20 and 22 report 176 MiB, Node 24 reports 320 MiB.
 */
export function oldSpaceBytes(limitBytes: number, flags: string): number {
  const oldSpace = limitBytes - 3 * flagBytes(flags, 'max-semi-space-size')
  return Math.min(oldSpace, flagBytes(flags, 'max-old-space-size') || Infinity)
}

/** The limit of this process in bytes. Command-line flags follow those of NODE_OPTIONS, and workers inherit both. */
export function heapLimitBytes(): number {
  const flags = [process.env['NODE_OPTIONS'] ?? '', ...process.execArgv].join(' ')
  return oldSpaceBytes(getHeapStatistics().heap_size_limit, flags)
}
