// The gateway's own connections to upstreams: what they carry, when they are used again, and when they are given up.
import t from 'tap'
import type { Socket } from 'node:net'

import { createFakeClock } from '../../support/fake-clock.ts'
import { createCaller } from '../../support/fake-upstream.ts'
import { sendRaw, statusOf } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { startAnswering, startSocketUpstream } from '../../support/socket-upstream.ts'
import { startTestGateway, testConfig, type Teardown, type TestGatewayParts } from '../../support/test-gateway.ts'
import { waitFor } from '../../support/wait-for.ts'
import { createTransport } from '../../../gateway/src/forward/transport/create-transport.ts'
import type { UpstreamConfig } from '../../../gateway/src/options/upstreams.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

function gatewayTo(
  t: Teardown,
  url: string,
  { upstream = {}, route = {}, parts }: { upstream?: object; route?: object; parts?: TestGatewayParts } = {},
) {
  return startTestGateway(
    t,
    {
      upstreams: { up: { targets: [url], ...upstream } },
      routes: [{ path: '/*', upstream: 'up', auth: 'none', ...route }],
    },
    parts,
  )
}

const ask = (port: number, method = 'GET', rest = '\r\n') =>
  sendRaw(port, `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${rest}`, 3000)

t.test('trailers of a request arrive behind its body, but none that says how to read or believe it', async (t) => {
  const seen: string[][] = []
  const upstream = await startUpstream(t, (request, response) => {
    request.on('end', () => {
      seen.push(request.rawTrailers)
      response.end('ok')
    })
  })
  const { port } = await gatewayTo(t, upstream.url)
  const body = 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n'
  const evil = 'X-Auth-Result: e\r\nx_auth_result: e\r\nX-Forwarded-For: e\r\nHost: e\r\nCookie: e\r\n'
  t.match(await ask(port, 'POST', `${body}X-Sum: 1\r\n${evil}X-Sum: 2\r\n\r\n`), /ok$/)
  t.same(seen, [['X-Sum', '1', 'X-Sum', '2']])
  t.equal(upstream.requests[0]?.body.toString(), 'abc')
})

t.test('an interim response that nobody asked for costs nobody the answer', async (t) => {
  const upstream = await startAnswering(t, `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 199 Own\r\n\r\n${OK}`)
  const { port } = await gatewayTo(t, upstream.url)
  const answer = await ask(port)
  t.equal(statusOf(answer), 200)
  t.match(answer, /ok$/)
})

