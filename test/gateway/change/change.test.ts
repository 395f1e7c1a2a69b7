// A change of the config while requests, streams and WebSockets are under way: each ends in the generation that admitted it.
import t from 'tap'
import { writeFileSync } from 'node:fs'
import { Agent, get as httpGet, type ServerResponse } from 'node:http'
import { join } from 'node:path'

import { openRaw } from '../../support/raw-connection.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { testConfig } from '../../support/test-gateway.ts'
import { createSigner, hmacIssuer, ISSUER, signHmac } from '../../support/tokens.ts'
import { waitFor } from '../../support/wait-for.ts'
import { openWebSocket, startWebSocketUpstream } from '../../support/websocket.ts'
import { startChangeable, statusOf } from '../../support/changeable-gateway.ts'

const EVENTS = { 'content-type': 'text/event-stream' }
const OPEN = { auth: 'none' }

for (const parser of ['auto', 'node'])
  t.test(`parser ${parser}: a route that was removed is 404 for the next request, its stream goes on`, async (t) => {
    const streams: ServerResponse[] = []
    const upstream = await startUpstream(t, (request, response) => {
      if (request.url !== '/events') {
        response.end('plain')
        return
      }
      response.writeHead(200, EVENTS)
      response.flushHeaders()
      streams.push(response)
    })
    const upstreams = { up: { targets: [upstream.url] }, other: { targets: [upstream.url] } }
    const all = { listen: { parser }, upstreams, routes: [{ path: '/*', upstream: 'up', ...OPEN }] }
    const { gateway, url, port, change } = await startChangeable(t, all)
    const client = await openRaw(t, port)
    client.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until(/\r\n\r\n/)
    const kept = await openRaw(t, port)
    kept.write('GET /plain HTTP/1.1\r\nHost: a\r\n\r\n')
    await kept.until(/plain/)

    await change({
      ...all,
      upstreams: { other: { targets: [upstream.url] } },
      routes: [{ path: '/new', upstream: 'other', ...OPEN }],
    })
    t.equal(gateway.generations, 2, 'the stream holds the first one')
    t.equal(await statusOf(`${url}/events`), 404)
    t.equal(await statusOf(`${url}/new`), 200)
    kept.write('GET /plain HTTP/1.1\r\nHost: a\r\n\r\n')
    await kept.until(/HTTP\/1\.1 404/)
    streams[0]?.write('data: still\n\n')
    await client.until(/still/)
    streams[0]?.end()
    await waitFor(() => gateway.generations === 1)
  })

t.test('WebSockets live on, and come with the first route that takes them', async (t) => {
  const sockets = await startWebSocketUpstream(t)
  const options = (route: object) => ({
    upstreams: { up: { targets: [sockets.url] } },
    routes: [{ path: '/*', upstream: 'up', ...OPEN, ...route }],
  })
  const { gateway, url, change } = await startChangeable(t, options({}))
  t.equal((await openWebSocket(`${url}/`)).status, 400, 'none is taken')
  await change(options({ websocket: true }))
  const { socket, status } = await openWebSocket(`${url}/`)
  t.equal(status, 101)
  await change(options({}))
  t.equal((await openWebSocket(`${url}/`)).status, 400)
  t.equal(gateway.generations, 2)
  const echoed = new Promise((resolve) =>
    socket.once('message', (data: Buffer) => {
      resolve(data.toString())
    }),
  )
  socket.send('still')
  t.equal(await echoed, 'still')
  socket.close()
  await waitFor(() => gateway.generations === 1)
})

t.test('a config that cannot be used changes nothing and leaves nothing', async (t) => {
  const upstream = await startUpstream(t)
  const file = join(t.testdir({ 'key.pem': (await createSigner('ES256')).pem }), 'key.pem')
  const options = (path: string, pem = file) => ({
    issuers: [{ name: 'near', issuer: ISSUER, algorithms: ['ES256'], keys: { pemFile: pem } }],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path, upstream: 'up', ...OPEN }],
  })
  const { gateway, url, change } = await startChangeable(t, options('/a'))
  const { config } = gateway
  await t.rejects(change(options('/b', `${file}.gone`)), { message: /cannot be read/ })
  writeFileSync(file, 'no key')
  await t.rejects(change(options('/b')), { message: /no public key/ }, 'the file is read again')
  t.equal(gateway.config, config)
  t.equal(gateway.generations, 1)
  t.equal(await statusOf(`${url}/a`), 200)
  const other = await createSigner('ES256', 'other')
  writeFileSync(file, other.pem)
  await change({ ...options('/b'), routes: [{ path: '/b', upstream: 'up' }] })
  t.equal(await statusOf(`${url}/b`, await other.sign({}, { kid: undefined })), 200, 'the new key of the file')
})

