// The Redis store, for many machines: each follows the changes, and compares the whole list after each reconnection.
import type { Clock, Schedule } from '../../../clock.ts'
import { isLoading, isOutOfMemory, redisProblem, RETRY_MS } from './redis-connection.ts'
import type { RedisKeys } from './redis-keys.ts'
import { createRedisLosses } from './redis-losses.ts'
import { FIRST_CHANGE, openRedisSession, type RedisSession } from './redis-session.ts'
import type { RedisAddress } from './redis-url.ts'
import type { Retention } from '../retention.ts'
import { createTroubles } from '../store-troubles.ts'
import type { RevocationStore, StoreEvents, StoreList, StoreStatus } from '../store.ts'
import { createWriteQueue } from '../write-queue.ts'

export interface RedisStoreParts {
  readonly address: RedisAddress
  readonly keys: RedisKeys
  readonly list: StoreList
  readonly clock: Clock
  readonly schedule: Schedule
  readonly reconcileMs: number
  /** How long the start waits for the whole list, in milliseconds. */
  readonly loadTimeoutMs: number
  readonly events: StoreEvents
  readonly forgettableSec: Retention
  /** Limit of changes that wait for Redis. */
  readonly maxQueued?: number
}

const MAX_QUEUED = 100_000

/** Compares stream ids (`milliseconds-number`). After a loss of data Redis may restart with lower ids. */
function isAfter(a: string, b: string): boolean {
  const [[aMs = 0, aNumber = 0], [bMs = 0, bNumber = 0]] = [a.split('-').map(Number), b.split('-').map(Number)]
  return aMs === bMs ? aNumber > bNumber : aMs > bMs
}

