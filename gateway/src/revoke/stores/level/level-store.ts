// The LevelDB store, for one machine: survives restarts, kill -9 at any moment, and a failing disk.
import type { ClassicLevel } from 'classic-level'

import type { Clock, Schedule } from '../../../clock.ts'
import type { BlockList } from '../../block-list.ts'
import {
  isMarkedDamaged,
  markDamaged,
  mirrorList,
  readEntries,
  removeSomeEnded,
  writeChanges,
} from './level-entries.ts'
import { cannotUse, folderProblem, LEVEL_OPTION, openFolder, repairFolder, type OpenedFolder } from './level-folder.ts'
import type { RevocationOptions } from '../../../options/revocation.ts'
import type { Retention } from '../retention.ts'
import { createTroubles } from '../store-troubles.ts'
import { type RevocationStore, type StoreEvents, type StoreStatus } from '../store.ts'
import { createWriteQueue } from '../write-queue.ts'
import { CannotStart } from '../../../failure.ts'

export interface LevelStoreParts {
  readonly folder: string
  readonly list: BlockList
  readonly clock: Clock
  readonly schedule: Schedule
  readonly events: StoreEvents
  readonly forgettableSec: Retention
  /** With `refuse`, a folder that is damaged is not begun with. */
  readonly onStoreDown: RevocationOptions['onStoreDown']
}

const MAX_QUEUED = 100_000
const RETRY_MS = 500

export function createLevelStore(parts: LevelStoreParts): RevocationStore {
  const { folder, list, clock, schedule, events, forgettableSec } = parts
  const troubles = createTroubles(events)
  let db: ClassicLevel | undefined
  let sweeping: Promise<void> | undefined
  let reopening: Promise<void> | undefined
  let cancelRetry: (() => void) | undefined
  let problem: string | undefined
  let loaded = false
  let closed = false
  let lastSyncAtMs: number | undefined
  /** More came than can wait: the list has it, the folder and the queue have not. */
  let hasDropped = false

  /** One after the other: LevelDB may do two batches in either order, and a sweep must not undo what came after it looked. */
  let turn: Promise<unknown> = Promise.resolve()
  function inTurn<Result>(run: (opened: ClassicLevel) => Promise<Result>): Promise<Result> {
    const result = turn.then(async () => {
      if (db === undefined) throw new Error('the folder is not open')
      try {
        return await run(db)
      } catch (error) {
        await letGo(error)
        throw error
      }
    })
    turn = result.catch(() => undefined)
    return result
  }

  /**
   * LevelDB writes on behind a record that was written by half, and no restart reads what stands there: what it says to be
   * kept after a failure is not. So whatever fails ends this opening, and the next begins with the whole list.
   */
  async function letGo(error: unknown): Promise<void> {
    const failed = db
    db = undefined
    if (problem === undefined) {
      problem = folderProblem(folder, error)
      events.onDown(problem)
    }
    await failed?.close().catch(() => undefined)
    if (!closed) cancelRetry = schedule(RETRY_MS, () => void reopen())
  }

  const queue = createWriteQueue({
    maxQueued: MAX_QUEUED,
    onDropped: () => {
      hasDropped = true
    },
    writeBatch: (changes) => inTurn((opened) => writeChanges(opened, changes, clock.now() / 1000)),
  })

  async function openAnew(): Promise<void> {
    const { db: opened } = await openFolder(folder)
    try {
      hasDropped = false
      await mirrorList(opened, list, clock.now() / 1000)
      db = opened
    } catch (error) {
      await opened.close().catch(() => undefined)
      throw error
    }
  }

  function reopen(): Promise<void> {
    reopening ??= openAnew()
      .then(flush, (error: unknown) => {
        problem = cannotUse(folder, error).message
        if (!closed) cancelRetry = schedule(RETRY_MS, () => void reopen())
      })
      .finally(() => {
        reopening = undefined
      })
    return reopening
  }

  /** After a time in which more came than can wait. */
  async function mirrorAll(): Promise<void> {
    hasDropped = false
    await inTurn((opened) => mirrorList(opened, list, clock.now() / 1000)).catch(() => undefined)
  }

  async function flush(): Promise<void> {
    const isWritten = await queue.flush()
    if (isWritten && hasDropped) await mirrorAll()
    if (!isWritten || db === undefined) return
    lastSyncAtMs = clock.monotonic()
    if (problem === undefined) return
    problem = undefined
    events.onUp(list.size)
  }

  async function load(opened: ClassicLevel): Promise<void> {
    // What may be forgotten is not loaded; the sweep takes it away.
    const endedSec = forgettableSec()
    const nonsense = await readEntries(opened, clock.now() / 1000, (entry) => {
      if (entry.untilSec > endedSec) list.add(entry, 'store')
    })
    if (nonsense > 0) events.onNonsense(nonsense)
  }

  /** Opens and loads; once more after a repair, when some of it cannot be read. */
  async function openAndLoad(): Promise<OpenedFolder> {
    const first = await openFolder(folder)
    try {
      await load(first.db)
      return first
    } catch {
      await first.db.close().catch(() => undefined)
    }
    await repairFolder(folder)
    const second = await openFolder(folder)
    try {
      await load(second.db)
    } catch (error) {
      await second.db.close().catch(() => undefined)
      throw new CannotStart(`${folderProblem(folder, error)}; move it away to begin anew`, LEVEL_OPTION)
    }
    return { ...second, isDamaged: true }
  }

  async function tellDamage(opened: ClassicLevel, isDamaged: boolean): Promise<void> {
    if (!isDamaged && !(await isMarkedDamaged(opened))) return
    // It is whole again after this opening, so that without a mark a second start would know of nothing.
    if (parts.onStoreDown === 'refuse') {
      await markDamaged(opened, true)
      await opened.close()
      throw new CannotStart(
        `${folder} was damaged, and entries may be lost (revocation.store.level); start once with revocation.onStoreDown: serve to go on with the ${list.size} that can be read`,
        LEVEL_OPTION,
      )
    }
    await markDamaged(opened, false)
    troubles.set('damaged', `${folder} was damaged; ${list.size} entries could be read, others may be lost`)
  }

  async function sweepAll(): Promise<void> {
    const endedSec = forgettableSec()
    while (!closed && (await inTurn((opened) => removeSomeEnded(opened, list, endedSec))));
  }

  return {
    async start() {
      const { db: opened, isDamaged } = await openAndLoad()
      await tellDamage(opened, isDamaged).catch((error: unknown) => {
        throw cannotUse(folder, error)
      })
      db = opened
      loaded = true
      lastSyncAtMs = clock.monotonic()
      events.onUp(list.size)
    },
    write(change) {
      const written = queue.push(change)
      if (db !== undefined) void flush()
      return written
    },
    status: (): StoreStatus => ({
      kind: 'level',
      up: loaded && problem === undefined,
      loaded,
      syncAgeMs: lastSyncAtMs === undefined ? undefined : clock.monotonic() - lastSyncAtMs,
      clockAheadMs: undefined,
      queued: queue.size,
      problem: problem ?? (loaded ? undefined : `${folder} is being read`),
      troubles: troubles.list(),
    }),
    sweep() {
      if (db === undefined || sweeping !== undefined) return
      sweeping = sweepAll()
        .catch(() => undefined)
        .finally(() => {
          sweeping = undefined
        })
    },
    async close() {
      closed = true
      cancelRetry?.()
      await reopening
      await sweeping
      // A disk that was full may have room by now.
      if (loaded && db === undefined) await reopen()
      else if (db !== undefined) await queue.flush()
      await db?.close().catch(() => undefined)
    },
  }
}
