// The fast lane as a client sees it: what it takes, what it leaves to Node's parser and why, and how its connections end.
import t from 'tap'
import type { ServerResponse } from 'node:http'

import { createFakeClock } from '../../support/fake-clock.ts'
import { openRaw } from '../../support/raw-connection.ts'
import { startAnswering } from '../../support/socket-upstream.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway, type Teardown, type TestGateway } from '../../support/test-gateway.ts'
import { waitFor } from '../../support/wait-for.ts'

const LANE = { listen: { port: 0, parser: 'auto' } }

async function start(t: Teardown, options: Record<string, unknown> = {}) {
  const clock = createFakeClock(Date.now())
  const upstream = await startUpstream(t, (request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      if (request.url === '/slow') return
      response.setHeader('x-got', `${request.method ?? ''} ${Buffer.concat(pieces).length}`)
      response.end('ok')
    })
  })
  const gateway = await startTestGateway(
    t,
    {
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
      ...LANE,
      ...options,
    },
    { clock, schedule: clock.schedule },
  )
  return { clock, upstream, ...gateway }
}

/** Requests by who read them: `lane`, or the reason why it was Node's parser. */
async function readBy({ gateway }: Pick<TestGateway, 'gateway'>): Promise<Record<string, number>> {
  const rows = (await gateway.metrics.text()).matchAll(
    /^tollgate_parser_requests_total\{parser="(lane|node)",reason="(\w*)"\} (\d+)$/gm,
  )
  return Object.fromEntries([...rows].map(([, parser = '', reason = '', count]) => [reason || parser, Number(count)]))
}

const HEAD = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
const OK = /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/

t.test('what is plain is read by the lane, and what is not by the parser of Node, for a reason', async (t) => {
  for (const [bytes, reader] of [
    [HEAD, 'lane'],
    ['GET /a?b=%20c HTTP/1.1\r\nhost: a:80\r\nAccept:\t*/* \r\nX-Empty:\r\nConnection: Keep-Alive\r\n\r\n', 'lane'],
    ['DELETE /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 'lane'],
    ['POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello', 'lane'],
    ['OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n', 'lane'],
    ['POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', 'body'],
    ['POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello', 'body'],
    ['GET http://a/a HTTP/1.1\r\nHost: a\r\n\r\n', 'head'],
    ['GET /a HTTP/1.0\r\nHost: a\r\n\r\n', 'head'],
    ['GET /a HTTP/1.1\r\nHost: a\r\nX: caf\xe9\r\n\r\n', 'head'],
    ['GET /a HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n', 'head'],
    ['GET /a HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n', 'connection'],
    ['GET /a HTTP/1.1\r\nHost: a\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n', 'connection'],
    ['GET /a HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n', 'connection'],
    [`${HEAD}${HEAD}`, 'pipelined'],
  ] as const) {
    const started = await start(t)
    const client = await openRaw(t, started.port)
    client.write(bytes)
    t.match(await client.until(/\nok$/), / 200 OK\r\n/, bytes)
    const counts = await readBy(started)
    t.ok((counts[reader] ?? 0) > 0, `${reader}: ${bytes}`)
    t.equal((counts['lane'] ?? 0) > 0, reader === 'lane')
  }
})

t.test('a connection stays in the lane from request to request, and leaves it for good', async (t) => {
  const started = await start(t)
  const client = await openRaw(t, started.port)
  const ask = async (bytes: string) => {
    const before = client.received().length
    client.write(bytes)
    await waitFor(() => /\nok$/.test(client.received().slice(before)))
    return client.received().slice(before)
  }
  for (let count = 0; count < 3; count += 1) t.match(await ask(HEAD), OK)
  t.same(await readBy(started), { lane: 3 })
  t.match(await ask('GET /a HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n'), OK)
  t.match(await ask(HEAD), OK)
  t.same(await readBy(started), { lane: 3, connection: 2 })
})

t.test('parser: node has no lane', async (t) => {
  const started = await start(t, { listen: { port: 0, parser: 'node' } })
  const client = await openRaw(t, started.port)
  client.write(HEAD)
  t.match(await client.until(/\nok$/), OK)
  t.same(await readBy(started), { lane: 0, off: 1 })
})

t.test('a body that comes in pieces is streamed, and what comes behind it is the next request', async (t) => {
  const started = await start(t)
  const client = await openRaw(t, started.port)
  client.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n')
  for (let piece = 0; piece < 4; piece += 1) client.write('x'.repeat(50_000))
  t.match(await client.until(/\nok$/), /x-got: POST 200000/i)
  client.write('PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc')
  t.match(await client.until(/PUT 3[^]*\nok$/), /x-got: PUT 3\r\n/i)
  t.same(await readBy(started), { lane: 2 })
})

t.test('a head may come in some pieces, for a second; then Node waits for the rest', async (t) => {
  const started = await start(t)
  const quick = await openRaw(t, started.port)
  quick.socket.setNoDelay(true)
  for (const piece of [HEAD.slice(0, 3), HEAD.slice(3, 20), HEAD.slice(20, -2), HEAD.slice(-2)]) {
    quick.write(piece)
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
  }
  t.match(await quick.until(/\nok$/), OK)
  t.same(await readBy(started), { lane: 1 })
  const scattered = await openRaw(t, started.port)
  scattered.socket.setNoDelay(true)
  for (const byte of HEAD) {
    scattered.write(byte)
    for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate)
  }
  t.match(await scattered.until(/\nok$/), OK)
  t.same(await readBy(started), { lane: 1, slow: 1 })
  const slow = await openRaw(t, started.port)
  slow.write(HEAD.slice(0, 20))
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
  await started.clock.advance(3000)
  slow.write(HEAD.slice(20))
  t.match(await slow.until(/\nok$/), OK)
  t.equal((await readBy(started))['slow'], 2)
})