export function createRedisStore(parts: RedisStoreParts): RevocationStore {
  const { list, clock, schedule, reconcileMs, loadTimeoutMs, events, maxQueued = MAX_QUEUED } = parts
  const troubles = createTroubles(events)
  const losses = createRedisLosses({ list, schedule, troubles })
  let session: RedisSession | undefined
  let closed = false
  let loaded = false
  let problem: string | undefined = 'Redis was not reached yet'
  let told: 'up' | 'down' | undefined
  let cursor: string | undefined
  let lastSyncAtMs: number | undefined
  /** The last session that knew the clock of Redis. Its clock stays in use after the session has ended. */
  let timed: Pick<RedisSession, 'clockAheadMs'> | undefined
  let cancelRetry: (() => void) | undefined
  let cancelFlush: (() => void) | undefined
  /** True when the queue has dropped changes, or a restore was not completed. */
  let incomplete = false
  let writeError: unknown
  let endWaiting: () => void = () => undefined
  let failSession: (error: unknown) => void = () => undefined

  const queue = createWriteQueue({
    maxQueued,
    // The comparison finds entries that are in the list but not in Redis.
    onDropped: () => {
      incomplete = true
    },
    async writeBatch(changes) {
      if (session === undefined) throw (writeError = new Error('no session'))
      await session.write(changes).catch((error: unknown) => {
        throw (writeError = error)
      })
    },
  })

  function tellDown(text: string): void {
    problem = text
    if (told !== 'down') events.onDown(text)
    told = 'down'
  }

  function tellUp(): void {
    problem = undefined
    if (told !== 'up') events.onUp(list.size)
    told = 'up'
  }

  /** A full Redis can still be read, so the session continues and the writes are retried. */
  function onFull(): void {
    if (closed) return
    troubles.set('out_of_memory', 'Redis is out of memory and takes no entries (maxmemory)')
    tellDown('Redis is out of memory')
    cancelFlush?.()
    cancelFlush = schedule(RETRY_MS, () => void flush())
  }

  /** Writes the queue. Ends the session on an error other than a full memory. */
  async function flush(): Promise<void> {
    if (!(await queue.settle())) {
      if (isOutOfMemory(writeError)) onFull()
      else failSession(writeError)
    } else if (session !== undefined && troubles.has('out_of_memory')) {
      troubles.set('out_of_memory', undefined)
      if (loaded) tellUp()
    }
  }

  /** Writes the entries that Redis lacks. Returns their number. */
  async function giveBack(current: RedisSession): Promise<number> {
    incomplete = false
    let count = 0
    try {
      for await (const lost of current.missing()) {
        await current.write(lost)
        count += lost.length
      }
    } catch (error) {
      incomplete = true
      if (!isOutOfMemory(error)) throw error
      onFull()
    }
    return count
  }

  /** Writes the queue, applies all entries of Redis, and restores those that Redis has lost. */
  async function compareAll(current: RedisSession, isFirst: boolean): Promise<void> {
    await flush()
    if (session !== current) return
    const policy = await current.memoryPolicy()
    const isEvicting = policy !== undefined && policy !== 'noeviction'
    const text = `Redis may throw entries away when its memory is full (maxmemory-policy is ${policy ?? ''}, needed is noeviction)`
    troubles.set('evicting', isEvicting ? text : undefined)
    const { nonsense } = await current.readAll()
    const { clockAheadMs } = current
    if (clockAheadMs !== undefined) {
      timed = current
      events.onClock(clockAheadMs)
    }
    if (nonsense > 0) events.onNonsense(nonsense)
    if (isFirst || incomplete || (await losses.isShort(current))) await losses.putBack(current, giveBack, incomplete)
    lastSyncAtMs = clock.monotonic()
  }

  async function keepFollowing(current: RedisSession): Promise<void> {
    while (session === current) {
      cursor = await current.follow(cursor ?? FIRST_CHANGE)
      if (loaded && (await losses.wasEmptied(current))) await losses.putBack(current, giveBack, false)
      if (problem === undefined) lastSyncAtMs = clock.monotonic()
    }
  }

  /** Compares the whole list at intervals, to find entries that others wrote without a record in the stream. */
  function keepComparing(current: RedisSession, onFailed: (error: unknown) => void): void {
    schedule(reconcileMs, () => {
      if (session !== current) return
      compareAll(current, false).then(() => {
        keepComparing(current, onFailed)
      }, onFailed)
    })
  }

  async function runSession(): Promise<void> {
    const current = await openRedisSession(parts)
    if (closed) {
      current.close()
      return
    }
    session = current
    try {
      const newest = await current.newestChange()
      // Changes are followed from here during the comparison, which may take seconds for a long list.
      cursor = cursor === undefined ? newest : isAfter(cursor, newest) ? FIRST_CHANGE : cursor
      await losses.begin(current)
      await new Promise((_resolve, reject) => {
        failSession = reject
        keepFollowing(current).catch(reject)
        compareAll(current, true).then(() => {
          if (session !== current) return
          loaded = true
          if (!troubles.has('out_of_memory')) tellUp()
          endWaiting()
          keepComparing(current, reject)
        }, reject)
      })
    } finally {
      session = undefined
      current.close()
    }
  }

  function run(): void {
    runSession().catch((error: unknown) => {
      if (closed) return
      tellDown(redisProblem(error))
      // While Redis loads its own data, the start waits for it.
      if (!isLoading(error)) endWaiting()
      cancelRetry = schedule(RETRY_MS, run)
    })
  }

  return {
    start() {
      // What this machine knew before it had this store was never written there.
      incomplete = list.size > 0
      return new Promise((resolve) => {
        const cancel = schedule(loadTimeoutMs, () => {
          tellDown(problem ?? 'the whole list is not here yet')
          endWaiting()
        })
        endWaiting = () => {
          cancel()
          resolve()
        }
        run()
      })
    },
    write(change) {
      const written = queue.push(change)
      if (session !== undefined && !troubles.has('out_of_memory')) void flush()
      return written
    },
    // The first comparison of a session wrote what Redis lacked.
    writeAll: () => queue.settle(),
    status: (): StoreStatus => ({
      kind: 'redis',
      up: problem === undefined,
      loaded,
      syncAgeMs: lastSyncAtMs === undefined ? undefined : clock.monotonic() - lastSyncAtMs,
      clockAheadMs: timed?.clockAheadMs,
      queued: queue.size,
      problem,
      troubles: troubles.list(),
    }),
    // Ended entries are deleted during the comparison.
    sweep: () => undefined,
    async close() {
      if (problem === undefined) await queue.flush()
      closed = true
      endWaiting()
      cancelRetry?.()
      cancelFlush?.()
      losses.close()
      const current = session
      session = undefined
      current?.close()
    },
  }
}
