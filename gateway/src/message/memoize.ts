// Memoizes a function of text, for a bounded number of texts.

/**
 * Returns a cached `decide`. The cache is cleared when it holds `max` keys: frequent keys soon return, and a flood of invented
 * keys cannot exhaust the memory. `decide` must be pure and must not return undefined.
 */
export function memoize<Value>(max: number, decide: (key: string) => Value): (key: string) => Value {
  const decided = new Map<string, Value>()
  return (key) => {
    let value = decided.get(key)
    if (value === undefined) {
      value = decide(key)
      if (decided.size >= max) decided.clear()
      decided.set(key, value)
    }
    return value
  }
}

/** Clients and upstreams use few spellings of header names, and a cache lookup is faster than lower-casing each time. */
const MAX_NAMES = 2000

/** Returns a cached `decide` for header names. */
export function memoizeByName<Verdict>(decide: (name: string) => Verdict): (name: string) => Verdict {
  return memoize(MAX_NAMES, decide)
}
