// The interface of a store: it keeps and spreads the block list, and no request waits for it.
import type { BlockChange } from '../block-list.ts'

/**
 * What may be wrong with a store that is there. damaged: what it held could not be read whole at the start. evicting: it may
 * throw entries away when its memory is full. out_of_memory: it takes no entries any more. lost_data: entries that it had
 * were gone, and were put back.
 */
export const TROUBLE_KINDS = ['damaged', 'evicting', 'out_of_memory', 'lost_data'] as const

export type TroubleKind = (typeof TROUBLE_KINDS)[number]

export interface StoreTrouble {
  readonly kind: TroubleKind
  readonly text: string
}

export interface StoreStatus {
  readonly kind: 'memory' | 'level' | 'redis'
  /** True while the store can be read and written. */
  readonly up: boolean
  /** True when all entries that it held at the start are in the list. */
  readonly loaded: boolean
  /** How long ago the list was last known to be the same as the store's; undefined before that. */
  readonly syncAgeMs: number | undefined
  /** How far the clock that machines share, that of the store, is ahead of this one's; undefined where there is none. */
  readonly clockAheadMs: number | undefined
  /** The number of changes that wait to be written. */
  readonly queued: number
  /** Why it is not up or not loaded. */
  readonly problem: string | undefined
  /** What is wrong with it, also while it is up. */
  readonly troubles: readonly StoreTrouble[]
}

export interface RevocationStore {
  /** Begins; settles when the list is loaded, or when that goes on in the background. Throws CannotStart. */
  start(): Promise<void>
  /** Takes a change that was made in this process. True when it is kept, as far as the store can promise; never rejects. */
  write(change: BlockChange): Promise<boolean>
  status(): StoreStatus
  /** Deletes entries that ended long enough ago (retention.ts); called from time to time. */
  sweep(): void
  close(): Promise<void>
}

/** What happens to a store, for log and metrics. */
export interface StoreEvents {
  readonly onUp: (entries: number) => void
  readonly onDown: (problem: string) => void
  /** Called with how many things in the store were no entries and were skipped. */
  readonly onNonsense: (count: number) => void
  /** A trouble began or became another one; without a text it is over. */
  readonly onTrouble: (kind: TroubleKind, text: string | undefined) => void
  /** How far the store's clock is ahead of this machine's, found out anew. */
  readonly onClock: (aheadMs: number) => void
}
