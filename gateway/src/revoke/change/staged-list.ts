// The list that a store is opened with beside the one in use: a copy that follows the real one, and is joined to it in the end.
import { setImmediate as nextTurn } from 'node:timers/promises'

import { mergeEntries, type BlockChange, type BlockEntry, type BlockKey, type BlockList } from '../block-list.ts'
import { createBlockList } from '../list/memory-list.ts'
import { saysTheSame } from '../list/taken-entry.ts'
import type { StoreList } from '../stores/store.ts'

/**
 * What the store reads and removes stays in the copy until it is known that the store can be used, so that a failed change
 * leaves the real list as it was.
 */
export interface StagedList {
  /** For the store, before the change and after it. */
  readonly forStore: StoreList
  /** Copies what the real list has. */
  fill(): Promise<void>
  /** Entries that the store holds as removed and that are in force here: what is revoked stays revoked. */
  readonly contested: readonly BlockEntry[]
  /** Adds to the real list what only the store had; from now on the store's changes are changes of both. */
  join(): Promise<void>
  /** From now on the store works on the real list alone. */
  finish(): void
}

/** Entries of one turn: a thousand take about a millisecond. */
const AT_ONCE = 1000

/** Gives way to requests after each thousand. */
async function forEachTurn(list: BlockList, take: (entry: BlockEntry) => unknown): Promise<void> {
  for (let place: number | undefined = 0; place !== undefined;) {
    const page = list.page(place, AT_ONCE)
    page.entries.forEach(take)
    place = page.next
    await nextTurn()
  }
}

function isNewTo(list: BlockList, entry: BlockEntry): boolean {
  const known = list.get(entry)
  return known === undefined || !saysTheSame(mergeEntries(known, entry), known)
}

/** `onForeign` is called for what the store in use reads meanwhile, which the next one may not have. */
export function stageList(real: BlockList, onForeign: (change: BlockChange) => void): StagedList {
  const copy = createBlockList()
  const contested: BlockEntry[] = []
  let phase: 'staged' | 'joining' | 'joined' = 'staged'
  let isOurs = false
  const read = () => (phase === 'joined' ? real : copy)
  // What the real list gets while both are joined comes to the copy as well.
  const stopFollowing = real.onChange((made) => {
    if (made.change === 'added') copy.add(made.entry, 'store')
    else copy.remove(made.entry, 'store')
    if (made.origin === 'store' && !isOurs) onForeign(made)
  })

  function onReal<Result>(change: () => Result): Result {
    isOurs = true
    try {
      return change()
    } finally {
      isOurs = false
    }
  }

  function addToReal(entry: BlockEntry): void {
    if (isNewTo(real, entry)) onReal(() => real.add(entry, 'store'))
  }

  function removeFromCopy(key: BlockKey): BlockChange | undefined {
    const known = real.get(key)
    if (known === undefined) return copy.remove(key, 'store')
    contested.push(known)
    return undefined
  }

  return {
    forStore: {
      get size() {
        return read().size
      },
      get: (key) => read().get(key),
      page: (after, limit) => read().page(after, limit),
      add: (entry, origin) => (phase === 'staged' ? copy.add(entry, origin) : onReal(() => real.add(entry, origin))),
      remove(key, origin) {
        if (phase === 'staged') return removeFromCopy(key)
        if (phase === 'joining') copy.remove(key, origin)
        return onReal(() => real.remove(key, origin))
      },
    },
    contested,
    fill: () => forEachTurn(real, (entry) => copy.add(entry, 'store')),
    async join() {
      phase = 'joining'
      await forEachTurn(copy, addToReal)
    },
    finish() {
      phase = 'joined'
      stopFollowing()
    },
  }
}