t.test('a connection is used again after every kind of exchange that ended in good order', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    const status = Number(request.url?.slice(1)) || 200
    request.resume().on('end', () => {
      response.writeHead(status, status === 304 ? { 'content-length': 5 } : {}).end(status === 200 ? 'ok' : undefined)
    })
  })
  const { port } = await gatewayTo(t, upstream.url)
  const head = (method: string, path: string) => `${method} ${path} HTTP/1.1\r\nHost: a\r\n`
  const close = 'Connection: close\r\n'
  for (const text of [
    `${head('GET', '/')}${close}\r\n`,
    `${head('HEAD', '/')}${close}\r\n`,
    `${head('GET', '/304')}${close}\r\n`,
    `${head('GET', '/204')}${close}\r\n`,
    `${head('GET', '/')}${close}Content-Length: 2\r\n\r\nhi`,
    `${head('DELETE', '/')}${close}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    `${head('POST', '/')}${close}Content-Length: 2\r\n\r\nhi`,
    `${head('POST', '/')}${close}\r\n`,
  ])
    t.ok(statusOf(await sendRaw(port, text, 3000)) < 400, text.slice(0, 20))
  t.equal(upstream.open(), 1)
})

t.test(
  'an idle connection is given up before the upstream would close it, and at once where that says so',
  async (t) => {
    for (const [hint, keptMs] of [
      ['', 4000],
      ['Keep-Alive: timeout=30, max=5\r\n', 29_000],
      ['Keep-Alive: timeout=1\r\n', 0],
      ['Connection: close\r\n', 0],
    ] as const) {
      const clock = createFakeClock()
      const upstream = await startAnswering(t, OK.replace('\r\n\r\n', `\r\n${hint}\r\n`))
      const { port } = await gatewayTo(t, upstream.url, { parts: { clock, schedule: clock.schedule } })
      await ask(port)
      if (keptMs > 0) {
        await clock.advance(keptMs - 1000)
        t.equal(upstream.open(), 1, `${hint} is kept`)
        await clock.advance(1001)
      }
      await waitFor(() => upstream.open() === 0)
      t.equal(statusOf(await ask(port)), 200)
    }
  },
)

t.test('an idle connection that the upstream closes, breaks or talks on is not used again', async (t) => {
  for (const what of ['end', 'destroy', 'talk'] as const) {
    const upstream = await startSocketUpstream(t, (socket) => {
      socket.once('data', () => {
        socket.write(OK)
        setImmediate(() => {
          if (what === 'end') socket.end()
          else if (what === 'destroy') socket.resetAndDestroy()
          else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
        })
      })
    })
    const { port } = await gatewayTo(t, upstream.url)
    t.match(await ask(port), /ok$/, what)
    await waitFor(() => upstream.open() === 0)
    t.match(await ask(port), /ok$/, what)
    t.equal(upstream.connections(), 2)
  }
})

t.test('a connection that comes when its client has left waits for another, but not for ever', async (t) => {
  const clock = createFakeClock()
  const upstream = await startAnswering(t, OK)
  const target = `http://things.test:${upstream.port}`
  const { up } = testConfig({
    upstreams: { up: { targets: [target], dnsRefresh: '1h' } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  }).upstreams as { up: UpstreamConfig }
  let connect: (() => void) | undefined
  const transport = createTransport(target, up, {
    clock,
    schedule: clock.schedule,
    maxHeadBytes: 65_536,
    lookup: (_name, _options, callback) => {
      connect = () => {
        callback(null, [{ address: '127.0.0.1', family: 4 }])
      }
    },
  })
  const caller = createCaller()
  const get = { method: 'GET', path: '/', headers: [], body: null, upgrade: null }
  transport.send({ ...get, connectTimeoutMs: 2000, headersTimeoutMs: 1000 }, caller)
  await waitFor(() => connect !== undefined)
  caller.ended = true
  connect?.()
  await waitFor(() => caller.events.length > 0 && upstream.open() === 1)
  await clock.advance(3999)
  t.equal(upstream.open(), 1)
  await clock.advance(1)
  await waitFor(() => upstream.open() === 0)
  await transport.close()
})

t.test('a route may wait for a connection less long than its upstream', async (t) => {
  const { port } = await gatewayTo(t, 'http://192.0.2.1:81', {
    upstream: { retries: 0, timeouts: { connect: '30s' } },
    route: { timeouts: { connect: '300ms' } },
  })
  t.match(await ask(port), /^HTTP\/1\.1 50[24] /)
})

t.test('an upload that the upstream does not read, and a request that it does not answer, are 504', async (t) => {
  const clock = createFakeClock()
  const upstream = await startSocketUpstream(t, (socket) => socket.pause())
  const { port } = await gatewayTo(t, upstream.url, { parts: { clock, schedule: clock.schedule } })
  const silent = ask(port)
  await waitFor(() => upstream.open() === 1)
  await clock.advance(14_000)
  await clock.advance(1500)
  t.equal(statusOf(await silent), 504)

  const stuck = ask(port, 'PUT', `Content-Length: ${8 << 20}\r\n\r\n${'x'.repeat(8 << 20)}`)
  await waitFor(() => upstream.connections() === 2)
  // The sockets in between take some of it before the upstream has to read.
  for (let second = 0; second < 40; second += 1) await clock.advance(1000)
  t.equal(statusOf(await stuck), 504)
})

t.test('headers: 0s waits for the response for as long as it takes', async (t) => {
  const clock = createFakeClock()
  const sockets: Socket[] = []
  const upstream = await startSocketUpstream(t, (socket) => void sockets.push(socket))
  const { port } = await gatewayTo(t, upstream.url, {
    upstream: { timeouts: { headers: '0s' } },
    parts: { clock, schedule: clock.schedule },
  })
  // An hour of timers takes its time: the client has patience.
  const patient = sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 20_000)
  await waitFor(() => sockets.length === 1)
  await clock.advance(3_600_000)
  sockets[0]?.write(OK)
  t.equal(statusOf(await patient), 200)
})
