// Runs one session with Redis, from connecting to the first failure: follows changes, and compares the whole list.
import type { Clock } from '../../../clock.ts'
import { mergeEntries, type BlockChange, type BlockEntry } from '../../block-list.ts'
import { contentOf, nameOf, readStored, removalOf, type ReadingTime } from '../entry-text.ts'
import { createRedisClock } from './redis-clock.ts'
import { BLOCK_MS, connectRedis, type RedisConnection } from './redis-connection.ts'
import { KEPT_CHANGES, MARK, MEMORY_SCRIPT, REMOVE_ENDED_SCRIPT, WRITE_SCRIPT, type RedisKeys } from './redis-keys.ts'
import type { RedisAddress } from './redis-url.ts'
import { saysTheSame } from '../../list/taken-entry.ts'
import type { Retention } from '../retention.ts'
import type { StoreList } from '../store.ts'

export interface RedisSession {
  /** Waits for changes after the cursor and applies them. Returns the next cursor. */
  follow(cursor: string): Promise<string>
  /** Returns the stream id of the newest change. */
  newestChange(): Promise<string>
  /** Applies all entries to the list. `nonsense` is the number of invalid entries. */
  readAll(): Promise<{ readonly nonsense: number }>
  /**
   * Yields the entries of the list that Redis lacks or holds in an older version, because it lost or never received them.
   * Tombstones in Redis count as present.
   */
  missing(): AsyncGenerator<readonly BlockChange[]>
  /** Returns the number of entries in Redis. */
  count(): Promise<number>
  /** Returns the mark; undefined if there is none. */
  readMark(): Promise<string | undefined>
  /** Sets the mark if there is none, and notifies the machines that follow changes. */
  leaveMark(mark: string): Promise<void>
  /** Returns the maxmemory-policy of Redis; undefined if Redis does not permit INFO. */
  memoryPolicy(): Promise<string | undefined>
  write(changes: readonly BlockChange[]): Promise<void>
  /** How far the clock of Redis is ahead of this machine's; undefined if unknown. */
  readonly clockAheadMs: number | undefined
  /** Seconds since the epoch by the clock of Redis, or by this machine's if unknown. */
  nowSec(): number
  close(): void
}

export interface RedisSessionParts {
  readonly address: RedisAddress
  readonly keys: RedisKeys
  readonly list: StoreList
  readonly clock: Clock
  readonly forgettableSec: Retention
}

export const FIRST_CHANGE = '0-0'

/** Entries per command. Redis and this process are both single-threaded, so a large page would delay others. */
const PAGE = 500

type ReadReply = readonly (readonly [
  key: string,
  changes: readonly (readonly [id: string, fields: readonly string[]])[],
])[]

/** True when the stored content would change if it were merged with the entry. */
function isBehind(content: string | null, entry: BlockEntry, time: ReadingTime): boolean {
  const stored = content === null ? undefined : readStored(nameOf(entry), content, time)
  if (stored === undefined) return content === null
  if (stored.removed) return false
  return !saysTheSame(mergeEntries(stored.entry, entry), stored.entry)
}

