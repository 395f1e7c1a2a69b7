// The gateway as users run it: the command line, metrics on, access log off, and a config of what the row is about.
import { freePort } from '../harness/free-port.ts'
import { PROXY_CORE, startServer, type Server } from '../harness/server.ts'
import { writeWork } from '../harness/work-directory.ts'
import { SECRET, type BenchKeys } from '../verify/keys-and-tokens.ts'

const BIN = new URL('../../../gateway/bin/tollgate.js', import.meta.url).pathname

export interface TollgateParts {
  readonly name: string
  /** A URL, or several options of the upstream called `backend`. */
  readonly upstream: string
  readonly keys: readonly BenchKeys[]
  /** What stands in the config beside or instead of the rest. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Opens the admin API. */
  readonly adminToken?: string
  readonly core?: string
  readonly startMs?: number
}

export interface TollgateServer extends Server {
  readonly adminUrl: string
  /** Its config, and the file that it was read from. */
  readonly file: string
  readonly config: Readonly<Record<string, unknown>>
}

function issuerOf({ algorithm, publicPem, issuer }: BenchKeys, index: number): Record<string, unknown> {
  const keys =
    publicPem === undefined
      ? { secret: { value: SECRET, encoding: 'utf8' } }
      : { pemFile: writeWork('issuer.pem', publicPem) }
  return { name: `bench-${index}`, issuer, audiences: ['api'], algorithms: [algorithm], keys }
}

export const API_ROUTE = {
  path: '/api/*',
  upstream: 'backend',
  require: { scopes: { all: ['things:read'] } },
} as const

export async function startTollgate(parts: TollgateParts): Promise<TollgateServer> {
  const { name, upstream, keys, config = {}, adminToken, core = PROXY_CORE, startMs = 15_000 } = parts
  const [port, adminPort] = [await freePort(), await freePort()]
  const options = {
    listen: { port },
    admin: { port: adminPort, ...(adminToken === undefined ? {} : { token: adminToken }) },
    log: { level: 'warn', access: 'off' },
    issuers: keys.map(issuerOf),
    upstreams: { backend: { targets: [upstream] } },
    routes: [API_ROUTE],
    ...config,
  }
  const file = writeWork('gateway.yaml', JSON.stringify(options))
  const args = [BIN, 'run', '-c', file]
  const server = await startServer({ name, command: process.execPath, args, core, port, startMs })
  return { ...server, adminUrl: `http://127.0.0.1:${adminPort}`, file, config: options }
}

/** The sum of a metric over its labels. */
export async function readMetric(adminUrl: string, name: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? ([0-9.e+]+)$`, 'gm'))]
  return values.reduce((total, [, value]) => total + Number(value), 0)
}
