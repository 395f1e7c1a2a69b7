// Detects by a mark that Redis has lost its data (flushed, evicted, started anew), reports it, and restores it from the list.
import { randomUUID } from 'node:crypto'

import type { Schedule } from '../../../clock.ts'
import { isOutOfMemory, RETRY_MS } from './redis-connection.ts'
import type { RedisSession } from './redis-session.ts'
import type { Troubles } from '../store-troubles.ts'
import type { StoreList } from '../store.ts'

export interface RedisLosses {
  /**
   * Sets a mark if there is none: Redis is new, or has just lost its data. Then, and while the mark is fresh, waits until the
   * other machines have restored the list, so that a starting machine does not take an empty list for the whole one.
   */
  begin(session: RedisSession): Promise<void>
  /** True when the mark has changed or is missing. */
  wasEmptied(session: RedisSession): Promise<boolean>
  /** True when Redis has fewer entries than the list, by more than the known difference. */
  isShort(session: RedisSession): Promise<boolean>
  /**
   * Restores lost entries. `giveBack` writes the missing entries and returns their number. `isExpected` is true when some
   * entries were never written.
   */
  putBack(
    session: RedisSession,
    giveBack: (session: RedisSession) => Promise<number>,
    isExpected: boolean,
  ): Promise<void>
  close(): void
}

/** Within this time, machines that lost their connection have reconnected. The others see the new mark in the stream at once. */
const UNTIL_FOUND_MS = RETRY_MS + 500
/** Interval at which the growth of Redis is checked; a machine writes a thousand entries in a few milliseconds. */
const MOMENT_MS = 300
/** A younger mark may come from another starting machine, which knows no entries either. */
const FRESH_MS = 10_000
/** How long a loss is reported. Otherwise nobody would see a loss that was repaired at once. */
const TOLD_MS = 600_000

export function createRedisLosses({
  list,
  schedule,
  troubles,
}: {
  readonly list: StoreList
  readonly schedule: Schedule
  readonly troubles: Troubles
}): RedisLosses {
  /** The mark of Redis at the last look. */
  let mark: string | undefined
  let isEmptied = false
  /** Known difference of the counts: machines and Redis drop ended entries at different times. */
  let explained = 0
  let cancelTelling: (() => void) | undefined
  /** Number of entries put back for the losses that are reported now. One loss may be repaired in several runs. */
  let putBackCount = 0
  let underWay = Promise.resolve()

  async function look(session: RedisSession): Promise<boolean> {
    const found = await session.readMark()
    if (mark !== undefined && found !== mark) isEmptied = true
    mark = found ?? mark
    return found !== undefined
  }

  async function leaveMark(session: RedisSession): Promise<void> {
    await session.leaveMark(`${randomUUID()} ${Math.round(session.nowSec() * 1000)}`).catch((error: unknown) => {
      // A full memory is reported when entries are written; the mark is set later.
      if (!isOutOfMemory(error)) throw error
    })
    mark = await session.readMark()
  }

  function isFresh(session: RedisSession): boolean {
    const leftAtMs = Number(mark?.split(' ')[1] ?? Number.NaN)
    return session.nowSec() * 1000 - leftAtMs < FRESH_MS
  }

  async function untilNothingComes(session: RedisSession): Promise<void> {
    const pause = (ms: number) => new Promise<void>((resolve) => schedule(ms, resolve))
    let before = await session.count()
    await pause(UNTIL_FOUND_MS)
    for (let now = await session.count(); now > before; now = await session.count()) {
      before = now
      await pause(MOMENT_MS)
    }
  }

  function tell(count: number): void {
    putBackCount += count
    troubles.set(
      'lost_data',
      `Redis lost entries that it had (flushed, evicted, or begun without its data); entries put back from here: ${putBackCount} (told for ${TOLD_MS / 60_000} minutes)`,
    )
    cancelTelling?.()
    cancelTelling = schedule(TOLD_MS, () => {
      putBackCount = 0
      troubles.set('lost_data', undefined)
    })
  }

  const restore: RedisLosses['putBack'] = async (session, giveBack, isExpected) => {
    const wasEmptied = isEmptied
    const isShort = !isExpected && explained < list.size - (await session.count())
    const count = await giveBack(session)
    if (!(await look(session))) await leaveMark(session)
    isEmptied = false
    explained = Math.max(0, list.size - (await session.count()))
    if (list.size > 0 && (wasEmptied || (isShort && count > 0))) tell(count)
  }

  return {
    async begin(session) {
      const isNew = mark === undefined
      if (!(await look(session))) await leaveMark(session)
      else if (!isFresh(session)) return
      if (isNew || list.size === 0) await untilNothingComes(session)
    },
    async wasEmptied(session) {
      await look(session)
      return isEmptied
    },
    async isShort(session) {
      return list.size - (await session.count()) > explained
    },
    putBack(...restored) {
      // The comparison and the stream of changes may find the same loss at the same time, so restores run one after the other.
      underWay = underWay.catch(() => undefined).then(() => restore(...restored))
      return underWay
    },
    close() {
      cancelTelling?.()
    },
  }
}
