// What the service manager is told (sd_notify(3)): READY, RELOADING, STOPPING, in this order, and nothing where nobody listens.
import t from 'tap'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { createServiceManager, type Notify } from '../../../gateway/src/operate/supervisor/service-manager.ts'
import { eventually } from '../../support/eventually.ts'
import { settle } from '../../support/fake-clock.ts'
import { start, temporaryDirectory } from '../../support/gateway-process.ts'
import { openNotifySocket } from '../../support/notify-socket.ts'
import { requireComponent } from '../../support/require-component.ts'
import { startUpstream } from '../../support/recording-upstream.ts'

const configText = (upstream: string, workers: number) => `
listen: { port: 0 }
admin: { port: 0 }
workers: ${workers}
shutdown: { delay: 1s }
upstreams: { up: { targets: ['${upstream}'] } }
routes: [{ path: '/*', upstream: up, auth: none }]
`
const hasAll = (t: Parameters<typeof requireComponent>[0]) =>
  requireComponent(t, 'systemd-notify', '/usr/bin/systemd-notify') && requireComponent(t, 'python3', '/usr/bin/python3')

for (const workers of [1, 2])
  t.test(`${workers} worker: ready when it listens, stopping at the signal, each once`, async (t) => {
    if (!hasAll(t)) return
    const socket = await openNotifySocket(t)
    const upstream = await startUpstream(t)
    const gateway = await start(t, configText(upstream.url, workers), { NOTIFY_SOCKET: socket.path })
    await eventually(() => socket.told().length > 0, 'it is told')
    t.same(socket.told(), ['READY=1'])
    const exited = once(gateway.child, 'exit')
    gateway.child.kill('SIGTERM')
    await eventually(() => socket.told().length > 1, 'it is told before the end')
    t.equal(gateway.child.exitCode, null, 'while it still drains')
    t.same(await exited, [0, null])
    t.same(socket.told(), ['READY=1', 'STOPPING=1'], 'by the primary alone')
    t.notMatch(gateway.output(), 'NOTIFY_SOCKET')
  })

t.test('a reload has the time by which the manager tells it from others', async (t) => {
  if (!hasAll(t)) return
  const socket = await openNotifySocket(t)
  const warnings: unknown[] = []
  const log = { warn: (...line: unknown[]) => void warnings.push(line) }
  const manager = createServiceManager({ ...process.env, NOTIFY_SOCKET: socket.path }, log)
  const before = process.hrtime.bigint() / 1000n
  manager.reloading()
  manager.ready()
  await eventually(() => socket.told().length === 2, 'both came')
  const [reloading = '', ready] = socket.told()
  const [, usec = '0'] = /^RELOADING=1\\nMONOTONIC_USEC=(\d+)$/.exec(reloading) ?? []
  t.ok(BigInt(usec) >= before && BigInt(usec) <= process.hrtime.bigint() / 1000n, reloading)
  t.equal(ready, 'READY=1')
  t.same(warnings, [])
})

t.test('where it cannot be told, one line says so and all is served', async (t) => {
  const upstream = await startUpstream(t)
  const env = { NOTIFY_SOCKET: '/nowhere/notify.sock', PATH: temporaryDirectory(t) }
  const gateway = await start(t, configText(upstream.url, 1), env)
  await eventually(() => gateway.output().includes('NOTIFY_SOCKET'), 'the log says so')
  t.equal((await fetch(gateway.url)).status, 200)
  const exited = once(gateway.child, 'exit')
  gateway.child.kill('SIGTERM')
  t.same(await exited, [0, null])
  const lines = gateway
    .output()
    .split('\n')
    .filter((line) => line.includes('NOTIFY_SOCKET'))
  t.equal(lines.length, 1, 'once')
  t.match(JSON.parse(lines[0] ?? ''), { level: 40, reason: 'there is no systemd-notify' })
})

t.test('messages keep their order, a failed one holds up none, and without the socket there is none', async (t) => {
  const sent: string[] = []
  const warnings: unknown[] = []
  let release = (): void => undefined
  const notify: Notify = async (assignments) => {
    sent.push(assignments[0] ?? '')
    if (sent.length === 1) await new Promise<void>((resolve) => (release = resolve))
    throw new Error('systemd-notify failed')
  }
  const log = { warn: (...[line]: readonly unknown[]) => void warnings.push(line) }
  for (const env of [{}, { NOTIFY_SOCKET: '' }]) {
    const nobody = createServiceManager(env, log, notify)
    nobody.ready()
    nobody.stopping()
    await settle()
  }
  t.same(sent, [])

  const manager = createServiceManager({ NOTIFY_SOCKET: '@abstract' }, log, notify)
  manager.ready()
  manager.stopping()
  await settle()
  t.same(sent, ['READY=1'], 'the second waits for the first')
  release()
  await settle()
  t.same(sent, ['READY=1', 'STOPPING=1'])
  t.same(warnings, [{ reason: 'systemd-notify failed' }])
})

t.test('the command is given nothing of the environment but the socket and the path', async (t) => {
  const folder = temporaryDirectory(t)
  const command = join(folder, 'systemd-notify')
  writeFileSync(command, '#!/bin/sh\n/usr/bin/env > "$0.env.part"; /bin/mv "$0.env.part" "$0.env"\n', { mode: 0o755 })
  const log = { warn: () => undefined }
  createServiceManager({ NOTIFY_SOCKET: '@socket', PATH: folder, JWT_SECRET: 'zq7' }, log).ready()
  await eventually(() => existsSync(`${command}.env`), 'it ran')
  const env = readFileSync(`${command}.env`, 'utf8')
  t.match(env, 'NOTIFY_SOCKET=@socket')
  t.match(env, `PATH=${folder}`)
  t.notMatch(env, /JWT_SECRET|zq7|HOME=/)
})
