// The block list with its store: an entry is in force at once, then stored and spread; ended entries are swept.
import type { Clock, Schedule } from '../clock.ts'
import { Failure } from '../failure.ts'
import type { BlockChange, BlockEntry, BlockKey, BlockList } from './block-list.ts'
import { createStore } from './stores/create-store.ts'
import { createBlockList } from './list/memory-list.ts'
import type { RevocationOptions } from '../options/revocation.ts'
import { createRetention } from './stores/retention.ts'
import { createStreamCheck, type StreamCheck } from './stream-check.ts'
import type { RevocationStore, StoreEvents, StoreStatus } from './stores/store.ts'

export interface Revocation {
  /** What is known now. What is added to it by other ways than the following ones is neither kept nor spread. */
  readonly list: BlockList
  /** The list for who adds to it in passing: what is added is kept and spread, and nobody waits for that. */
  readonly kept: Pick<BlockList, 'add' | 'get' | 'find'>
  /** Opens the store. Throws CannotStart. */
  start(): Promise<void>
  /** Blocks at once; the promise resolves to whether the store has the entries (false: it gets them later), and never rejects. */
  block(entries: readonly BlockEntry[]): Promise<boolean>
  /** Removes an entry; `found` is false when there was none. */
  unblock(key: BlockKey): { readonly found: boolean; readonly stored: Promise<boolean> }
  /** Takes a change that a worker made. `made`: what the others are to be told; undefined when it was known. */
  takeFromWorker(change: BlockChange): { readonly made: BlockChange | undefined; readonly stored: Promise<boolean> }
  /** The policy of this stage for the streams of a route. */
  policyOf(route: { readonly onExpiry: 'close' | 'keep' }): StreamPolicy
  /** For requests with tokens, while the store is not there and the config says `onStoreDown: refuse`. */
  readonly refusal: () => Failure | undefined
  status(): StoreStatus
  /** The time in seconds by the store's clock, which all machines share; by this machine's where there is none. */
  nowSec(): number
  close(): Promise<void>
}

export interface StreamPolicy {
  /** Whether a stream or WebSocket that this caller opened may go on. */
  readonly isStillGood: StreamCheck
}

export interface RevocationEvents extends StoreEvents {
  /** Called at the end when the store has not taken this many changes. */
  readonly onUnkept: (changes: number) => void
}

export interface RevocationParts {
  readonly options: Readonly<RevocationOptions>
  readonly clock: Clock
  readonly schedule: Schedule
  readonly events: RevocationEvents
  /** Replaces the store that the config names: a worker stores through its primary. */
  readonly storeOf?: ((list: BlockList) => RevocationStore) | undefined
}

const UNAVAILABLE = new Failure(
  'revocations_unavailable',
  'the store cannot be reached, and nothing passes without it (revocation.onStoreDown: refuse)',
)

const SWEEP_EVERY_MS = 250
/** How long a turn of the sweep may keep the process. */
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

export function createRevocation({ options, clock, schedule, events, storeOf }: RevocationParts): Revocation {
  const list = createBlockList({ clock })
  const forgettableSec = createRetention(clock)
  const store = storeOf?.(list) ?? createStore(options, { list, clock, schedule, events, forgettableSec })
  const streamPolicies = {
    close: { isStillGood: createStreamCheck(list, 'close') },
    keep: { isStillGood: createStreamCheck(list, 'keep') },
  }
  let cancelSweep: (() => void) | undefined
  let turns = 0

  /** Whether the store has it. What changed nothing is there already. */
  function keep(made: BlockChange | undefined): Promise<boolean> {
    return made === undefined ? Promise.resolve(true) : store.write(made)
  }

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
