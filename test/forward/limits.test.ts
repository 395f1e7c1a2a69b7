// What a request may cost: bytes, time, and a place in the queue.
import t from 'tap'

import { openRaw, type RawConnection } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { startSocketUpstream } from '../support/socket-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { pause, waitFor } from '../support/wait-for.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
const route = (more: Record<string, unknown> = {}) => ({ path: '/*', upstream: 'up', auth: 'none', ...more })

t.test('a body over the limit is 413 with and without a length, and the upstream’s request is given up', async (t) => {
  let aborted = 0
  const upstream = await startUpstream(t, (request) =>
    request.on('aborted', () => (aborted += 1)).on('error', () => undefined),
  )
  const { port } = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [route({ bodyBytes: '1KiB' })],
    limits: { bodyBytes: '1MiB' },
  })
  const announced = await sendRaw(port, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n`)
  t.equal(codeOf(announced), 'body_too_large', 'the route’s own limit, before a byte of the body came')
  const client = await openRaw(t, port)
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n${'x'.repeat(1024)}\r\n`)
  await waitFor(() => upstream.open() === 1)
  client.write('1\r\nx\r\n')
  t.equal(codeOf(await client.until(/requestId/)), 'body_too_large')
  t.match(client.received(), /connection: close/)
  await waitFor(() => aborted === 1 && upstream.open() === 0)
  t.equal(upstream.requests.length, 0)
})

t.test('a hundred thousand chunks of one byte and chunk extensions are bounded by the same limits', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [route()],
    limits: { bodyBytes: '20KiB' },
  })
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n'
  t.equal(codeOf(await sendRaw(port, head + '1\r\nx\r\n'.repeat(100_000), 5000)), 'body_too_large')
  t.equal(statusOf(await sendRaw(port, `${head}${'1\r\nx\r\n'.repeat(20_000)}0\r\n\r\n`, 5000)), 200)
  t.equal(upstream.requests.at(-1)?.body.length, 20_000)
  t.match(statusOf(await sendRaw(port, `${head}1;x=${'y'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`)), /4\d\d/)
  t.equal(statusOf(await sendRaw(port, `${head}FFFFFFFFFFFFFFFF0\r\nx\r\n0\r\n\r\n`)), 400)
  t.equal(upstream.requests.length, 1)
})

t.test('a route’s own time for the head is kept, also where the upstream’s is longer', async (t) => {
  const silent = await startSocketUpstream(t, (socket) => socket.resume())
  const { port } = await startTestGateway(t, {
    upstreams: { up: { targets: [silent.url], timeouts: { headers: '60s' } } },
    routes: [route({ timeouts: { headers: '300ms' } })],
  })
  const before = performance.now()
  t.equal(codeOf(await sendRaw(port, GET, 3000)), 'upstream_timeout')
  t.ok(performance.now() - before < 2500)
  await waitFor(() => silent.open() === 0)
})

t.test(
  'the time for the head begins when the request has been sent: a slow upload is not an upstream that is slow',
  async (t) => {
    const upstream = await startUpstream(t)
    const { port } = await startTestGateway(t, {
      upstreams: { up: { targets: [upstream.url], timeouts: { headers: '400ms' } } },
      routes: [route()],
    })
    const client = await openRaw(t, port)
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n')
    for (const byte of 'hello') {
      await pause(250)
      client.write(byte)
    }
    t.match(await client.until(/ok/), /200 OK/)
  },
)

t.test('a connection that cannot be made in time is 504, whatever the kernel thinks of it', async (t) => {
  // 192.0.2.0/24 is for documentation (RFC 5737): nobody answers. Where the network refuses at once, that is no timeout.
  const { port } = await startTestGateway(t, {
    upstreams: { up: { targets: ['http://192.0.2.1:81'], timeouts: { connect: '300ms' }, retries: 0 } },
    routes: [route()],
  })
  t.match(codeOf(await sendRaw(port, GET, 4000)), /upstream_timeout|upstream_unreachable/)
})

t.test('the whole exchange has its time, before the head and after it; silence in a body has another', async (t) => {
  const clock = createFakeClock(Date.now())
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url !== '/silent') response.write('begun')
  })
  const { port } = await startTestGateway(
    t,
    {
      upstreams: { up: { targets: [upstream.url], timeouts: { headers: '10m', idle: '30s', total: '5m' } } },
      routes: [
        { path: '/*', upstream: 'up', auth: 'none' },
        { path: '/short', upstream: 'up', auth: 'none', timeouts: { total: '10s' } },
        { path: '/patient', upstream: 'up', auth: 'none', timeouts: { idle: '2m' } },
      ],
    },
    { clock, schedule: clock.schedule },
  )
  const ask = async (path: string) => {
    const client = await openRaw(t, port)
    client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await waitFor(() => upstream.open() > 0)
    return client
  }
  const [idle, short, patient, silent] = [
    await ask('/x'),
    await ask('/short'),
    await ask('/patient'),
    await ask('/silent'),
  ]
  for (const client of [idle, short, patient]) await client.until(/begun/)
  await waitFor(() => upstream.open() === 4)
  await clock.advance(9000)
  t.same(
    [idle, short, patient, silent].map((client) => client.closed()),
    [false, false, false, false],
  )
  await clock.advance(1500)
  await waitFor(short.closed)
  t.notOk(idle.closed())
  await clock.advance(20_000)
  await waitFor(idle.closed)
  t.notOk(patient.closed())
  await clock.advance(90_000)
  await waitFor(patient.closed)
  t.notOk(silent.closed())
  await clock.advance(180_000)
  t.equal(codeOf(await silent.until(/requestId/)), 'upstream_timeout', 'before the head it can be said in words')
  await waitFor(() => upstream.open() === 0)
})

t.test('what the connections cannot take waits in a bounded queue, and more is told to come back', async (t) => {
  const clock = createFakeClock(Date.now())
  const finish: (() => void)[] = []
  const upstream = await startUpstream(t, (_request, response) => finish.push(() => response.end('ok')))
  const { port, gateway } = await startTestGateway(
    t,
    {
      upstreams: { up: { targets: [upstream.url], connections: 2, queue: { max: 2, timeout: '3s' } } },
      routes: [route()],
    },
    { clock, schedule: clock.schedule },
  )
  const clients: RawConnection[] = []
  for (let count = 0; count < 4; count += 1) {
    const client = await openRaw(t, port)
    client.write(GET)
    clients.push(client)
  }
  await waitFor(() => finish.length === 2)
  await pause(100)
  t.equal(finish.length, 2, 'two at once')
  const refused = await sendRaw(port, GET)
  t.equal(codeOf(refused), 'upstream_overloaded')
  t.match(refused, /retry-after: 1\r\n/)
  finish[0]?.()
  await waitFor(() => finish.length === 3)
  await clock.advance(3500)
  await waitFor(() => clients.filter((client) => /upstream_overloaded/.test(client.received())).length === 1)
  for (const end of finish) end()
  await waitFor(() => clients.filter((client) => /\r\n\r\nok$/.test(client.received())).length === 3)
  t.match(await gateway.metrics.text(), /tollgate_/)
})
