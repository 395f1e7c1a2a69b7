// The log has nowhere to go: the disk is full, its reader stands still or is gone. Requests are served, and the end is the end.
import t from 'tap'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../../bench/harness/free-port.ts'
import { createLogOutput, writeBlockTo, type WriteFile } from '../../gateway/src/observe/log-output.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/gateway-process.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import type { Teardown } from '../support/test-gateway.ts'

const BIN = join(import.meta.dirname, '../../gateway/bin/tollgate.js')

/** A line of 8 KB for each request; together more than a pipe (64 KiB) and a socket (208 KiB) hold. */
const LONG_PATH = `/${'x'.repeat(8000)}`
const REQUESTS = 60

/** A gateway with this as its standard output. */
async function startOn(t: Teardown, stdout: number | 'pipe', workers: number) {
  const upstream = await startUpstream(t)
  const url = `http://127.0.0.1:${await freePort()}`
  const adminUrl = `http://127.0.0.1:${await freePort()}`
  const file = join(temporaryDirectory(t), 'gateway.yaml')
  writeFileSync(
    file,
    `listen: { port: ${new URL(url).port} }\nadmin: { port: ${new URL(adminUrl).port} }\nworkers: ${workers}\n` +
      `upstreams: { up: { targets: ['${upstream.url}'] } }\nroutes: [{ path: '/*', upstream: up, auth: none }]\n`,
  )
  const child: ChildProcess = spawn(process.execPath, [BIN, 'run', '-c', file], { stdio: ['ignore', stdout, 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  // Of several, the first worker serves before the primary has them all.
  const isUp = async () => {
    const [answer, metrics] = await Promise.all([fetch(url), fetch(`${adminUrl}/metrics`)])
    return answer.status === 200 && (workers === 1 || (await metrics.text()).includes(`tollgate_workers ${workers}`))
  }
  await eventually(() => isUp().catch(() => false), 'it serves', 20_000, 50)
  return { child, url, errors: () => errors }
}

async function statusesOf(url: string): Promise<number[]> {
  const statuses = new Set<number>()
  for (let sent = 0; sent < REQUESTS; sent++) statuses.add((await fetch(url + LONG_PATH)).status)
  return [...statuses]
}

const NOWHERE = [
  {
    what: 'a disk that is full',
    open: () => openSync('/dev/full', 'w'),
    errors: /^(tollgate: the log cannot be written, requests are served all the same: ENOSPC.*\n)+$/,
  },
  {
    what: 'a pipe whose reader stands still',
    open: (directory: string) => {
      const pipe = join(directory, 'pipe')
      execFileSync('mkfifo', [pipe])
      return openSync(pipe, 'r+')
    },
    errors: /^$/,
  },
  { what: 'a socket whose reader stands still', open: () => 'pipe' as const, errors: /^$/ },
  {
    what: 'a reader that is gone',
    open: () => 'pipe' as const,
    isGone: true,
    errors:
      /^(tollgate: no log is written any more, requests are served all the same: nobody reads it \(write EPIPE\)\n)+$/,
  },
]

for (const { what, open, isGone = false, errors } of NOWHERE)
  for (const workers of [1, 2])
    t.test(`${what}, ${workers} worker: all is served, and SIGTERM ends it`, async (t) => {
      const stdout = open(temporaryDirectory(t))
      const gateway = await startOn(t, stdout, workers)
      if (typeof stdout === 'number') t.teardown(() => closeSync(stdout))
      if (isGone) gateway.child.stdout?.destroy()
      t.same(await statusesOf(gateway.url), [200])
      gateway.child.kill('SIGTERM')
      t.same(await once(gateway.child, 'exit'), [0, null])
      t.match(gateway.errors(), errors)
    })

t.test('a line that could not be written is written when the disk has room again, once and whole', async (t) => {
  const written: string[] = []
  let room = 3
  // As write(2) does on a disk that fills: what has room is written, then ENOSPC.
  const write: WriteFile = (_fd, bytes, done) => {
    const count = Math.min(room, bytes.length)
    room -= count
    written.push(bytes.toString('utf8', 0, count))
    setImmediate(() => {
      if (count === 0) done(new Error('ENOSPC: no space left on device'), 0)
      else done(null, count)
    })
  }
  const output = createLogOutput(writeBlockTo(7, write), 4096)
  output.write('first\n')
  output.flush()
  output.write('second\n')
  await eventually(() => written.join('') === 'fir', 'what has room is there')
  room = 1000
  await output.end()
  t.equal(written.join(''), 'first\nsecond\n')
})

t.test('lines that had to be left out are counted in the log itself', async (t) => {
  const blocks: string[] = []
  const waiting: (() => void)[] = []
  const output = createLogOutput((block, done) => {
    blocks.push(block)
    waiting.push(done)
  }, 4096)
  const line = `${'y'.repeat(1_048_575)}\n`
  for (let count = 0; count < 11; count++) output.write(line)
  t.equal(blocks.length, 1, 'one block at a time')
  waiting.shift()?.()
  const ended = output.end()
  while (waiting.length > 0) waiting.shift()?.()
  await ended
  t.equal(blocks.filter((block) => block === line).length, 8, 'as much as may wait')
  t.match(JSON.parse(blocks.at(-1) ?? '{}'), { level: 40, count: 3, message: /^log lines were lost/ })
})
