// Keeps the current troubles of a store, and reports each once when it begins and once when it ends.
import type { StoreEvents, StoreTrouble, TroubleKind } from './store.ts'

export interface Troubles {
  /** Begins or changes a trouble. `text` is for the operator, without secrets; undefined ends the trouble. */
  set(kind: TroubleKind, text: string | undefined): void
  has(kind: TroubleKind): boolean
  list(): readonly StoreTrouble[]
}

export function createTroubles({ onTrouble }: Pick<StoreEvents, 'onTrouble'>): Troubles {
  const texts = new Map<TroubleKind, string>()
  return {
    set(kind, text) {
      if (texts.get(kind) === text) return
      if (text === undefined) texts.delete(kind)
      else texts.set(kind, text)
      onTrouble(kind, text)
    },
    has: (kind) => texts.has(kind),
    list: () => [...texts].map(([kind, text]) => ({ kind, text })),
  }
}