t.test('a change that is abandoned is as if it had never been', async (t) => {
  const upstream = await startUpstream(t)
  const options = (path: string) => ({
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path, upstream: 'up', ...OPEN }],
  })
  const { gateway, url } = await startChangeable(t, options('/a'))
  await (await gateway.prepare(testConfig(options('/b')))).abandon()
  t.equal(gateway.generations, 1)
  t.equal(await statusOf(`${url}/a`), 200, 'its upstream is not closed')
})

t.test('what needs a restart is told, stays as it was, and the rest changes', async (t) => {
  const upstream = await startUpstream(t)
  const options = (more: object = {}) => ({
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/a', upstream: 'up', ...OPEN }],
    ...more,
  })
  const { gateway, change, url } = await startChangeable(t, options())
  t.same(await change(options({ limits: { inFlight: 5 } })), [])
  const cases: readonly (readonly [object, string])[] = [
    [{ admin: { host: '127.0.0.2' } }, 'admin.host'],
    [{ admin: { port: 1 } }, 'admin.port'],
    [{ admin: { metrics: 'off' } }, 'admin.metrics'],
    [{ workers: 3 }, 'workers'],
    [{ watch: true }, 'watch'],
    [{ shutdown: { delay: '1s' } }, 'shutdown'],
    [{ limits: { headerBytes: '1KiB' } }, 'limits.headerBytes'],
    [{ limits: { messageBytes: '1KiB' } }, 'limits.messageBytes'],
    [{ limits: { requestTimeout: '1s' } }, 'limits.requestTimeout'],
  ]
  for (const [more, option] of cases) {
    const before = { ...gateway.config, routes: [] }
    const [told = '', ...others] = await change({
      ...options({ limits: { inFlight: 5 }, ...more }),
      routes: [{ path: `/${option}`, upstream: 'up', ...OPEN }],
    })
    t.match(told, new RegExp(`^${option}: `))
    t.same(others, [], option)
    t.equal(await statusOf(`${url}/${option}`), 200, 'the routes are the new ones')
    if (!option.startsWith('limits')) t.same({ ...gateway.config, routes: [] }, before, option)
  }
})

t.test('the limit of requests under way counts those of all generations', async (t) => {
  const held: ServerResponse[] = []
  const upstream = await startUpstream(t, (_request, response) => void held.push(response))
  const options = (inFlight: number) => ({
    limits: { inFlight },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', ...OPEN }],
  })
  const { gateway, url, change } = await startChangeable(t, options(5))
  const first = statusOf(`${url}/1`)
  await waitFor(() => held.length === 1)
  await change(options(1))
  t.equal(await statusOf(`${url}/2`), 503)
  held[0]?.end()
  t.equal(await first, 200)
  await waitFor(() => gateway.generations === 1)
})

t.test('sixty changes under load fail no request, and leave one generation and no connection behind', async (t) => {
  const upstream = await startUpstream(t)
  const options = (turn: number) => ({
    issuers: [hmacIssuer({ maxLifetime: `${turn + 1}h` })],
    upstreams: { same: { targets: [upstream.url] }, other: { targets: [upstream.url], connections: 100 + turn } },
    routes: [
      { path: '/same', upstream: 'same' },
      { path: '/other', upstream: 'other' },
      { path: `/turn/${turn}`, upstream: 'same' },
    ],
  })
  const { gateway, url, change } = await startChangeable(t, options(0))
  const authorization = `Bearer ${await signHmac({ exp: Math.floor(Date.now() / 1000) + 600 })}`
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const counts = new Map<number | string, number>()
  let done = false
  const ask = (path: string) =>
    new Promise<void>((resolve) => {
      const count = (what: number | string) => {
        counts.set(what, (counts.get(what) ?? 0) + 1)
        resolve()
      }
      httpGet(`${url}${path}`, { agent, headers: { authorization } }, (response) => {
        response.resume().on('end', () => {
          count(response.statusCode ?? 0)
        })
      }).on('error', ({ message }) => {
        count(message)
      })
    })
  const clients = ['/same', '/other', '/same', '/other'].map(async (path) => {
    while (!done) await ask(path)
  })
  for (let turn = 1; turn <= 60; turn += 1) {
    if (turn % 3 === 0)
      await t.rejects(change({ ...options(turn), issuers: [hmacIssuer({ keys: { pemFile: '/nowhere' } })] }))
    else await change(options(turn))
    await new Promise((resolve) => setImmediate(resolve))
    await ask(turn % 3 === 0 ? '/same' : `/turn/${turn}`)
  }
  done = true
  await Promise.all(clients)
  agent.destroy()
  t.same([...counts.keys()], [200], JSON.stringify([...counts]))
  await waitFor(() => gateway.generations === 1)
  await waitFor(() => upstream.open() <= 8)
  t.comment(`${counts.get(200) ?? 0} requests`)
})
