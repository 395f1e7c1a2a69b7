// Creates the revoke stage: an entry is in force at once, then stored and sent to other machines; ended entries are swept.
import type { Clock, Schedule } from '../clock.ts'
import { Failure } from '../failure.ts'
import type { BlockChange, BlockEntry, BlockKey, BlockList } from './block-list.ts'
import { createReplaceableStore, type StoreChange } from './change/replaceable-store.ts'
import { createBlockList } from './list/memory-list.ts'
import type { RevocationOptions } from '../options/revocation.ts'
import { createRetention } from './stores/retention.ts'
import { createStreamCheck, type StreamCheck } from './stream-check.ts'
import type { RevocationStore, StoreEvents, StoreStatus } from './stores/store.ts'

export interface Revocation {
  /** The block list. Changes made directly on it are neither stored nor sent to other machines. */
  readonly list: BlockList
  /** The block list for callers that do not wait for the store: an added entry is stored and sent in the background. */
  readonly kept: Pick<BlockList, 'add' | 'get' | 'find'>
  /** Opens the store. Throws CannotStart. */
  start(): Promise<void>
  /** Blocks at once. Resolves to true when the store has the entries, to false when it gets them later; never rejects. */
  block(entries: readonly BlockEntry[]): Promise<boolean>
  /** Removes an entry. `found` is false if there was none. */
  unblock(key: BlockKey): { readonly found: boolean; readonly stored: Promise<boolean> }
  /** Applies a change of a worker. `made` is the change for the other workers; undefined if nothing changed. */
  takeFromWorker(change: BlockChange): { readonly made: BlockChange | undefined; readonly stored: Promise<boolean> }
  /** Returns the stream policy of a route. */
  policyOf(route: { readonly onExpiry: 'close' | 'keep' }): StreamPolicy
  /** Returns the failure for requests with tokens while the store is down and `onStoreDown: refuse` is set; else undefined. */
  readonly refusal: () => Failure | undefined
  status(): StoreStatus
  /** Prepares a change of the options. One after the other. Throws CannotStart; then nothing has changed. */
  prepare(options: Readonly<RevocationOptions>): StoreChange
  /** Seconds since the epoch by the store's clock, which all machines share; without one, by this machine's clock. */
  nowSec(): number
  close(): Promise<void>
}

export interface StreamPolicy {
  /** True while a stream or WebSocket of this caller may continue. */
  readonly isStillGood: StreamCheck
}

export interface RevocationEvents extends StoreEvents {
  /** Called at shutdown with the number of changes that the store did not accept. */
  readonly onUnkept: (changes: number) => void
}

export interface RevocationParts {
  readonly options: Readonly<RevocationOptions>
  readonly clock: Clock
  readonly schedule: Schedule
  readonly events: RevocationEvents
  /** Replaces the configured store: a worker stores through its primary process. */
  readonly storeOf?: ((list: BlockList) => RevocationStore) | undefined
}

const UNAVAILABLE = new Failure(
  'revocations_unavailable',
  'the store cannot be reached, and nothing passes without it (revocation.onStoreDown: refuse)',
)

const SWEEP_EVERY_MS = 250
/** Longest time that one turn of the sweep may block the process. */
const SWEEP_TURN_MS = 2
const STORE_SWEEPS = 240

function keptList(list: BlockList, keep: (made: BlockChange | undefined) => void): Revocation['kept'] {
  return {
    add(entry) {
      const made = list.add(entry)
      keep(made)
      return made
    },
    get: (key) => list.get(key),
    find: (caller, nowSec) => list.find(caller, nowSec),
  }
}

export function createRevocation(parts: RevocationParts): Revocation {
  const { options, clock, schedule, events, storeOf } = parts
  const list = createBlockList({ clock })
  const forgettableSec = createRetention(clock)
  const store = createReplaceableStore(options, { list, clock, schedule, events, forgettableSec, own: storeOf?.(list) })
  const streamPolicies = {
    close: { isStillGood: createStreamCheck(list, 'close') },
    keep: { isStillGood: createStreamCheck(list, 'keep') },
  }
  let cancelSweep: (() => void) | undefined
  let turns = 0

  /** Stores a change. Resolves to true when the store has it; without a change it is stored already. */
  const keep = (made: BlockChange | undefined) => (made === undefined ? Promise.resolve(true) : store.write(made))

  function sweep(): void {
    const startedAtMs = performance.now()
    list.sweep(forgettableSec(), () => performance.now() - startedAtMs > SWEEP_TURN_MS)
    turns += 1
    if (turns % STORE_SWEEPS === 0) store.sweep()
    cancelSweep = schedule(SWEEP_EVERY_MS, sweep)
  }

  return {
    list,
    kept: keptList(list, (made) => void keep(made)),
    async start() {
      await store.start()
      sweep()
    },
    async block(entries) {
      const all = await Promise.all(entries.map((entry) => keep(list.add(entry))))
      return all.every(Boolean)
    },
    unblock(key) {
      const made = list.remove(key)
      return { found: made !== undefined, stored: keep(made) }
    },
    takeFromWorker({ entry, change }) {
      const made = change === 'added' ? list.add(entry, 'worker') : list.remove(entry, 'worker')
      return { made, stored: keep(made) }
    },
    policyOf: ({ onExpiry }) => streamPolicies[onExpiry],
    refusal() {
      if (store.options.onStoreDown === 'serve') return undefined
      const { up, loaded } = store.status()
      return up && loaded ? undefined : UNAVAILABLE
    },
    status: () => store.status(),
    prepare: (next) => store.prepare(next),
    nowSec: () => (clock.now() + (store.status().clockAheadMs ?? 0)) / 1000,
    async close() {
      cancelSweep?.()
      await store.close()
      const { queued } = store.status()
      // The primary process has the changes that a worker waits for.
      if (queued > 0 && storeOf === undefined) events.onUnkept(queued)
    },
  }
}
