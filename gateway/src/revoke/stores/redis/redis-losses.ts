// Detects by a mark that Redis lost its data (flushed, evicted, started anew), reports it, and restores it from the list.
import { randomUUID } from 'node:crypto'

import type { Schedule } from '../../../clock.ts'
import type { BlockList } from '../../block-list.ts'
import { isOutOfMemory, RETRY_MS } from './redis-connection.ts'
import type { RedisSession } from './redis-session.ts'
import type { Troubles } from '../store-troubles.ts'

export interface RedisLosses {
  /**
   * Leaves a mark where there is none. That is a Redis that nobody used yet, or one that just lost all: then, and as long as
   * the mark is fresh, the machines that live on get a moment to put the list back, so that none that starts now takes an
   * empty list for the whole one.
   */
  begin(session: RedisSession): Promise<void>
  /** Whether the mark is another one than before, or gone. */
  wasEmptied(session: RedisSession): Promise<boolean>
  /** Whether Redis has fewer entries than the list, by more than was explained before. */
  isShort(session: RedisSession): Promise<boolean>
  /** `giveBack` writes what is missing; `isExpected`: some of it was never written. */
  putBack(
    session: RedisSession,
    giveBack: (session: RedisSession) => Promise<number>,
    isExpected: boolean,
  ): Promise<void>
  close(): void
}

/** A machine that lost Redis tries again this much later at most; one that did not hears of the new mark at once. */
const UNTIL_FOUND_MS = RETRY_MS + 500
/** It writes a thousand entries in some milliseconds. */
const MOMENT_MS = 300
/** A mark that is younger may be that of another machine that starts now, and knows no more than this one. */
const FRESH_MS = 10_000
/** How long a loss is told: made good at once, it would be seen by nobody. */
const TOLD_MS = 600_000

export function createRedisLosses({
  list,
  schedule,
  troubles,
}: {
  readonly list: BlockList
  readonly schedule: Schedule
  readonly troubles: Troubles
}): RedisLosses {
  /** Of what Redis had when it was last looked at. */
  let mark: string | undefined
  let isEmptied = false
  /** What ended is forgotten by machines and Redis at different times, so that it may have fewer for good. */
  let explained = 0
  let cancelTelling: (() => void) | undefined
  /** Of all losses that are told now: one is often made good in several goes. */
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
      // It is said when entries are written; the mark can wait.
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
      // A comparison and the stream of changes find the same loss at the same time: one makes it good, one counts.
      underWay = underWay.catch(() => undefined).then(() => restore(...restored))
      return underWay
    },
    close() {
      cancelTelling?.()
    },
  }
}
