// The unit for systemd: what systemd says of it, and what it starts.
import t from 'tap'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { openNotifySocket } from '../support/notify-socket.ts'
import { temporaryDirectory } from '../support/gateway-process.ts'
import { requireComponent } from '../support/require-component.ts'
import { waitFor } from '../support/wait-for.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const unit = readFileSync(join(ROOT, 'deploy/systemd/tollgate.service'), 'utf8')
const directive = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? ''

t.test('systemd-analyze finds nothing wrong, and nearly everything is taken from the process', async (t) => {
  if (!requireComponent(t, 'systemd-analyze', '/usr/bin/systemd-analyze')) return
  const folder = temporaryDirectory(t)
  const command = join(folder, 'tollgate-command')
  writeFileSync(command, '#!/bin/sh\n')
  chmodSync(command, 0o755)
  const file = join(folder, 'tollgate.service')
  writeFileSync(file, unit.replaceAll('/usr/bin/tollgate', command))
  const socket = join(folder, 'tollgate.socket')
  writeFileSync(socket, readFileSync(join(ROOT, 'deploy/systemd/tollgate.socket')))
  const verified = spawnSync('/usr/bin/systemd-analyze', ['verify', '--man=no', file, socket], { encoding: 'utf8' })
  const ofUnit = verified.stderr.split('\n').filter((line) => line.includes('tollgate'))
  t.same(ofUnit, [])
  t.equal(verified.status, 0, verified.stderr)
  const judged = spawnSync('/usr/bin/systemd-analyze', ['security', '--offline=yes', '--no-pager', file], {
    encoding: 'utf8',
  })
  const exposure = Number(/exposure level[^:]*: ([\d.]+)/i.exec(judged.stdout)?.[1])
  t.ok(exposure < 2.5, `exposure ${exposure} of 10: ${judged.stdout.slice(-200)}${judged.stderr}`)
})

t.test(
  'what the unit starts says READY=1 to its manager, reloads by ExecReload, and ends at SIGTERM with 0',
  async (t) => {
    if (!requireComponent(t, 'systemd-notify', '/usr/bin/systemd-notify')) return
    t.same([directive('Type'), directive('NotifyAccess')], ['notify', 'all'])
    t.equal(directive('ExecReload'), '/bin/kill -HUP $MAINPID')
    const config = join(temporaryDirectory(t), 'gateway.yaml')
    writeFileSync(
      config,
      `{ listen: { port: 0 }, admin: { port: 0 }, upstreams: { up: { targets: [http://127.0.0.1:1] } }, routes: [{ path: /*, upstream: up, auth: none }] }`,
    )
    const bin = join(ROOT, 'gateway/bin/tollgate.js')
    const argvOf = (name: string) =>
      directive(name).replace('/usr/bin/tollgate', bin).replace('/etc/tollgate/gateway.yaml', config).split(' ')
    const checked = spawnSync(process.execPath, argvOf('ExecStartPre'), { encoding: 'utf8' })
    t.equal(checked.status, 0, checked.stderr)
    const socket = await openNotifySocket(t)
    const child = spawn(process.execPath, argvOf('ExecStart'), {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], NOTIFY_SOCKET: socket.path },
    })
    t.teardown(() => child.kill('SIGKILL'))
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await waitFor(() => socket.told().includes('READY=1'), 30_000)
    t.match(output, /"listening"/)
    child.kill('SIGHUP')
    await waitFor(() => socket.told().filter((message) => message.startsWith('READY=1')).length === 2, 30_000)
    child.kill('SIGTERM')
    const [code] = (await once(child, 'exit')) as [number | null]
    t.equal(code, 0)
    t.ok(socket.told().includes('STOPPING=1'))
  },
)