t.test(
  'an idle connection is closed after the time that its responses name, a new one after the time for a head',
  async (t) => {
    const started = await start(t)
    const [used, silent] = [await openRaw(t, started.port), await openRaw(t, started.port)]
    used.write(HEAD)
    const [, seconds = '0'] = /Keep-Alive: timeout=(\d+)/.exec(await used.until(/\nok$/)) ?? []
    await started.clock.advance(Number(seconds) * 1000 - 5000)
    t.notOk(used.closed())
    await started.clock.advance(8000)
    await waitFor(used.closed)
    t.match(await silent.until(/requestId/), /^HTTP\/1\.1 408 /)
  },
)

t.test('a client that leaves ends what is under way for it', async (t) => {
  const started = await start(t)
  const client = await openRaw(t, started.port)
  client.write(HEAD.replace('/a', '/slow'))
  await waitFor(() => started.upstream.requests.length === 1)
  t.equal(started.upstream.open(), 1)
  client.socket.resetAndDestroy()
  await waitFor(() => started.upstream.open() === 0)
  await waitFor(() => started.lines.some(({ status }) => status === 499))
  t.pass('its line says so')
})

t.test('a gateway that ends tells the lane’s clients, and lets idle ones go at once', async (t) => {
  const started = await start(t)
  const [idle, busy] = [await openRaw(t, started.port), await openRaw(t, started.port)]
  idle.write(HEAD)
  await idle.until(/\nok$/)
  busy.write(`${HEAD}`)
  await busy.until(/\nok$/)
  started.gateway.retire()
  busy.write(HEAD)
  t.match(await busy.until(/Connection: close[^]*\nok$/), /Connection: close\r\n/)
  await started.gateway.close()
  await waitFor(idle.closed)
  t.ok(busy.closed())
})

t.test('a body that stands still after its answer came early is not waited for without end', async (t) => {
  const started = await start(t, { routes: [{ path: '/a', upstream: 'up', methods: ['GET'], auth: 'none' }] })
  const post = 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello'
  const [silent, slow] = [await openRaw(t, started.port), await openRaw(t, started.port)]
  for (const client of [silent, slow]) {
    client.write(post)
    t.match(await client.until(/requestId/), /^HTTP\/1\.1 405 [^]*Connection: keep-alive/)
  }
  await started.clock.advance(50_000)
  slow.write('w')
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
  await started.clock.advance(50_000)
  await waitFor(silent.closed)
  t.notOk(slow.closed(), 'what still comes is read')
  slow.write(`orld${HEAD}`)
  t.match(await slow.until(/\nok$/), / 200 OK\r\n/)
})

t.test('a request that comes after the answer that no request came is none', async (t) => {
  const started = await start(t)
  const client = await openRaw(t, started.port)
  client.socket.allowHalfOpen = true
  await started.clock.advance(62_000)
  t.match(await client.until(/requestId/), /^HTTP\/1\.1 408 /)
  client.socket.end(HEAD)
  await waitFor(client.closed)
  t.equal(started.upstream.requests.length, 0)
})

t.test('a request may wait as long as the response before it comes, and a minute where nothing comes', async (t) => {
  const clock = createFakeClock(Date.now())
  const responses: ServerResponse[] = []
  const upstream = await startUpstream(t, (_request, response) => {
    responses.push(response)
  })
  const options = { upstreams: { up: { targets: [upstream.url], timeouts: { headers: '10m', idle: '10m' } } } }
  const started = await startTestGateway(
    t,
    { ...options, routes: [{ path: '/*', upstream: 'up', auth: 'none' }], ...LANE },
    { clock, schedule: clock.schedule },
  )
  const [served, stuck] = [await openRaw(t, started.port), await openRaw(t, started.port)]
  for (const [index, client] of [served, stuck].entries()) {
    client.write(HEAD)
    await waitFor(() => responses.length === index + 1)
    client.write(HEAD)
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
  }
  for (let piece = 1; piece <= 4; piece += 1) {
    responses[0]?.write(`piece${piece}`)
    await served.until(new RegExp(`piece${piece}`))
    await clock.advance(30_000)
  }
  await waitFor(stuck.closed)
  t.notOk(served.closed())
  responses[0]?.end('over')
  await waitFor(() => responses.length === 3)
  responses[2]?.end('ok')
  t.match(await served.until(/ok$/), /piece4[^]*over[^]*HTTP\/1\.1 200/)
})

t.test('an early hint without a link is none, as with Node', async (t) => {
  const upstream = await startAnswering(
    t,
    'HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  )
  const started = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    ...LANE,
  })
  const client = await openRaw(t, started.port)
  client.write(HEAD)
  t.match(await client.until(/\nok$/), /^HTTP\/1\.1 200 /)
})
