// The store in use, which a change of the config may replace: what is revoked meanwhile is written into both.
import { isDeepStrictEqual } from 'node:util'

import type { RevocationOptions } from '../../options/revocation.ts'
import type { BlockChange } from '../block-list.ts'
import { createStore, storeFactsOf } from '../stores/create-store.ts'
import type { RevocationStore } from '../stores/store.ts'
import { createEventGate } from './event-gate.ts'
import { createNextStore, type GatedStore, type NextStore, type NextStoreParts } from './next-store.ts'
import { createWrites } from './writes.ts'

/** A change of the options: nothing of it shows before `commit`. */
export interface StoreChange {
  /** Opens another store, if the options name one, and has it take all that is known. Throws CannotStart. */
  open(): Promise<void>
  /** Only after `open`. */
  commit(): void
  abandon(): Promise<void>
}

export interface ReplaceableStore extends Omit<RevocationStore, 'writeAll'> {
  readonly options: Readonly<RevocationOptions>
  prepare(options: Readonly<RevocationOptions>): StoreChange
}

export interface ReplaceableStoreParts extends NextStoreParts {
  /** The store of a worker, which its primary changes. */
  readonly own: RevocationStore | undefined
}

interface InUse extends GatedStore {
  readonly options: Readonly<RevocationOptions>
  readonly facts: unknown
}

/** Throws CannotStart for options that cannot be used. */
export function createReplaceableStore(
  options: Readonly<RevocationOptions>,
  { own, ...parts }: ReplaceableStoreParts,
): ReplaceableStore {
  const writes = createWrites()
  const gate = createEventGate(parts.events, 'open')
  const store = own ?? createStore(options, { ...parts, events: gate.events })
  const factsOf = (next: Readonly<RevocationOptions>) => (own === undefined ? storeFactsOf(next) : undefined)
  let inUse: InUse = { store, gate, options, facts: factsOf(options) }
  let next: NextStore | undefined
  const closing = new Set<Promise<void>>()

  /** All that it knew is in the one that replaces it. */
  function replace(by: InUse): void {
    const { store: old, gate: ofOld } = inUse
    inUse = by
    ofOld.mute()
    writes.replaced()
    const closed = old.close().finally(() => closing.delete(closed))
    closing.add(closed)
  }

  async function abandon(prepared: NextStore): Promise<void> {
    if (next === prepared) next = undefined
    await prepared.abandon()
  }

  return {
    get options() {
      return inUse.options
    },
    start: () => inUse.store.start(),
    write: (change: BlockChange) => writes.track(inUse.store.write(change), next?.write(change)),
    status: () => inUse.store.status(),
    sweep() {
      inUse.store.sweep()
    },
    prepare(options) {
      const facts = factsOf(options)
      if (isDeepStrictEqual(facts, inUse.facts)) return withoutStore(() => (inUse = { ...inUse, options }))
      const prepared = createNextStore(options, parts)
      next = prepared
      return {
        open: () => prepared.open(),
        commit() {
          next = undefined
          prepared.commit()
          replace({ ...prepared, options, facts })
        },
        abandon: () => abandon(prepared),
      }
    },
    async close() {
      if (next !== undefined) await abandon(next)
      await Promise.all([inUse.store.close(), ...closing])
    },
  }
}

function withoutStore(commit: () => void): StoreChange {
  return { open: () => Promise.resolve(), commit, abandon: () => Promise.resolve() }
}
