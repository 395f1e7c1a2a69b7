// The block list with its store: an entry is in force at once, then stored and spread; ended entries are swept.
import type { Clock, Schedule } from '../clock.ts'
import { Failure } from '../failure.ts'
import type { BlockEntry, BlockKey, BlockList } from './block-list.ts'
import { createStore } from './stores/create-store.ts'
import { createBlockList } from './list/memory-list.ts'
import type { RevocationOptions } from '../options/revocation.ts'
import { createRetention } from './stores/retention.ts'
import type { RevocationStore, StoreEvents, StoreStatus } from './stores/store.ts'

export interface Revocation {
  /** Whoever adds to it or removes from it has that kept and spread as well. */
  readonly list: BlockList
  /** Opens the store. Throws CannotStart. */
  start(): Promise<void>
  /** In force when this returns; the promise tells whether the store has it (false: it will get it later), and never rejects. */
  block(entries: readonly BlockEntry[]): Promise<boolean>
  /** False when there was no such entry. */
  unblock(key: BlockKey): { readonly found: boolean; readonly stored: Promise<boolean> }
  /** For requests with tokens, while the store is not there and the config says `onStoreDown: refuse`. */
  refusal(): Failure | undefined
  status(): StoreStatus
  /** What time it is by the clock that machines share, that of the store; by this machine's where there is none. */
  nowSec(): number
  close(): Promise<void>
}

export interface RevocationEvents extends StoreEvents {
  /** It ends, and the store has not taken this many changes. */
  readonly onUnkept: (changes: number) => void
}

export interface RevocationParts {
  readonly options: Readonly<RevocationOptions>
  readonly clock: Clock
  readonly schedule: Schedule
  readonly events: RevocationEvents
  /** Instead of the store that the config names: a worker's is its primary. */
  readonly storeOf?: (list: BlockList) => RevocationStore
}

const UNAVAILABLE = new Failure('revocations_unavailable', 'the store cannot be reached (revocation.onStoreDown)')

const SWEEP_EVERY_MS = 250
/** How long a turn of the sweep may keep the process. */
const SWEEP_TURN_MS = 2
const STORE_SWEEPS = 240

export function createRevocation({ options, clock, schedule, events, storeOf }: RevocationParts): Revocation {
  const list = createBlockList({ clock })
  const forgettableSec = createRetention(clock)
  const store = storeOf?.(list) ?? createStore(options, { list, clock, schedule, events, forgettableSec })
  let cancelSweep: (() => void) | undefined
  let turns = 0
  /** What the store says to the changes that are being made. */
  let writes: Promise<boolean>[] = []

  list.onChange((change) => {
    if (change.origin === 'here') writes.push(store.write(change))
  })

  function storedSince(changes: () => void): Promise<boolean> {
    writes = []
    changes()
    const stored = Promise.all(writes).then((all) => all.every(Boolean))
    writes = []
    return stored
  }

  function sweep(): void {
    const startedAtMs = performance.now()
    list.sweep(forgettableSec(), () => performance.now() - startedAtMs > SWEEP_TURN_MS)
    turns += 1
    if (turns % STORE_SWEEPS === 0) store.sweep()
    // What others added needs no answer, and must not pile up here.
    writes = []
    cancelSweep = schedule(SWEEP_EVERY_MS, sweep)
  }

  return {
    list,
    async start() {
      await store.start()
      sweep()
    },
    block: (entries) =>
      storedSince(() => {
        for (const entry of entries) list.add(entry)
      }),
    unblock(key) {
      let found = false
      const stored = storedSince(() => {
        found = list.remove(key)
      })
      return { found, stored }
    },
    refusal() {
      if (options.onStoreDown === 'serve') return undefined
      const { up, loaded } = store.status()
      return up && loaded ? undefined : UNAVAILABLE
    },
    status: () => store.status(),
    nowSec: () => (clock.now() + (store.status().clockAheadMs ?? 0)) / 1000,
    async close() {
      cancelSweep?.()
      await store.close()
      const { queued } = store.status()
      // What a worker waits for, its primary has.
      if (queued > 0 && storeOf === undefined) events.onUnkept(queued)
    },
  }
}
