// The embedded store: a LevelDB folder of this machine that survives restarts, and kill -9 at any moment.
import type { ClassicLevel } from 'classic-level'
import { mkdir } from 'node:fs/promises'

import type { Clock } from '../clock.ts'
import type { BlockChange, BlockList } from './block-list.ts'
import { contentOf, keyOf, nameOf, readStored } from './entry-text.ts'
import type { Retention } from './retention.ts'
import { StoreNotUsable, type RevocationStore, type StoreEvents, type StoreStatus } from './store.ts'
import { createWriteQueue } from './write-queue.ts'

export interface LevelStoreParts {
  readonly folder: string
  readonly list: BlockList
  readonly clock: Clock
  readonly events: StoreEvents
  readonly forgettableSec: Retention
}

type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'del'; readonly key: string }

/** `e name` holds an entry, `u until name` finds those that have ended. */
const ENTRY = 'e '
const ENDS = 'u '
/** One more than the separator: the end of a range of keys. */
const entryRange = { gte: ENTRY, lt: 'e!' }
const SECOND_DIGITS = 12
const MAX_QUEUED = 100_000
const SWEPT_AT_ONCE = 1000

function endKey(untilSec: number, name: string): string {
  return `${ENDS}${String(untilSec).padStart(SECOND_DIGITS, '0')} ${name}`
}

function operationsOf({ entry, change }: BlockChange, nowSec: number): readonly Operation[] {
  const name = nameOf(entry)
  if (change === 'removed') return [{ type: 'del', key: ENTRY + name }]
  return [
    { type: 'put', key: ENTRY + name, value: contentOf(entry, nowSec) },
    { type: 'put', key: endKey(entry.untilSec, name), value: '' },
  ]
}

function openingProblem(folder: string, error: unknown): string {
  const { code, cause } = error as { readonly code?: string; readonly cause?: { readonly code?: string } }
  const why = cause?.code ?? code
  if (why === 'LEVEL_LOCKED') return `${folder} is in use by another process (revocation.store.level)`
  if (why === 'EACCES' || why === 'EROFS') return `${folder} cannot be written (revocation.store.level)`
  if (why === 'LEVEL_CORRUPTION') return `${folder} is damaged (revocation.store.level)`
  return `${folder} cannot be opened (revocation.store.level, ${why ?? 'unknown error'})`
}

export function createLevelStore({ folder, list, clock, events, forgettableSec }: LevelStoreParts): RevocationStore {
  let db: ClassicLevel | undefined
  let sweeping: Promise<void> | undefined
  let problem: string | undefined
  let loaded = false
  let lastSyncAtMs: number | undefined
  let hasDropped = false

  /** One after the other: LevelDB may do two batches in either order, and a sweep must not undo what came after it looked. */
  let turn: Promise<unknown> = Promise.resolve()
  function inTurn(run: () => Promise<unknown>): Promise<unknown> {
    const result = turn.then(run)
    turn = result.catch(() => undefined)
    return result
  }

  const queue = createWriteQueue({
    maxQueued: MAX_QUEUED,
    onDropped: () => {
      hasDropped = true
    },
    async writeBatch(changes) {
      // Synced: what was acknowledged survives the loss of power as well. A batch shares one sync.
      const nowSec = clock.now() / 1000
      const operations = changes.flatMap((change) => operationsOf(change, nowSec))
      await inTurn(async () => db?.batch(operations, { sync: true }))
    },
  })

  async function open(): Promise<ClassicLevel> {
    const { ClassicLevel } = await import('classic-level')
    const opened = new ClassicLevel(folder)
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await opened.open()
      return opened
    } catch (error) {
      throw new StoreNotUsable(openingProblem(folder, error))
    }
  }

  /** What may be forgotten is not loaded; the sweep takes it away. */
  async function load(opened: ClassicLevel): Promise<void> {
    const endedSec = forgettableSec()
    const time = { nowSec: clock.now() / 1000, isNews: false }
    let nonsense = 0
    for await (const [key, value] of opened.iterator(entryRange)) {
      const stored = readStored(key.slice(ENTRY.length), value, time)
      if (stored === undefined) nonsense += 1
      else if (stored.entry.untilSec > endedSec) list.add(stored.entry, 'store')
    }
    if (nonsense > 0) events.onNonsense(nonsense)
  }

  /** By the index of ends. What the list still has was given a later end since: then only the index loses a key. */
  async function removeEnded(opened: ClassicLevel, endedSec: number): Promise<void> {
    const range = { gte: ENDS, lt: endKey(Math.floor(endedSec) + 1, '') }
    for (;;) {
      const keys = await opened.keys({ ...range, limit: SWEPT_AT_ONCE }).all()
      if (keys.length === 0) return
      await inTurn(async () => {
        const operations = keys.flatMap((key): Operation[] => {
          const name = key.slice(ENDS.length + SECOND_DIGITS + 1)
          const known = keyOf(name)
          const current = known === undefined ? undefined : list.get(known)
          const indexOnly: Operation[] = [{ type: 'del', key }]
          return current !== undefined && current.untilSec > endedSec
            ? indexOnly
            : [...indexOnly, { type: 'del', key: ENTRY + name }]
        })
        await opened.batch(operations)
      })
    }
  }

  /** After a time in which nothing could be written and more came than can wait. */
  async function rewriteAll(): Promise<void> {
    hasDropped = false
    for (let place: number | undefined = 0; place !== undefined;) {
      const page = list.page(place, SWEPT_AT_ONCE)
      for (const entry of page.entries) void queue.push({ entry, change: 'added', origin: 'here' })
      await queue.flush()
      place = page.next
    }
  }

  async function flush(): Promise<void> {
    const isWritten = await queue.flush()
    if (isWritten && hasDropped) await rewriteAll()
    if (isWritten) lastSyncAtMs = clock.monotonic()
    if (isWritten === (problem === undefined)) return
    problem = isWritten ? undefined : `${folder} cannot be written`
    if (problem === undefined) events.onUp(list.size)
    else events.onDown(problem)
  }

  return {
    async start() {
      db = await open()
      await load(db)
      loaded = true
      lastSyncAtMs = clock.monotonic()
      events.onUp(list.size)
    },
    write(change) {
      const written = queue.push(change)
      void flush()
      return written
    },
    status: (): StoreStatus => ({
      kind: 'level',
      up: loaded && problem === undefined,
      loaded,
      syncAgeMs: lastSyncAtMs === undefined ? undefined : clock.monotonic() - lastSyncAtMs,
      queued: queue.size,
      problem: problem ?? (loaded ? undefined : `${folder} is being read`),
    }),
    sweep() {
      if (queue.size > 0) void flush()
      if (db === undefined || sweeping !== undefined) return
      sweeping = removeEnded(db, forgettableSec())
        .catch(() => undefined)
        .finally(() => {
          sweeping = undefined
        })
    },
    async close() {
      await queue.flush()
      await sweeping
      await db?.close()
    },
  }
}
