// Queues changes for a store: writes them in batches, keeps them while the store is down, limits their number.
import type { BlockChange } from '../block-list.ts'
import { nameOf } from './entry-text.ts'

export interface WriteQueueParts {
  /** Writes changes to the store; rejects if the store did not accept them. */
  readonly writeBatch: (changes: readonly BlockChange[]) => Promise<void>
  /** Limit of waiting changes: additions are dropped at this number, removals at twice this number. */
  readonly maxQueued: number
  /** Called when a change was dropped. The store must then be compared with the list. */
  readonly onDropped: () => void
}

export interface WriteQueue {
  /** Queues a change. Resolves to true when it is written, to false when it is dropped. */
  push(change: BlockChange): Promise<boolean>
  /** Writes the queue. Resolves to false if the store did not accept it. */
  flush(): Promise<boolean>
  /** Writes what waits now; more may come meanwhile. Resolves to false if the store did not accept it. */
  settle(): Promise<boolean>
  readonly size: number
}

interface Waiting {
  readonly change: BlockChange
  readonly done: ((isWritten: boolean) => void)[]
}

const BATCH = 1000

/** Returns the queue with a failed batch in front, except entries that have a newer change. */
function putBack(batch: ReadonlyMap<string, Waiting>, waiting: ReadonlyMap<string, Waiting>): Map<string, Waiting> {
  const merged = new Map(batch)
  for (const [name, newer] of waiting) {
    merged.set(name, { change: newer.change, done: [...(merged.get(name)?.done ?? []), ...newer.done] })
  }
  return merged
}

/** Creates an empty queue. It writes batches of up to 1000 changes, one batch at a time. */
export function createWriteQueue({ writeBatch, maxQueued, onDropped }: WriteQueueParts): WriteQueue {
  /** By entry name: the newest change of an entry replaces earlier ones. */
  let waiting = new Map<string, Waiting>()
  let flushing: Promise<boolean> | undefined
  let writing: ReadonlyMap<string, Waiting> = new Map()

  async function writeAll(): Promise<boolean> {
    while (waiting.size > 0) {
      const batch = new Map([...waiting].slice(0, BATCH))
      for (const name of batch.keys()) waiting.delete(name)
      writing = batch
      try {
        await writeBatch([...batch.values()].map(({ change }) => change))
      } catch {
        waiting = putBack(batch, waiting)
        writing = new Map()
        flushing = undefined
        return false
      }
      for (const { done } of batch.values()) for (const tell of done) tell(true)
    }
    writing = new Map()
    // Reset in the same turn, so that a later change starts a new flush.
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
      // A comparison restores dropped additions, but would undo a dropped removal.
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
    settle() {
      // Changes are written in the order in which they came.
      const last = [...waiting.values()].at(-1) ?? [...writing.values()].at(-1)
      if (last === undefined) return flush()
      const isWritten = new Promise<boolean>((resolve) => last.done.push(resolve))
      return Promise.race([isWritten, flush()])
    },
    get size() {
      return waiting.size
    },
  }
}
