// npm run bench:renewal -- [--seconds N] [--clients N] [--quick]: four ways to renew tokens on three machines, side by side.
import { spawn } from 'node:child_process'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { createSigner } from 'fast-jwt'

import { describeMachine, machineText } from '../report/machine.ts'
import type { RenewalResult } from '../report/measured-tables.ts'
import { updateReadme } from '../report/readme.ts'
import { writeResult } from '../report/results.ts'
import { formatTable } from '../report/table.ts'
import { startChild } from './child.ts'
import { runClients, type Observed } from './clients.ts'
import { ISSUER, LIFETIME_SEC, OVERLAP_MS, POLICIES, TITLES, WINDOW_SEC, type Policy } from './rules.ts'

const MACHINES = 3
const { values } = parseArgs({
  options: { seconds: { type: 'string' }, clients: { type: 'string' }, quick: { type: 'boolean', default: false } },
})
const seconds = Number(values.seconds ?? (values.quick ? 15 : 60))
const clients = Number(values.clients ?? 200)
if (!(seconds > 0) || !(clients > 0))
  throw new Error('usage: npm run bench:renewal -- [--seconds N] [--clients N] [--quick]')

const directory = mkdtempSync(join(tmpdir(), 'tollgate-renewal-'))
process.on('exit', () => {
  rmSync(directory, { recursive: true, force: true })
})
const keyFile = join(directory, 'key')
const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
writeFileSync(`${keyFile}.private.pem`, privateKey)
writeFileSync(`${keyFile}.public.pem`, publicKey)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A real Redis, empty, for one policy. */
async function startRedis(): Promise<{ readonly url: string; readonly end: () => void }> {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory]
  const redis = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  process.on('exit', () => redis.kill('SIGKILL'))
  for await (const text of redis.stdout as AsyncIterable<Buffer>)
    if (text.toString().includes('Ready to accept connections')) break
  redis.stdout.resume()
  return { url: `redis://127.0.0.1:${port}`, end: () => redis.kill('SIGTERM') }
}

function tollgateConfig(upstreamPort: number, redisUrl: string): string {
  const file = join(directory, 'gateway.yaml')
  writeFileSync(
    file,
    `listen: { host: 127.0.0.1, port: 0 }
admin: { host: 127.0.0.1, port: 0 }
log: { level: error, access: off }
issuers:
  - name: login
    issuer: ${ISSUER}
    audiences: [bench]
    algorithms: [RS256]
    keys: { pemFile: ${keyFile}.public.pem }
    clockTolerance: 0s
    renewal:
      strategy: ahead
      window: ${WINDOW_SEC}s
      lifetime: ${LIFETIME_SEC}s
      overlap: ${OVERLAP_MS / 1000}s
      maxSession: 1h
      signingKey: { pemFile: ${keyFile}.private.pem, alg: RS256 }
revocation: { store: { redis: ${redisUrl} } }
upstreams: { up: { targets: [http://127.0.0.1:${upstreamPort}] } }
routes: [{ path: /*, upstream: up }]
`,
  )
  return file
}

const sign = createSigner({ key: privateKey, algorithm: 'RS256', kid: 'bench' })
function logIn(expiresInSec: number): string {
  const nowSec = Math.floor(Date.now() / 1000)
  return sign({
    ...{ iss: ISSUER, aud: 'bench', sub: randomUUID(), auth_time: nowSec, jti: randomUUID() },
    ...{ iat: nowSec, exp: nowSec + expiresInSec },
  })
}

function p99(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN
}

interface Result extends Omit<Observed, 'plainMs' | 'dueMs'> {
  readonly policy: Policy
  readonly title: string
  readonly signed: number
  readonly redisRoundTrips: number
  readonly tokensPerRenewal: number
  readonly signaturesPerRenewal: number
  readonly refusedPerThousand: number
  readonly p99PlainMs: number
  readonly p99DueMs: number
  readonly p99AddedMs: number
}

async function measure(policy: Policy): Promise<Result> {
  const redis = await startRedis()
  const upstream = await startChild('upstream.js', [], 1)
  const script = policy === 'tollgate' ? 'tollgate.js' : 'naive-gateway.js'
  const args =
    policy === 'tollgate'
      ? [tollgateConfig(upstream.hello.port, redis.url)]
      : [policy, `http://127.0.0.1:${upstream.hello.port}`, redis.url, keyFile]
  const machines = await Promise.all(Array.from({ length: MACHINES }, () => startChild(script, args, 0)))
  const ports = machines.map(({ hello }) => hello.port)
  // The first seconds warm up code and connections.
  await runClients({ policy, ports, clients: Math.min(clients, 50), seconds: 2, logIn })
  const { plainMs, dueMs, ...observed } = await runClients({ policy, ports, clients, seconds, logIn })
  const counts = await Promise.all(machines.map((machine) => machine.ask<{ signed: number; redis: number }>({})))
  for (const child of [...machines, upstream]) child.end()
  redis.end()
  const sum = (name: 'signed' | 'redis') => counts.reduce((total, count) => total + count[name], 0)
  return {
    ...observed,
    policy,
    title: TITLES[policy],
    signed: sum('signed'),
    redisRoundTrips: sum('redis'),
    tokensPerRenewal: observed.minted / observed.renewals,
    signaturesPerRenewal: sum('signed') / observed.renewals,
    refusedPerThousand: (1000 * observed.refused) / observed.requests,
    p99PlainMs: p99(plainMs),
    p99DueMs: p99(dueMs),
    p99AddedMs: p99(dueMs) - p99(plainMs),
  }
}

const machine = describeMachine()
process.stderr.write(
  `${machineText(machine)}\n${MACHINES} gateways, ${clients} clients, ${seconds} s for each policy\n`,
)
const results: Result[] = []
for (const policy of POLICIES) {
  results.push(await measure(policy))
  process.stderr.write(`${policy} done\n`)
}
const head = [
  'policy',
  'requests',
  'renewals',
  'tokens per renewal',
  'refused, session alive',
  'p99 added, ms',
  'Redis round trips',
]
const rows = results.map(({ title, requests, renewals, tokensPerRenewal, refused, p99AddedMs, redisRoundTrips }) => [
  title,
  String(requests),
  String(renewals),
  tokensPerRenewal.toFixed(2),
  String(refused),
  p99AddedMs.toFixed(1),
  String(redisRoundTrips),
])
process.stdout.write(`${formatTable(head, rows)}\n`)
const result = { machine, machines: MACHINES, clients, seconds, results } satisfies RenewalResult
writeResult('renewal.json', `${JSON.stringify(result, null, 2)}\n`, values.quick)
updateReadme()
const tollgate = results.find(({ policy }) => policy === 'tollgate')
const good = tollgate?.tokensPerRenewal === 1 && tollgate.refused === 0 && tollgate.failed === 0
process.stdout.write(
  good
    ? 'Tollgate: one token for a renewal, nobody refused.\n'
    : 'MISSED: Tollgate minted more than one token, or refused somebody.\n',
)
process.exit(good ? 0 : 1)
