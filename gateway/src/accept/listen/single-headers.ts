// Refuses repeated headers that must be single: gateway and upstream could each read a different one.

/** Most entries in rawHeaders. Node's parser silently drops the headers after them (`maxHeaderPairs`). */
const MAX_NAMES_AND_VALUES = 2000

/** True when Node may have dropped headers, which the gateway can then neither check nor forward. */
export function hasHiddenHeaders(raw: readonly string[]): boolean {
  return raw.length >= MAX_NAMES_AND_VALUES
}

const LENGTHS = new Set(['host', 'authorization', 'content-length', 'content-type'].map((name) => name.length))
const SINGLE = new Set(['host', 'authorization', 'content-length', 'content-type'])

/**
 * Returns the first repeated name among those that must be single; undefined when there is none. Reads rawHeaders, because
 * Node's parsed headers drop the second value.
 */
export function repeatedHeader(raw: readonly string[]): string | undefined {
  let seen: string[] | undefined
  // Hot path: one loop without a closure, so it does not use message/raw-headers.ts.
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    // Comparing lengths first avoids the lower-casing of nearly all other headers.
    if (!LENGTHS.has(name.length)) continue
    const lower = name.toLowerCase()
    if (!SINGLE.has(lower)) continue
    if (seen === undefined) seen = [lower]
    else if (seen.includes(lower)) return lower
    else seen.push(lower)
  }
  return undefined
}
