// Requests of one connection are served one after the other (RFC 9112 section 9.3.2), and what waits is given back when the client leaves.
import t from 'tap'

import { openRaw } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway, type Teardown, type TestGateway } from '../support/test-gateway.ts'
import { NOTHING_TAKEN, pathsOf, takenOf } from '../support/taken.ts'
import { eventually } from '../support/eventually.ts'
import { requestLines } from '../support/told.ts'
import { untilStill, waitFor } from '../support/wait-for.ts'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

async function start(t: Teardown, target: string, more: Record<string, unknown> = {}): Promise<TestGateway> {
  return startTestGateway(t, {
    upstreams: { up: { targets: [target] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    ...more,
  })
}

t.test(
  'the upstream sees the next request when the answer before it is out, and the answers keep their order',
  async (t) => {
    const under: string[] = []
    let most = 0
    const upstream = await startUpstream(t, (request, response) => {
      under.push(request.url ?? '')
      most = Math.max(most, under.length)
      setTimeout(() => {
        under.pop()
        response.end(`<${request.url}>`)
      }, 5)
    })
    const started = await start(t, upstream.url)
    const client = await openRaw(t, started.port)
    const paths = Array.from({ length: 100 }, (_, index) => `/${index}`)
    client.write(paths.map(get).join(''))
    const answers = await client.until(/<\/99>/, 20_000)
    t.same(
      [...answers.matchAll(/<(\/\d+)>/g)].map(([, path]) => path),
      paths,
    )
    t.equal(most, 1, 'one at a time')
    t.same(pathsOf(started), paths, 'a line each')
    t.same(await takenOf(started), NOTHING_TAKEN)
  },
)

t.test('who leaves takes along what waits: it is not forwarded, and nothing stays taken', async (t) => {
  for (const leave of ['resets', 'closes'] as const) {
    const seen: string[] = []
    const upstream = await startUpstream(t, (request, response) => {
      seen.push(request.url ?? '')
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: 1\n\n')
    })
    const started = await start(t, upstream.url)
    for (let round = 0; round < 20; round += 1) {
      const client = await openRaw(t, started.port)
      client.write(get('/events') + get('/behind') + get('/behind'))
      await client.until(/data: 1/)
      if (leave === 'resets') client.socket.resetAndDestroy()
      else client.socket.destroy()
    }
    await waitFor(() => upstream.open() === 0)
    t.same(
      seen,
      Array.from({ length: 20 }, () => '/events'),
      `${leave}: what waited was never sent`,
    )
    const told = requestLines(started)
    t.same(
      told.filter(({ path }) => path === '/events').map(({ status }) => status),
      seen.map(() => 200),
      'each that was sent has its line',
    )
    t.same(
      told.filter(({ path }) => path === '/behind').map(({ status, route }) => `${String(status)} ${String(route)}`),
      Array.from({ length: 40 }, () => '499 (none)'),
      'and so has each that waited',
    )
    t.same(await takenOf(started), NOTHING_TAKEN)
  }
})

t.test(
  'attack: a flood of requests behind one that lasts. Amplifier: each waits in memory. Defence: reading stops',
  async (t) => {
    const upstream = await startUpstream(t, (request, response) => {
      if (request.url === '/lasting') finish = () => response.end('lasted')
      else response.end('ok')
    })
    let finish = () => {
      // Set when it came.
    }
    const started = await start(t, upstream.url)
    const client = await openRaw(t, started.port)
    const count = 500_000
    client.write(get('/lasting') + get('/x').repeat(count))
    await eventually(async () => ((await takenOf(started))['requests_waiting'] ?? 0) >= 32, 'reading stopped')
    const accepted = await untilStill(() => client.socket.bytesWritten - client.socket.writableLength)
    t.ok(accepted < count * get('/x').length, 'the rest waits where it comes from')
    // One read brings 64 KiB at most.
    const { requests_waiting: waiting = 0 } = await takenOf(started)
    t.ok(waiting <= 32 + 65_536 / get('/x').length, `${waiting} of ${count} were read ahead`)
    client.socket.resetAndDestroy()
    finish()
    await eventually(async () => ((await takenOf(started))['requests_in_flight'] ?? 0) === 0, 'all is given back')
    t.same(await takenOf(started), NOTHING_TAKEN)
  },
)

t.test('all connections together have no more waiting than may be served at once', async (t) => {
  const upstream = await startUpstream(t, () => undefined)
  const started = await start(t, upstream.url, { limits: { inFlight: 50 } })
  const first = await openRaw(t, started.port)
  const second = await openRaw(t, started.port)
  first.write(get('/x').repeat(31))
  const waiting = async () => (await takenOf(started))['requests_waiting']
  await eventually(async () => (await waiting()) === 30, 'they wait')
  second.write(get('/x').repeat(31))
  await waitFor(second.closed)
  t.equal(await waiting(), 30, 'who exceeded it is gone with all that waited')
  t.notOk(first.closed())
})

t.test('what cannot be parsed is answered in its turn, and a response before it is not cut', async (t) => {
  const broken = {
    garbage: ['GARBAGE\r\n\r\n', 400],
    'a body whose chunks are none': ['POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n', 400],
    'a head that is too long': [`GET /b HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    'a tunnel': ['CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n', 501],
    'another protocol': ['PLAY rtsp://a/b RTSP/1.0\r\n\r\n', 505],
  } as const
  for (const [what, [bytes, status]] of Object.entries(broken)) {
    const upstream = await startUpstream(t, (_request, response) => {
      setTimeout(() => response.end('whole'), 30)
    })
    const started = await start(t, upstream.url)
    const client = await openRaw(t, started.port)
    client.write(get('/1') + get('/2') + bytes)
    client.socket.on('end', () => client.socket.end())
    await waitFor(client.closed)
    const statuses = [...client.received().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, text]) => Number(text))
    t.same(statuses, [200, 200, status], what)
    t.same(client.received().match(/whole/g)?.length, 2)
    t.same(await takenOf(started), NOTHING_TAKEN)
  }
})
