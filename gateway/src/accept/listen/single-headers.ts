// Headers that may come only once: with two of them, gateway and upstream might each believe a different one.

/** Names and values that Node's parser hands out; it drops what comes after them without a word (`maxHeaderPairs`). */
const MAX_NAMES_AND_VALUES = 2000

/** True when there may have been more headers than can be seen here: what is not seen cannot be checked or forwarded. */
export function hasHiddenHeaders(raw: readonly string[]): boolean {
  return raw.length >= MAX_NAMES_AND_VALUES
}

const LENGTHS = new Set(['host', 'authorization', 'content-length', 'content-type'].map((name) => name.length))
const SINGLE = new Set(['host', 'authorization', 'content-length', 'content-type'])

/**
 * The first name that occurs twice among those that must not; undefined when there is none. Node's own parsed headers hide it:
 * they keep the first and drop the second.
 */
export function repeatedHeader(raw: readonly string[]): string | undefined {
  let seen: string[] | undefined
  // A loop of its own, and no helper of message/raw-headers.ts: each request comes by here.
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    // Lengths first: nearly all other headers are told apart without folding their case.
    if (!LENGTHS.has(name.length)) continue
    const lower = name.toLowerCase()
    if (!SINGLE.has(lower)) continue
    if (seen === undefined) seen = [lower]
    else if (seen.includes(lower)) return lower
    else seen.push(lower)
  }
  return undefined
}
