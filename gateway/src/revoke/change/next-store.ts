// The store that a change of the config asks for: opened beside the one in use, with the whole list, before it takes its place.
import { CannotStart } from '../../failure.ts'
import type { RevocationOptions } from '../../options/revocation.ts'
import type { BlockChange, BlockList } from '../block-list.ts'
import { createStore, storeOptionOf, type StoreParts } from '../stores/create-store.ts'
import type { RevocationStore } from '../stores/store.ts'
import { createEventGate, type EventGate } from './event-gate.ts'
import { stageList, type StagedList } from './staged-list.ts'

/** A store with the gate of what it tells. */
export interface GatedStore {
  readonly store: RevocationStore
  readonly gate: EventGate
}

export interface NextStore extends GatedStore {
  /** Resolves when all that the list has is in the store, and the other way round. Throws CannotStart. */
  open(): Promise<void>
  /** Stores a change that is made meanwhile. Resolves to true when nothing came of this store. */
  write(change: BlockChange): Promise<boolean>
  /** It takes the place of the one in use. Only after `open`. */
  commit(): void
  abandon(): Promise<void>
}

export interface NextStoreParts extends Omit<StoreParts, 'list'> {
  readonly list: BlockList
}

async function openWhole(
  options: Readonly<RevocationOptions>,
  store: RevocationStore,
  staged: StagedList,
): Promise<void> {
  await staged.fill()
  await store.start()
  for (const entry of staged.contested) void store.write({ entry, change: 'added', origin: 'here' })
  const isWritten = await store.writeAll()
  const { up, loaded, problem = 'it did not take the whole list' } = store.status()
  if (!isWritten || !up || !loaded)
    throw new CannotStart(`the next store of revocations cannot be used: ${problem}`, storeOptionOf(options))
  await staged.join()
}

/** Throws CannotStart for options that cannot be used. */
export function createNextStore(options: Readonly<RevocationOptions>, parts: NextStoreParts): NextStore {
  // What is made here comes by `write`, as somebody may wait for it.
  const staged = stageList(parts.list, (change) => void store.write(change))
  const gate = createEventGate(parts.events, 'held')
  const store = createStore(options, { ...parts, list: staged.forStore, events: gate.events })
  const waiting = new Set<(stored: boolean) => void>()
  let isInUse = false

  return {
    store,
    gate,
    open: () => openWhole(options, store, staged),
    write(change) {
      return new Promise((resolve) => {
        waiting.add(resolve)
        void store.write(change).then((stored) => {
          waiting.delete(resolve)
          resolve(stored)
        })
      })
    },
    commit() {
      isInUse = true
      staged.finish()
      gate.open()
    },
    async abandon() {
      if (isInUse) return
      staged.finish()
      gate.mute()
      for (const resolve of waiting) resolve(true)
      await store.close()
    },
  }
}
