// Where machines agree to renew a token once: expiring keys in Redis, over a connection of its own.
import type { Clock, Schedule } from '../clock.ts'
import type { MeetingPlace } from '../renew/shared-answer.ts'
import { connectRedis, type RedisConnection } from '../revoke/stores/redis/redis-connection.ts'
import type { RedisAddress } from '../revoke/stores/redis/redis-url.ts'
import type { Config } from '../options/config.ts'
import { redisAddressOf } from '../revoke/stores/create-store.ts'

export interface RedisMeetingPlace extends MeetingPlace {
  close(): void
}

/** A Redis that takes longer is done without: somebody may wait for the answer. */
const COMMAND_MS = 1000
/** After a failure each machine asks for itself this long, rather than waiting for Redis again and again. */
const PAUSE_MS = 5000

/** KEYS: the key. ARGV: what must be there, what comes there, for how many milliseconds. */
const REPLACE_SCRIPT = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`

/** Nothing is connected before it is needed. */
export function createRedisMeetingPlace(
  address: RedisAddress,
  keyPrefix: string,
  { clock, schedule }: { readonly clock: Clock; readonly schedule: Schedule },
): RedisMeetingPlace {
  let connecting: Promise<RedisConnection> | undefined
  let pausedUntilMs = -Infinity
  let closed = false
  const keyOf = (name: string) => `${keyPrefix}:renewal:${name}`

  function letGo(): void {
    void connecting?.then(
      (connection) => {
        connection.disconnect()
      },
      () => undefined,
    )
    connecting = undefined
  }

  async function call(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    if (closed || clock.monotonic() < pausedUntilMs) throw new Error('Redis is left alone for a while')
    let cancel: () => void = () => undefined
    const late = new Promise<never>((_resolve, reject) => {
      cancel = schedule(COMMAND_MS, () => {
        reject(new Error('Redis does not answer in time'))
      })
    })
    connecting ??= connectRedis(address)
    const answer = connecting.then((connection) => connection.call(command, ...args.map(String)))
    try {
      return await Promise.race([answer, late])
    } catch (error) {
      answer.catch(() => undefined)
      pausedUntilMs = clock.monotonic() + PAUSE_MS
      letGo()
      throw error
    } finally {
      cancel()
    }
  }

  return {
    putIfNone: async (name, text, keptMs) => (await call('SET', keyOf(name), text, 'PX', keptMs, 'NX')) === 'OK',
    replace: async (name, before, text, keptMs) =>
      (await call('EVAL', REPLACE_SCRIPT, 1, keyOf(name), before, text, keptMs)) === 1,
    get: async (name) => ((await call('GET', keyOf(name))) as string | null) ?? undefined,
    close() {
      closed = true
      letGo()
    },
  }
}

/** Where the block list is in Redis and an issuer is asked for successors; else undefined. Throws CannotStart. */
export function meetingPlaceOf(
  { issuers, revocation: { store, keyPrefix } }: Config,
  parts: { readonly clock: Clock; readonly schedule: Schedule },
): RedisMeetingPlace | undefined {
  const isNeeded = issuers.some(({ renewal }) => renewal?.endpoint !== undefined)
  if (!isNeeded || store === 'memory' || !('redis' in store)) return undefined
  return createRedisMeetingPlace(redisAddressOf(store), keyPrefix, parts)
}
