// What a store is: it keeps the block list and spreads it, and no request ever waits for it.
import type { BlockChange } from './block-list.ts'

/** The store cannot be used as it is configured; the message is one line for the operator, without secrets. */
export class StoreNotUsable extends Error {}

export interface StoreStatus {
  readonly kind: 'memory' | 'level' | 'redis'
  /** It can be read and written now. */
  readonly up: boolean
  /** All that it held at the start is in the list. */
  readonly loaded: boolean
  /** How long ago the list was last known to be the same as the store's; undefined before that. */
  readonly syncAgeMs: number | undefined
  /** Changes that wait to be written. */
  readonly queued: number
  /** Why it is not up or not loaded. */
  readonly problem: string | undefined
}

export interface RevocationStore {
  /** Begins; settles when the list is loaded, or when that goes on in the background. Throws StoreNotUsable. */
  start(): Promise<void>
  /** Takes a change that was made in this process. True when it is kept, as far as the store can promise; never rejects. */
  write(change: BlockChange): Promise<boolean>
  status(): StoreStatus
  /** Forgets what may be forgotten; called now and then. */
  sweep(): void
  close(): Promise<void>
}

/** What happens to a store, for log and metrics. */
export interface StoreEvents {
  readonly onUp: (entries: number) => void
  readonly onDown: (problem: string) => void
  /** Something in the store is no entry, and was passed over. */
  readonly onNonsense: (count: number) => void
}
