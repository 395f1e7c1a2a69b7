// Connects to Redis by ioredis, which is loaded only if Redis is configured. No other file uses the library.
import type { Cluster, Redis } from 'ioredis'

import type { RedisAddress } from './redis-url.ts'

export type RedisConnection = Redis | Cluster

/** Delay before the next session after one has failed. */
export const RETRY_MS = 500
/** How long XREAD waits for changes on the server. */
export const BLOCK_MS = 2000
/** Redis counts as down when a command takes longer. */
const COMMAND_TIMEOUT_MS = 5000
const CONNECT_TIMEOUT_MS = 5000
/** Sentinels reply from memory, so a short limit is enough; one that hangs must not delay the others. */
const SENTINEL_TIMEOUT_MS = 2000

/** Options of every connection, to a single server and to the nodes of a cluster. */
function commonOptions({ tls, username, password, ca }: RedisAddress) {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: ca === undefined ? {} : { ca } } : {}),
    commandTimeout: COMMAND_TIMEOUT_MS + BLOCK_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Replies as lists; version 3 has maps too, and older servers do not support it.
    protocol: 2 as const,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectionName: 'tollgate',
    lazyConnect: true,
  }
}

/** Creates a connection that is not open yet. */
async function createConnection(address: RedisAddress): Promise<RedisConnection> {
  const { Cluster, Redis } = await import('ioredis')
  const { mode, tls, hosts, password, db, masterName } = address
  const common = commonOptions(address)
  if (mode === 'cluster') {
    return new Cluster([...hosts], {
      redisOptions: common,
      clusterRetryStrategy: () => null,
      lazyConnect: true,
      // With TLS a certificate names the host, not its address.
      ...(tls
        ? {
            dnsLookup: (name: string, done: (error: null, address: string) => void) => {
              done(null, name)
            },
          }
        : {}),
    })
  }
  const single = { ...common, db, retryStrategy: () => null }
  if (mode === 'single') {
    const [{ host, port } = { host: '127.0.0.1', port: 6379 }] = hosts
    return new Redis({ ...single, host, port })
  }
  return new Redis({
    ...single,
    name: masterName,
    sentinels: [...hosts],
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
    enableTLSForSentinelMode: tls,
    ...(common.tls === undefined ? {} : { sentinelTLS: common.tls }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
  })
}

/** Opens a connection, or rejects. It does not reconnect: the store opens a new one and compares the whole list. */
export async function connectRedis(address: RedisAddress): Promise<RedisConnection> {
  const connection = await createConnection(address)
  // ioredis emits connection errors as events. Without a listener they would end the process.
  let reason: unknown
  connection.on('error', (error: unknown) => {
    reason = error
  })
  try {
    await connection.connect()
    return connection
  } catch (error) {
    // connect() only reports that the connection is closed.
    connection.disconnect()
    throw reason ?? error
  }
}

/** True when Redis refuses a write because its memory is full. Older servers prefix the error of a script's command. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && /(^|-)OOM /.test(error.message)
}

export function isLoading(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('LOADING')
}

/** Describes an error without the texts of the library, which may hold addresses and passwords. */
export function redisProblem(error: unknown): string {
  // For a cluster, the error of the node tried last says more.
  const { lastNodeError } = error as { readonly lastNodeError?: unknown }
  if (lastNodeError instanceof Error) return redisProblem(lastNodeError)
  const { code = '', message = '' } = error as { readonly code?: string; readonly message?: string }
  if (/^(NOAUTH|WRONGPASS)|invalid (username-)?password/i.test(message)) return 'Redis refuses the password'
  if (message.startsWith('NOPERM')) return 'Redis does not permit a command that is needed'
  if (isLoading(error)) return 'Redis is loading its data'
  if (/^(READONLY|MASTERDOWN|CLUSTERDOWN)/.test(message)) return 'Redis takes no writes'
  if (isOutOfMemory(error)) return 'Redis is out of memory'
  // ioredis does not report the error of each Sentinel, not even an untrusted certificate.
  if (message.startsWith('All sentinels are unreachable'))
    return 'no Sentinel names a master (with TLS this may be revocation.store.ca)'
  if (/CERT|SELF_SIGNED|VERIFY_LEAF/.test(code)) return 'the certificate of Redis is not trusted (revocation.store.ca)'
  if (/^(EPROTO|ERR_SSL_)/.test(code)) return 'Redis does not speak TLS as the URL says'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the host name of Redis leads to no address (DNS)'
  return code === 'ECONNREFUSED' ? 'Redis refuses connections' : 'Redis cannot be reached'
}
