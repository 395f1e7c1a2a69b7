// Socket activation: sd_listen_fds(3) as a table, and a gateway that systemd's own tool starts.
import t from 'tap'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { inheritedSockets } from '../../../gateway/src/gateway/listener/inherited-sockets.ts'
import { eventually } from '../../support/eventually.ts'
import { askAt, freePort } from '../../support/listeners.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { requireComponent } from '../../support/require-component.ts'
import type { Teardown } from '../../support/test-gateway.ts'

const ACTIVATE = '/usr/bin/systemd-socket-activate'
const BIN = new URL('../../../gateway/bin/tollgate.js', import.meta.url).pathname

t.test('sockets are handed over by number and name, to the process that is meant', async (t) => {
  const cases: readonly [string, NodeJS.ProcessEnv, readonly [number, string][]][] = [
    [
      'two with names',
      { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:other' },
      [
        [3, 'web'],
        [4, 'other'],
      ],
    ],
    [
      'two of one unit',
      { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:web' },
      [
        [3, 'web'],
        [4, 'web'],
      ],
    ],
    ['no names', { LISTEN_PID: '7', LISTEN_FDS: '1' }, [[3, 'unknown']]],
    [
      'fewer names',
      { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'web' },
      [
        [3, 'web'],
        [4, 'unknown'],
      ],
    ],
    ['for our parent', { LISTEN_PID: '6', LISTEN_FDS: '1' }, []],
    ['for nobody', { LISTEN_FDS: '1' }, []],
    ['none', { LISTEN_PID: '7', LISTEN_FDS: '0' }, []],
    ['no number', { LISTEN_PID: '7', LISTEN_FDS: '1e1' }, []],
    ['nothing', {}, []],
  ]
  for (const [title, env, expected] of cases)
    t.same(
      inheritedSockets(env, 7).map(({ fd, name }) => [fd, name]),
      expected,
      title,
    )
})

async function startActivated(t: Teardown, workers: number) {
  const folder = mkdtempSync(join(tmpdir(), 'tg-'))
  const upstream = await startUpstream(t)
  const [port, file, socket] = [await freePort(), join(folder, 'gateway.yaml'), join(folder, 'a.sock')]
  writeFileSync(
    file,
    `listen: [{ systemd: web }, { port: 0 }]\nadmin: { port: 0 }\nworkers: ${workers}\n` +
      `upstreams: { up: { targets: ['${upstream.url}'] } }\nroutes: [{ path: '/*', upstream: up, auth: none }]\n`,
  )
  const listen = ['-l', `127.0.0.1:${port}`, '-l', socket, '--fdname', 'web:web']
  const child = spawn(ACTIVATE, [...listen, process.execPath, BIN, 'run', '-c', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  t.teardown(() => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  await eventually(() => output.includes('Listening on') && output.includes(socket), 'it opens the sockets')
  return { child, port, socket, output: () => output, requests: upstream.requests }
}

const isHere = requireComponent(t, 'systemd-socket-activate', ACTIVATE)

for (const workers of [1, 2])
  t.test(`the sockets of systemd are served, with workers: ${workers}`, { skip: !isHere }, async (t) => {
    const { child, port, socket, output, requests } = await startActivated(t, workers)
    // It waits in the queue of the socket for the start that it causes.
    t.equal((await askAt(`http://127.0.0.1:${port}`, '/first')).status, 200)
    for (let round = 0; round < 4; round += 1) t.equal((await askAt(`http://127.0.0.1:${port}`)).status, 200)
    t.equal((await askAt(`unix:${socket}`, '/unix')).status, 200)
    t.equal(requests.find(({ url }) => url === '/first')?.headers['x-forwarded-for'], '127.0.0.1')
    t.equal(requests.find(({ url }) => url === '/unix')?.headers['x-forwarded-for'], 'unknown')
    const told = new RegExp(`"url":"http://127\\.0\\.0\\.1:${port}, http://127\\.0\\.0\\.1:\\d+"`)
    await eventually(() => told.test(output()), 'it says where it listens')
    child.kill('SIGTERM')
    await eventually(() => child.exitCode !== null, 'it ends')
    t.equal(child.exitCode, 0)
  })
