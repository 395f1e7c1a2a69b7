// Several listeners of a gateway with workers: each is served by all of them, and a socket file is claimed once.
import t from 'tap'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

import { eventually } from '../../support/eventually.ts'
import { run, start, temporaryDirectory, workersOf, type Started } from '../../support/gateway-process.ts'
import { askAt, freePort } from '../../support/listeners.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { writeFileSync } from 'node:fs'

const configOf = (upstream: string, listen: string) =>
  `listen: ${listen}\nadmin: { port: 0 }\nworkers: 2\nupstreams: { up: { targets: ['${upstream}'] } }\n` +
  `routes: [{ path: '/*', upstream: up, auth: none }]\n`

async function kill({ child }: Pick<Started, 'child'>, signal: NodeJS.Signals): Promise<void> {
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}

t.test('a port and a socket file are served by all workers; the file of a killed gateway is taken over', async (t) => {
  const upstream = await startUpstream(t)
  const file = join(temporaryDirectory(t), 'a.sock')
  const text = configOf(upstream.url, `[{ port: ${await freePort()} }, { unix: ${file}, mode: "0600", parser: node }]`)
  const killed = await start(t, text)
  const workers = workersOf(killed)
  await kill(killed, 'SIGKILL')
  await eventually(() => workers.every((pid) => !existsSync(`/proc/${pid}`)), 'the workers end without their primary')
  t.ok(statSync(file).isSocket(), 'left behind')

  const gateway = await start(t, text)
  const [port, socket] = gateway.url.split(', ')
  t.equal(socket, `unix:${file}`)
  for (const url of [port, socket, port, socket, port, socket]) t.equal((await askAt(url)).status, 200)
  t.equal(statSync(file).mode & 0o777, 0o600)
  const second = run(t, writeConfig(t, text.replace(/port: \d{4,}/, 'port: 0')))
  await once(second.child, 'exit')
  t.match(second.errors(), /gateway\.yaml:1:\d+.*a\.sock is in use: a process listens on it \(listen\[1\]\.unix\)/)
  t.equal((await askAt(socket)).status, 200, 'the first one keeps it')
  await kill(gateway, 'SIGTERM')
  t.notOk(existsSync(file))
})

function writeConfig(t: Parameters<typeof temporaryDirectory>[0], text: string): string {
  const file = join(temporaryDirectory(t), 'gateway.yaml')
  writeFileSync(file, text)
  return file
}

t.test('a second address that is in use ends the start, at its place in the file', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as { port: number }
  const { child, errors } = run(t, writeConfig(t, configOf('http://127.0.0.1:9', `[{ port: 0 }, { port: ${port} }]`)))
  await once(child, 'exit')
  t.match(
    errors(),
    new RegExp(`gateway\\.yaml:1:31.*port ${port} of 127\\.0\\.0\\.1 is in use \\(listen\\[1\\]\\.port\\)`),
  )
})
