// Remembers what was made for an object while that lives, up to a bound: what was not asked for lately is forgotten.

export interface RecentMap<Key extends object, Value> {
  get(key: Key): Value | undefined
  set(key: Key, value: Value, bytes: number): void
}

// Heap for each entry besides its text: the object, and its place in the table.
const BYTES_PER_ENTRY = 160

/**
 * Two halves: when the newer one is full it becomes the older one, and what was the older one is forgotten. What is asked for stays.
 * The keys are held weakly: their owner decides how long they live.
 */
export function createRecentMap<Key extends object, Value>(maxBytes: number): RecentMap<Key, Value> {
  let newer = new WeakMap<Key, { readonly value: Value; readonly bytes: number }>()
  let older = newer
  let bytesLeft = maxBytes / 2

  function keep(key: Key, entry: { readonly value: Value; readonly bytes: number }): void {
    bytesLeft -= entry.bytes
    if (bytesLeft < 0) {
      older = newer
      newer = new WeakMap()
      bytesLeft = maxBytes / 2 - entry.bytes
    }
    newer.set(key, entry)
  }

  return {
    get(key) {
      const entry = newer.get(key)
      if (entry !== undefined) return entry.value
      const early = older.get(key)
      if (early !== undefined) keep(key, early)
      return early?.value
    },
    set(key, value, bytes) {
      keep(key, { value, bytes: BYTES_PER_ENTRY + bytes })
    },
  }
}
