// Holds back what a store tells until it is in use, and lets nothing pass of one that is replaced.
import type { StoreEvents } from '../stores/store.ts'

export interface EventGate {
  /** For the store. */
  readonly events: StoreEvents
  /** Tells what was held back, and from now on all at once. */
  open(): void
  /** Tells nothing any more. */
  mute(): void
}

export function createEventGate(events: StoreEvents, state: 'open' | 'held'): EventGate {
  let held: (() => void)[] | undefined = state === 'held' ? [] : undefined
  let isMuted = false

  function pass(tell: () => void): void {
    if (isMuted) return
    if (held === undefined) tell()
    else held.push(tell)
  }

  return {
    events: {
      onUp: (entries) => pass(() => events.onUp(entries)),
      onDown: (problem) => pass(() => events.onDown(problem)),
      onNonsense: (count) => pass(() => events.onNonsense(count)),
      onTrouble: (kind, text) => pass(() => events.onTrouble(kind, text)),
      onClock: (aheadMs) => pass(() => events.onClock(aheadMs)),
    },
    open() {
      const told = held ?? []
      held = undefined
      for (const tell of told) tell()
    },
    mute() {
      isMuted = true
      held = undefined
    },
  }
}
