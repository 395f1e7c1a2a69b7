// A process whose config file changes while clients are at work: nothing of theirs fails, and a bad file changes nothing.
import t from 'tap'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Agent, type ServerResponse } from 'node:http'

import { eventually } from '../../support/eventually.ts'
import { openNotifySocket } from '../../support/notify-socket.ts'
import { openRaw } from '../../support/raw-connection.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { ADMIN_TOKEN, send, startReloadable, type Line } from '../../support/reloadable.ts'
import { requireComponent } from '../../support/require-component.ts'
import { runCli } from '../../support/run-cli.ts'
import { signHmac } from '../../support/tokens.ts'
import { waitFor } from '../../support/wait-for.ts'
import { openWebSocket, startWebSocketUpstream } from '../../support/websocket.ts'

t.test('ten reloads, some of bad files, under load: no request fails, and what is open stays open', async (t) => {
  const streams: ServerResponse[] = []
  const uploads: number[] = []
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      streams.push(response)
      return
    }
    let bytes = 0
    request.on('data', (chunk: Buffer) => (bytes += chunk.length))
    request.on('end', () => {
      if (request.method === 'POST') uploads.push(bytes)
      response.end('served')
    })
  })
  const sockets = await startWebSocketUpstream(t)
  const gateway = await startReloadable(t, { http: upstream.url, ws: sockets.url })
  const { url, port, write, lines, admin } = gateway
  const token = await signHmac()
  const revoked = await signHmac({ jti: 'revoked' })
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  t.teardown(() => {
    agent.destroy()
  })
  t.equal((await admin('POST', '/api/revocations', { token: revoked })).status, 201)

  const authorization = `Authorization: Bearer ${token}\r\n`
  const stream = await openRaw(t, port)
  stream.write(`GET /events HTTP/1.1\r\nHost: a\r\n${authorization}\r\n`)
  await stream.until(/\r\n\r\n/)
  const upload = await openRaw(t, port)
  upload.write(`POST /same/upload HTTP/1.1\r\nHost: a\r\n${authorization}Content-Length: 10\r\n\r\n`)
  const { socket } = await openWebSocket(`${url}/ws`, [], { headers: { authorization: `Bearer ${token}` } })

  const counts = new Map<number | string, number>()
  let done = false
  const clients = Array.from({ length: 4 }, async () => {
    while (!done) {
      const outcome = await send(`${url}/same/x`, agent, token)
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
    }
  })
  for (let turn = 1; turn <= 10; turn += 1) {
    const isBad = turn % 3 === 0
    write([`/turn/${turn}`], isBad ? 'cors: { origins: nobody, surprise: 1 }' : '')
    if (turn % 2 === 0) {
      const response = await admin('POST', '/api/reload')
      t.equal(response.status, isBad ? 422 : 200, `turn ${turn}`)
      const { problems = [] } = (await response.json()) as Line
      if (isBad) t.match(problems.join(), /gateway\.yaml:\d+:\d+ error: .*surprise/)
    } else {
      const before = lines().length
      gateway.child.kill('SIGHUP')
      const wanted = isBad ? /^the config was not reloaded/ : /^the config was reloaded/
      await eventually(
        () =>
          lines()
            .slice(before)
            .some(({ message = '' }) => wanted.test(message)),
        `turn ${turn}`,
      )
    }
    t.equal(await send(`${url}/turn/${turn}`, agent, token), isBad ? 404 : 200)
    t.equal(await send(`${url}/same/x`, agent, revoked), 401, 'revoked is revoked')
    const metrics = await (await admin('GET', '/metrics')).text()
    t.match(metrics, `tollgate_config_last_reload_successful ${isBad ? 0 : 1}`)
    t.match(metrics, /tollgate_config_last_reload_success_timestamp_seconds \d{10}/)
    upload.write('x')
    streams[0]?.write(`data: ${turn}\n\n`)
    await waitFor(() => stream.received().includes(`data: ${turn}\n\n`))
  }
  done = true
  await Promise.all(clients)
  t.same([...counts.keys()], [200], JSON.stringify([...counts]))
  t.ok((counts.get(200) ?? 0) > 100)
  t.comment(`${counts.get(200) ?? 0} requests`)
  await upload.until(/served/)
  t.same(uploads, [10], 'the upload reached its end')
  const echoed = new Promise((resolve) =>
    socket.once('message', (data: Buffer) => {
      resolve(data.toString())
    }),
  )
  socket.send('still')
  t.equal(await echoed, 'still')
  t.equal(await send(`${url}/events`, agent, token), 404, 'its route was removed long ago')
  socket.close()
  const told = lines().flatMap(({ problems }) => problems ?? [])
  t.ok(told.length >= 3)
  for (const problem of told) t.match(problem, /gateway\.yaml:\d+:\d+ error: /)
})

