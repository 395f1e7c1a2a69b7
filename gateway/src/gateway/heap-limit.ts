// How much heap this process may keep, as V8 and its flags say.
import { getHeapStatistics } from 'node:v8'

const MEBIBYTE = 2 ** 20

/** The last one counts, as for V8, which takes names with dashes and with underscores. */
function flagBytes(flags: string, name: string): number {
  const pattern = new RegExp(`--${name.replaceAll('-', '[-_]')}[= ](\\d+)`, 'g')
  return Number([...flags.matchAll(pattern)].at(-1)?.[1] ?? 0) * MEBIBYTE
}

/**
 * Bytes of the old generation. The limit that V8 tells holds the young generation as well, thrice `--max-semi-space-size`: with
 * --max-old-space-size=128 Node 20 and 22 say 176 MiB, Node 24 says 320.
 */
export function oldSpaceBytes(limitBytes: number, flags: string): number {
  const oldSpace = limitBytes - 3 * flagBytes(flags, 'max-semi-space-size')
  return Math.min(oldSpace, flagBytes(flags, 'max-old-space-size') || Infinity)
}

/** Of this process. Its own flags come after those of the environment, and workers inherit both. */
export function heapLimitBytes(): number {
  const flags = [process.env['NODE_OPTIONS'] ?? '', ...process.execArgv].join(' ')
  return oldSpaceBytes(getHeapStatistics().heap_size_limit, flags)
}