/** Opens two connections, and measures the clock of Redis. Rejects if Redis cannot be reached. */
export async function openRedisSession(parts: RedisSessionParts): Promise<RedisSession> {
  const { address, keys, list, clock, forgettableSec } = parts
  const commands = await connectRedis(address)
  // A blocking command delays all later commands on its connection, so XREAD has its own.
  const news = await connectRedis(address).catch((error: unknown) => {
    commands.disconnect()
    throw error
  })

  /** In a cluster, the key selects the node that runs the command. */
  const call = (connection: RedisConnection, command: string, ...args: (string | number)[]): Promise<unknown> =>
    connection.call(command, ...args.map(String))

  const redisClock = createRedisClock(clock, async () => (await call(commands, 'TIME')) as readonly string[])
  await redisClock.measure()

  function takeOver(
    name: string,
    content: string | null,
    isNews: boolean,
  ): { readonly nonsense: boolean; readonly untilSec: number } {
    const time = { nowSec: redisClock.nowSec(), isNews }
    const stored = content === null ? undefined : readStored(name, content, time)
    if (stored === undefined) return { nonsense: content !== null, untilSec: Infinity }
    const { entry, removed } = stored
    if (removed) list.remove(entry, 'store')
    else if (entry.untilSec > forgettableSec()) list.add(entry, 'store')
    return { nonsense: false, untilSec: entry.untilSec }
  }

  async function contentsOf(names: readonly string[]): Promise<readonly (string | null)[]> {
    return (await call(commands, 'HMGET', keys.entries, ...names)) as readonly (string | null)[]
  }

  return {
    async follow(cursor) {
      const block = ['COUNT', PAGE, 'BLOCK', BLOCK_MS, 'STREAMS', keys.changes, cursor] as const
      const [stream] = ((await call(news, 'XREAD', ...block)) ?? []) as ReadReply
      const changes = stream?.[1] ?? []
      const names = new Set(
        changes.flatMap(([, fields]) => {
          const at = fields.indexOf('entry')
          return at === -1 ? [] : [fields[at + 1] ?? '']
        }),
      )
      if (names.size > 0) {
        const contents = await contentsOf([...names])
        ;[...names].forEach((name, index) => takeOver(name, contents[index] ?? null, true))
      }
      return changes.at(-1)?.[0] ?? cursor
    },
    async newestChange() {
      const [newest] = (await call(commands, 'XREVRANGE', keys.changes, '+', '-', 'COUNT', 1)) as [string, string[]][]
      return newest?.[0] ?? FIRST_CHANGE
    },
    async readAll() {
      await redisClock.measure()
      let nonsense = 0
      let cursor = '0'
      do {
        const reply = (await call(commands, 'HSCAN', keys.entries, cursor, 'COUNT', PAGE)) as [string, string[]]
        const ended: string[] = []
        cursor = reply[0]
        for (let index = 0; index < reply[1].length; index += 2) {
          const [name = '', content = ''] = reply[1].slice(index, index + 2)
          if (name === MARK) continue
          const taken = takeOver(name, content, false)
          if (taken.nonsense) nonsense += 1
          if (taken.untilSec <= forgettableSec()) ended.push(name, content)
        }
        if (ended.length > 0) await call(commands, 'EVAL', REMOVE_ENDED_SCRIPT, 1, keys.entries, ...ended)
      } while (cursor !== '0')
      return { nonsense }
    },
    async *missing() {
      let place: number | undefined = 0
      while (place !== undefined) {
        const page = list.page(place, PAGE)
        place = page.next
        const time = { nowSec: redisClock.nowSec(), isNews: false }
        const entries = page.entries.filter(({ untilSec }) => untilSec > time.nowSec)
        if (entries.length === 0) continue
        const contents = await contentsOf(entries.map(nameOf))
        const lost = entries.filter((entry, index) => isBehind(contents[index] ?? null, entry, time))
        if (lost.length > 0) yield lost.map((entry) => ({ entry, change: 'added', origin: 'here' }))
      }
    },
    async count() {
      return Math.max(0, Number(await call(commands, 'HLEN', keys.entries)) - 1)
    },
    async readMark() {
      return ((await call(commands, 'HGET', keys.entries, MARK)) as string | null) ?? undefined
    },
    async leaveMark(mark) {
      if ((await call(commands, 'HSETNX', keys.entries, MARK, mark)) === 0) return
      await call(commands, 'XADD', keys.changes, 'MAXLEN', '~', KEPT_CHANGES, '*', 'mark', mark)
    },
    async memoryPolicy() {
      // Most hosted servers do not permit CONFIG, so INFO is used; a script runs it on the node that holds the keys.
      const info = await call(commands, 'EVAL', MEMORY_SCRIPT, 1, keys.entries).catch(() => '')
      return /^maxmemory_policy:(\S+)/m.exec(String(info))?.[1]
    },
    async write(changes) {
      const texts = changes.flatMap(({ entry, change }) => [
        nameOf(entry),
        change === 'added' ? contentOf(entry, redisClock.nowSec()) : removalOf(entry),
      ])
      const nowSec = Math.floor(redisClock.nowSec())
      await call(commands, 'EVAL', WRITE_SCRIPT, 2, keys.entries, keys.changes, nowSec, KEPT_CHANGES, ...texts)
    },
    get clockAheadMs() {
      return redisClock.aheadMs
    },
    nowSec: () => redisClock.nowSec(),
    close() {
      commands.disconnect()
      news.disconnect()
    },
  }
}