t.test(
  'tollgate reload says what became of it; what needs a restart is told; without the admin token nothing happens',
  async (t) => {
    const upstream = await startUpstream(t)
    const { file, write, adminUrl, admin, url } = await startReloadable(t, { http: upstream.url, ws: upstream.url })
    const call = ['reload', '-c', file, '--admin', adminUrl, '--admin-token', ADMIN_TOKEN]
    write(['/new'], 'limits: { headerBytes: 8KiB }')
    t.equal((await fetch(`${adminUrl}/api/reload`, { method: 'POST' })).status, 401)
    t.equal((await fetch(`${url}/new`)).status, 404)
    const good = await runCli(...call)
    t.equal(good.code, 0)
    t.match(good.out, /the config was reloaded\nneeds a restart: limits\.headerBytes: /)
    t.equal((await fetch(`${url}/new`)).status, 401, 'there, and wants a token')
    const { config } = (await (await admin('GET', '/api/config')).json()) as { config: { limits: object } }
    t.match(JSON.stringify(config), '/new', 'the admin API tells what runs')
    write(['/other'], 'surprise: 1')
    const bad = await runCli(...call, '--json')
    t.equal(bad.code, 1)
    t.match(JSON.parse(bad.out), { reloaded: false, problems: [/gateway\.yaml:\d+:\d+ error/] })
    t.equal((await fetch(`${url}/new`)).status, 401, 'the last one still serves')
  },
)

t.test('watch: true: a file that changes is reloaded, a bad one is told and changes nothing', async (t) => {
  const upstream = await startUpstream(t)
  const targets = { http: upstream.url, ws: upstream.url }
  const { file, write, url, lines } = await startReloadable(t, targets, { first: 'watch: true' })
  write(['/new'], 'watch: true')
  await eventually(async () => (await fetch(`${url}/new`)).status === 401, 'the new route wants a token')
  write(['/other'], 'watch: perhaps')
  await eventually(() => lines().some(({ problems = [] }) => problems.length > 0), 'the problems are told')
  t.equal((await fetch(`${url}/new`)).status, 401)
  t.equal((await fetch(`${url}/other`)).status, 404)
  const realm = () => fetch(`${url}/new`).then(({ headers }) => headers.get('www-authenticate'))
  writeFileSync(join(dirname(file), 'realm'), 'first')
  write(['/new'], 'watch: true\nerrors: { realm: "${file:realm}" }')
  await eventually(async () => (await realm()) === 'Bearer realm="first"', 'the realm of the file')
  writeFileSync(join(dirname(file), 'realm'), 'second')
  await eventually(async () => (await realm()) === 'Bearer realm="second"', 'a file that the config names has changed')
})

for (const workers of [1, 2])
  t.test(`the service manager is told of each reload and of its end, with workers: ${workers}`, async (t) => {
    if (!requireComponent(t, 'systemd-notify', '/usr/bin/systemd-notify')) return
    if (!requireComponent(t, 'python3', '/usr/bin/python3')) return
    const socket = await openNotifySocket(t)
    const upstream = await startUpstream(t)
    const targets = { http: upstream.url, ws: upstream.url }
    const first = `workers: ${workers}`
    const { write, admin } = await startReloadable(t, targets, { first, env: { NOTIFY_SOCKET: socket.path } })
    write(['/new'], first)
    t.equal((await admin('POST', '/api/reload')).status, 200)
    write(['/new'], 'surprise: 1')
    t.equal((await admin('POST', '/api/reload')).status, 422)
    await eventually(() => socket.told().length === 5, 'also of the one that failed, as the last config serves again')
    t.match(socket.told(), [/^READY=1$/, /^RELOADING=1/, /^READY=1$/, /^RELOADING=1/, /^READY=1$/])
  })
