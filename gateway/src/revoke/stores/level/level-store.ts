// The LevelDB store, for one machine: survives restarts, kill -9 at any moment, and a failing disk.
import type { ClassicLevel } from 'classic-level'

import type { Clock, Schedule } from '../../../clock.ts'
import type { BlockChange } from '../../block-list.ts'
import { createTroubles } from '../store-troubles.ts'
import { type RevocationStore, type StoreEvents, type StoreStatus } from '../store.ts'
import { createWriteQueue } from '../write-queue.ts'
import { mirrorList, removeSomeEnded, writeChanges } from './level-entries.ts'
import { cannotUse, folderProblem, openFolder } from './level-folder.ts'
import { loadFolder, type LevelLoadParts } from './level-load.ts'

export interface LevelStoreParts extends LevelLoadParts {
  readonly clock: Clock
  readonly schedule: Schedule
  readonly events: StoreEvents
}

const MAX_QUEUED = 100_000
const RETRY_MS = 500

class LevelStore implements RevocationStore {
  readonly #parts: LevelStoreParts
  readonly #troubles
  readonly #queue
  /** The open folder; undefined before the start, and after an error until it is opened again. */
  #db: ClassicLevel | undefined
  #sweeping: Promise<void> | undefined
  #reopening: Promise<void> | undefined
  #cancelRetry: (() => void) | undefined
  #problem: string | undefined
  #loaded = false
  #closed = false
  #lastSyncAtMs: number | undefined
  /** The queue has dropped changes, which only the list has. */
  #hasDropped = false
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: LevelStoreParts) {
    this.#parts = parts
    this.#troubles = createTroubles(parts.events)
    this.#queue = createWriteQueue({
      maxQueued: MAX_QUEUED,
      onDropped: () => {
        this.#hasDropped = true
      },
      writeBatch: (changes) => this.#inTurn((db) => writeChanges(db, changes, this.#nowSec())),
    })
  }

  async start(): Promise<void> {
    const { clock, list, events } = this.#parts
    this.#db = await loadFolder(this.#parts, this.#troubles)
    this.#loaded = true
    this.#lastSyncAtMs = clock.monotonic()
    events.onUp(list.size)
  }

  write(change: BlockChange): Promise<boolean> {
    const written = this.#queue.push(change)
    if (this.#db !== undefined) void this.#flush()
    return written
  }

  async writeAll(): Promise<boolean> {
    await this.#mirrorAll()
    return this.#db !== undefined && (await this.#queue.settle())
  }

  status(): StoreStatus {
    const { clock, folder } = this.#parts
    return {
      kind: 'level',
      up: this.#loaded && this.#problem === undefined,
      loaded: this.#loaded,
      syncAgeMs: this.#lastSyncAtMs === undefined ? undefined : clock.monotonic() - this.#lastSyncAtMs,
      clockAheadMs: undefined,
      queued: this.#queue.size,
      problem: this.#problem ?? (this.#loaded ? undefined : `${folder} is being read`),
      troubles: this.#troubles.list(),
    }
  }

  sweep(): void {
    if (this.#db === undefined || this.#sweeping !== undefined) return
    this.#sweeping = this.#sweepAll()
      .catch(() => undefined)
      .finally(() => {
        this.#sweeping = undefined
      })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelRetry?.()
    await this.#reopening
    await this.#sweeping
    // A disk that was full may have room by now.
    if (this.#loaded && this.#db === undefined) await this.#reopen()
    else if (this.#db !== undefined) await this.#queue.flush()
    await this.#db?.close().catch(() => undefined)
  }

  #nowSec(): number {
    return this.#parts.clock.now() / 1000
  }

  /** Runs one after the other: LevelDB may reorder two batches, and a sweep must not undo a change that came after its read. */
  #inTurn<Result>(run: (db: ClassicLevel) => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(async () => {
      const db = this.#db
      if (db === undefined) throw new Error('the folder is not open')
      try {
        return await run(db)
      } catch (error) {
        await this.#closeFailed(error)
        throw error
      }
    })
    this.#turn = result.catch(() => undefined)
    return result
  }

  /**
   * Closes the folder after any error. LevelDB continues to write after a half-written record, but no restart reads what follows
   * such a record, so nothing is durable after an error. The next opening writes the whole list.
   */
  async #closeFailed(error: unknown): Promise<void> {
    const { folder, events } = this.#parts
    const failed = this.#db
    this.#db = undefined
    if (this.#problem === undefined) {
      this.#problem = folderProblem(folder, error)
      events.onDown(this.#problem)
    }
    await failed?.close().catch(() => undefined)
    this.#retryLater()
  }

  #retryLater(): void {
    if (!this.#closed) this.#cancelRetry = this.#parts.schedule(RETRY_MS, () => void this.#reopen())
  }

  #reopen(): Promise<void> {
    this.#reopening ??= this.#openAgain()
      .then(
        () => this.#flush(),
        (error: unknown) => {
          this.#problem = cannotUse(this.#parts.folder, error).message
          this.#retryLater()
        },
      )
      .finally(() => {
        this.#reopening = undefined
      })
    return this.#reopening
  }

  async #openAgain(): Promise<void> {
    const { folder, list } = this.#parts
    const { db } = await openFolder(folder)
    try {
      this.#hasDropped = false
      await mirrorList(db, list, this.#nowSec())
      this.#db = db
    } catch (error) {
      await db.close().catch(() => undefined)
      throw error
    }
  }

  async #flush(): Promise<void> {
    const isWritten = await this.#queue.flush()
    if (isWritten && this.#hasDropped) await this.#mirrorAll()
    if (!isWritten || this.#db === undefined) return
    const { clock, list, events } = this.#parts
    this.#lastSyncAtMs = clock.monotonic()
    if (this.#problem === undefined) return
    this.#problem = undefined
    events.onUp(list.size)
  }

  /** Writes the whole list: after the queue has dropped changes, and when the folder is new to a list. */
  async #mirrorAll(): Promise<void> {
    this.#hasDropped = false
    await this.#inTurn((db) => mirrorList(db, this.#parts.list, this.#nowSec())).catch(() => undefined)
  }

  async #sweepAll(): Promise<void> {
    const { list, forgettableSec } = this.#parts
    const endedSec = forgettableSec()
    while (!this.#closed && (await this.#inTurn((db) => removeSomeEnded(db, list, endedSec))));
  }
}

export function createLevelStore(parts: LevelStoreParts): RevocationStore {
  return new LevelStore(parts)
}
