// A real redis-server on a free port, which a test can stop and start again.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Redis } from 'ioredis'

import { freePort } from '../../bench/harness/free-port.ts'

export const redisServerPath = '/usr/bin/redis-server'

export interface TestRedis {
  readonly url: string
  readonly port: number
  /** Ends it at once, as kill -9 does. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Runs a command over a connection of its own. */
  command(...args: string[]): Promise<unknown>
}

interface Home {
  teardown(run: () => unknown): void
  testdir(): string
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.write('PING\r\n')
    const [reply] = (await once(socket, 'data')) as [Buffer]
    return !reply.toString().startsWith('-LOADING')
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** `persistent`: what was written survives a stop. */
export async function startRedis(
  t: Home,
  { persistent = true, password }: { readonly persistent?: boolean; readonly password?: string } = {},
): Promise<TestRedis> {
  const port = await freePort()
  const folder = t.testdir()
  let server: ChildProcess | undefined
  const redis: TestRedis = {
    port,
    url: `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}/0`,
    async start() {
      const keeping = persistent
        ? ['--appendonly', 'yes', '--appendfsync', 'always']
        : ['--appendonly', 'no', '--save', '']
      const secret = password === undefined ? [] : ['--requirepass', password]
      const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
      server = spawn(redisServerPath, [...where, ...keeping, ...secret], { stdio: 'ignore' })
      while (!(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 20))
    },
    async stop() {
      if (server === undefined) return
      const ended = once(server, 'exit')
      server.kill('SIGKILL')
      server = undefined
      await ended
    },
    async command(name, ...args) {
      const connection = new Redis(redis.url, { lazyConnect: true })
      try {
        await connection.connect()
        return await connection.call(name, ...args)
      } finally {
        connection.disconnect()
      }
    },
  }
  await redis.start()
  t.teardown(() => redis.stop())
  return redis
}
