// The interface of a store, which persists the block list and sends changes to other machines. No request waits for it.
import type { BlockChange, BlockList } from '../block-list.ts'

/**
 * Troubles of a store that is up. `damaged`: some of its data was unreadable at the start. `evicting`: it may evict entries
 * when its memory is full. `out_of_memory`: it accepts no entries. `lost_data`: entries were lost and have been restored.
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
  /** True when the list holds all entries of the store, as of the start. */
  readonly loaded: boolean
  /** Milliseconds since the list and the store were last known to be equal; undefined before that. */
  readonly syncAgeMs: number | undefined
  /** How far the store's clock, which machines share, is ahead of this machine's; undefined for a store without a clock. */
  readonly clockAheadMs: number | undefined
  /** Number of changes that wait to be written. */
  readonly queued: number
  /** Why the store is not up or not loaded; undefined when it is. */
  readonly problem: string | undefined
  /** Current troubles, also while the store is up. */
  readonly troubles: readonly StoreTrouble[]
}

/** What a store asks of the list. */
export type StoreList = Pick<BlockList, 'size' | 'add' | 'remove' | 'get' | 'page'>

export interface RevocationStore {
  /** Opens the store. Resolves when the list is loaded, or when loading continues in the background. Rejects with CannotStart. */
  start(): Promise<void>
  /** Stores a change of this process. Resolves to true when it is stored as durably as the store can promise; never rejects. */
  write(change: BlockChange): Promise<boolean>
  /** Writes what the list has and an opened store may lack. Resolves to false if the store did not accept it. */
  writeAll(): Promise<boolean>
  status(): StoreStatus
  /** Deletes entries past their retention (retention.ts). Called at intervals. */
  sweep(): void
  close(): Promise<void>
}

/** The events of a store, for log and metrics. */
export interface StoreEvents {
  readonly onUp: (entries: number) => void
  readonly onDown: (problem: string) => void
  /** Called with the number of invalid entries that were skipped. */
  readonly onNonsense: (count: number) => void
  /** Called when a trouble begins or changes, and without `text` when it ends. */
  readonly onTrouble: (kind: TroubleKind, text: string | undefined) => void
  /** Called after each measurement of the store's clock. */
  readonly onClock: (aheadMs: number) => void
}
