// The shared store: Redis holds the list, every machine follows its changes, and compares the whole after each cut.
import type { Clock, Schedule } from '../clock.ts'
import type { BlockList } from './block-list.ts'
import { redisProblem } from './redis-connection.ts'
import type { RedisKeys } from './redis-keys.ts'
import { FIRST_CHANGE, openRedisSession, type RedisSession } from './redis-session.ts'
import type { RedisAddress } from './redis-url.ts'
import type { Retention } from './retention.ts'
import type { RevocationStore, StoreEvents, StoreStatus } from './store.ts'
import { createWriteQueue } from './write-queue.ts'

export interface RedisStoreParts {
  readonly address: RedisAddress
  readonly keys: RedisKeys
  readonly list: BlockList
  readonly clock: Clock
  readonly schedule: Schedule
  readonly reconcileMs: number
  readonly events: StoreEvents
  readonly forgettableSec: Retention
  /** Changes that wait for Redis at most. */
  readonly maxQueued?: number
}

const RETRY_MS = 500
const MAX_QUEUED = 100_000

/** Ids are `milliseconds-number`; a Redis that lost its data may begin with lower ones again. */
function isAfter(a: string, b: string): boolean {
  const [[aMs = 0, aNumber = 0], [bMs = 0, bNumber = 0]] = [a.split('-').map(Number), b.split('-').map(Number)]
  return aMs === bMs ? aNumber > bNumber : aMs > bMs
}

export function createRedisStore(parts: RedisStoreParts): RevocationStore {
  const { list, clock, schedule, reconcileMs, events, maxQueued = MAX_QUEUED } = parts
  let session: RedisSession | undefined
  let closed = false
  let loaded = false
  let problem: string | undefined = 'Redis was not reached yet'
  let told: 'up' | 'down' | undefined
  let cursor: string | undefined
  let lastSyncAtMs: number | undefined
  let cancelRetry: (() => void) | undefined
  /** Something was not written, and waits in no queue. */
  let incomplete = false

  const queue = createWriteQueue({
    maxQueued,
    // What is in the list and not in Redis is found by comparing both.
    onDropped: () => {
      incomplete = true
    },
    async writeBatch(changes) {
      if (session === undefined) throw new Error('no session')
      await session.write(changes)
    },
  })

  /** Writes what waits, takes over what Redis has, and gives it back what it lost. */
  async function compareAll(current: RedisSession, isFirst: boolean): Promise<void> {
    if (!(await queue.flush())) throw new Error('not written')
    const { nonsense } = await current.readAll()
    if (nonsense > 0) events.onNonsense(nonsense)
    if (isFirst || incomplete || (await current.isShort())) {
      incomplete = false
      for await (const lost of current.missing()) await current.write(lost)
    }
    lastSyncAtMs = clock.monotonic()
  }

  async function keepFollowing(current: RedisSession): Promise<void> {
    while (session === current) {
      cursor = await current.follow(cursor ?? FIRST_CHANGE)
      if (problem === undefined) lastSyncAtMs = clock.monotonic()
    }
  }

  /** Also finds what was written to Redis without a word in the stream of changes. */
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
      // What happened meanwhile comes at once; the comparison of a long list may take seconds.
      cursor = cursor === undefined ? newest : isAfter(cursor, newest) ? FIRST_CHANGE : cursor
      await new Promise((_resolve, reject) => {
        keepFollowing(current).catch(reject)
        compareAll(current, true).then(() => {
          loaded = true
          problem = undefined
          told = 'up'
          events.onUp(list.size)
          keepComparing(current, reject)
        }, reject)
        failSession = reject
      })
    } finally {
      session = undefined
      current.close()
    }
  }
  let failSession: (error: unknown) => void = () => undefined

  function run(): void {
    runSession().catch((error: unknown) => {
      if (closed) return
      problem = redisProblem(error)
      if (told !== 'down') events.onDown(problem)
      told = 'down'
      cancelRetry = schedule(RETRY_MS, run)
    })
  }

  return {
    start() {
      run()
      return Promise.resolve()
    },
    write(change) {
      const written = queue.push(change)
      if (session !== undefined) {
        void queue.flush().then((isWritten) => {
          if (!isWritten) failSession(new Error('not written'))
        })
      }
      return written
    },
    status: (): StoreStatus => ({
      kind: 'redis',
      up: problem === undefined,
      loaded,
      syncAgeMs: lastSyncAtMs === undefined ? undefined : clock.monotonic() - lastSyncAtMs,
      queued: queue.size,
      problem,
      troubles: [],
    }),
    // Redis is swept while it is compared.
    sweep: () => undefined,
    async close() {
      if (problem === undefined) await queue.flush()
      closed = true
      cancelRetry?.()
      const current = session
      session = undefined
      current?.close()
    },
  }
}
