// Memoizes a function of text, for a bounded number of texts.

/**
 * Beyond `max` keys it begins anew: what really comes again is few and soon back, and a flood of invented keys must not grow
 * the memory. `decide` gives the same for the same key, and never undefined.
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

/** Spellings of header names that clients and upstreams really use are few: looking up beats folding and comparing each time. */
const MAX_NAMES = 2000

export function memoizeByName<Verdict>(decide: (name: string) => Verdict): (name: string) => Verdict {
  return memoize(MAX_NAMES, decide)
}
