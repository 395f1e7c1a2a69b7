// Redis as it is run beyond one server: behind TLS, watched by a Sentinel, and as a Cluster. Real processes on free ports.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Redis, type RedisOptions } from 'ioredis'

import { makeCertificate } from './certificates.ts'
import { redisServerPath } from './redis.ts'

interface Home {
  teardown(run: () => unknown): void
}

interface Server {
  readonly port: number
  command(name: string, ...args: string[]): Promise<unknown>
  /** Ends it at once. */
  kill(): Promise<void>
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

async function spawnServer(t: Home, port: number, args: readonly string[], tls?: RedisOptions['tls']): Promise<Server> {
  const child: ChildProcess = spawn(redisServerPath, [...args, '--save', '', '--bind', '127.0.0.1'], {
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  t.teardown(kill)
  const server: Server = {
    port,
    kill,
    async command(name, ...args) {
      const connection = new Redis({
        ...{ host: tls === undefined ? '127.0.0.1' : 'localhost', port, lazyConnect: true, retryStrategy: () => null },
        ...(tls === undefined ? {} : { tls }),
      })
      connection.on('error', () => undefined)
      try {
        await connection.connect()
        return await connection.call(name, ...args)
      } finally {
        connection.disconnect()
      }
    },
  }
  await until(async () => (await server.command('PING')) === 'PONG', `redis-server answers on ${port}`)
  return server
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const endMs = Date.now() + 10_000
  while (!(await holds().catch(() => false))) {
    if (Date.now() > endMs) throw new Error(`it did not come to this within 10 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function folderIn(t: Home): string {
  // Not t.testdir: each call of that empties the one before.
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-redis-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** A certificate, and what makes servers speak nothing but TLS with it. */
function makeSecure(folder: string) {
  const { cert, key } = makeCertificate(folder, 'localhost')
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert]
  const argsOn = (port: number) => ['--port', '0', '--tls-port', String(port), ...files, '--tls-auth-clients', 'no']
  return { ca: readFileSync(cert, 'utf8'), caFile: cert, argsOn }
}

/** One server that only speaks TLS; `ca` are the certificates it is known by, in PEM. */
export async function startTlsRedis(
  t: Home,
): Promise<{ readonly url: string; readonly ca: string; readonly caFile: string }> {
  const [port = 0] = await freePorts(1)
  const folder = folderIn(t)
  const { ca, caFile, argsOn } = makeSecure(folder)
  await spawnServer(t, port, [...argsOn(port), '--dir', folder], { ca })
  return { url: `rediss://localhost:${port}`, ca, caFile }
}

/** A master with a replica, watched by one Sentinel, which has a replica take over half a second after the master is gone. */
export async function startSentinel(
  t: Home,
): Promise<{ readonly url: string; readonly master: Server; readonly replica: Server }> {
  const folder = folderIn(t)
  const [first = 0, second = 0, watching = 0] = await freePorts(3)
  const master = await spawnServer(t, first, ['--port', String(first), '--dir', folder])
  const following = ['--replicaof', '127.0.0.1', String(first), '--repl-diskless-sync-delay', '0']
  const replica = await spawnServer(t, second, ['--port', String(second), '--dir', folder, ...following])
  await until(
    async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
    'it follows',
  )
  // A Sentinel writes what it learns into its file.
  const file = join(folder, 'sentinel.conf')
  const watch = `sentinel monitor main 127.0.0.1 ${first} 1`
  const times = 'sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000'
  writeFileSync(file, `port ${watching}\ndir ${folder}\n${watch}\n${times}\n`)
  const sentinel = await spawnServer(t, watching, [file, '--sentinel'])
  await until(
    async () => String(await sentinel.command('INFO', 'sentinel')).includes('slaves=1'),
    'it knows the replica',
  )
  return { url: `redis+sentinel://127.0.0.1:${watching}/main`, master, replica }
}

/** A Sentinel and its master that only speak TLS; the Sentinel tells the master by the name that its certificate is for. */
export async function startTlsSentinel(t: Home): Promise<{ readonly url: string; readonly ca: string }> {
  const folder = folderIn(t)
  const [port = 0, watching = 0] = await freePorts(2)
  const { ca, argsOn } = makeSecure(folder)
  await spawnServer(t, port, [...argsOn(port), '--dir', folder], { ca })
  const file = join(folder, 'sentinel.conf')
  const names = 'sentinel resolve-hostnames yes\nsentinel announce-hostnames yes'
  writeFileSync(file, `dir ${folder}\ntls-replication yes\n${names}\nsentinel monitor main localhost ${port} 1\n`)
  await spawnServer(t, watching, [file, '--sentinel', ...argsOn(watching)], { ca })
  return { url: `rediss+sentinel://localhost:${watching}/main`, ca }
}

/** Two masters with half of the slots each. The URL names the one that does not have the keys of the block list. */
export async function startCluster(t: Home, key: string): Promise<{ readonly url: string; readonly owner: Server }> {
  const ports = await freePorts(4)
  const [a, b] = await Promise.all(
    [0, 1].map((index) => {
      const [port = 0, bus = 0] = [ports[index], ports[index + 2]]
      const folder = folderIn(t)
      const cluster = ['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--dir', folder]
      return spawnServer(t, port, ['--port', String(port), ...cluster])
    }),
  )
  if (a === undefined || b === undefined) throw new Error('no cluster')
  await a.command('CLUSTER', 'ADDSLOTSRANGE', '0', '8191')
  await b.command('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383')
  await b.command('CLUSTER', 'SET-CONFIG-EPOCH', '2')
  await a.command('CLUSTER', 'MEET', '127.0.0.1', String(b.port), String(ports[3]))
  for (const node of [a, b])
    await until(
      async () => String(await node.command('CLUSTER', 'INFO')).includes('cluster_state:ok'),
      'the cluster is up',
    )
  const isFirst = Number(await a.command('CLUSTER', 'KEYSLOT', key)) < 8192
  return { url: `redis+cluster://127.0.0.1:${(isFirst ? b : a).port}`, owner: isFirst ? a : b }
}
