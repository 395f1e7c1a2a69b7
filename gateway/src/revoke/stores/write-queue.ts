// Changes on their way to a store: written in batches, kept while the store is down, bounded in number.
import type { BlockChange } from '../block-list.ts'
import { nameOf } from './entry-text.ts'

export interface WriteQueueParts {
  /** Writes changes to the store; rejects when the store did not take them. */
  readonly writeBatch: (changes: readonly BlockChange[]) => Promise<void>
  /** Additions that wait at most, and as many removals beyond them. */
  readonly maxQueued: number
  /** What did not fit is in no queue: the store has to be compared with the list when it is back. */
  readonly onDropped: () => void
}

export interface WriteQueue {
  /** Queues a change; resolves to true when it was written, to false when it was dropped. */
  push(change: BlockChange): Promise<boolean>
  /** Writes what waits; false when the store did not take it. */
  flush(): Promise<boolean>
  readonly size: number
}

interface Waiting {
  readonly change: BlockChange
  readonly done: ((isWritten: boolean) => void)[]
}

const BATCH = 1000

export function createWriteQueue({ writeBatch, maxQueued, onDropped }: WriteQueueParts): WriteQueue {
  /** By name: a newer change of an entry says all that the older one said. */
  let waiting = new Map<string, Waiting>()
  let flushing: Promise<boolean> | undefined

  /** Puts back what was not written, unless something newer has come meanwhile. */
  function putBack(batch: ReadonlyMap<string, Waiting>): void {
    const merged = new Map(batch)
    for (const [name, newer] of waiting) {
      merged.set(name, { change: newer.change, done: [...(merged.get(name)?.done ?? []), ...newer.done] })
    }
    waiting = merged
  }

  async function writeAll(): Promise<boolean> {
    while (waiting.size > 0) {
      const batch = new Map([...waiting].slice(0, BATCH))
      for (const name of batch.keys()) waiting.delete(name)
      try {
        await writeBatch([...batch.values()].map(({ change }) => change))
      } catch {
        putBack(batch)
        flushing = undefined
        return false
      }
      for (const { done } of batch.values()) for (const tell of done) tell(true)
    }
    // In the turn in which nothing waited: what comes after it must find nobody writing.
    flushing = undefined
    return true
  }

  function flush(): Promise<boolean> {
    if (waiting.size === 0 && flushing === undefined) return Promise.resolve(true)
    flushing ??= writeAll()
    return flushing
  }

  return {
    push(change) {
      const name = nameOf(change.entry)
      const before = waiting.get(name)
      // Comparing finds additions again, but would take a removal back.
      const most = change.change === 'removed' ? 2 * maxQueued : maxQueued
      if (before === undefined && waiting.size >= most) {
        onDropped()
        return Promise.resolve(false)
      }
      return new Promise((resolve) => {
        waiting.set(name, { change, done: [...(before?.done ?? []), resolve] })
      })
    },
    flush,
    get size() {
      return waiting.size
    },
  }
}
