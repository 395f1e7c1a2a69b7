// Event streams and other responses without an end: flushed at once, silent for as long as they like, and ended with their token.
import t from 'tap'
import type { ServerResponse } from 'node:http'

import { openRaw } from '../support/raw-connection.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'
import { waitFor } from '../support/wait-for.ts'

const EVENTS = { 'content-type': 'text/event-stream' }
const HOUR_MS = 3_600_000

async function start(t: Teardown, route: Record<string, unknown> = {}, headers: Record<string, string> = EVENTS) {
  const clock = createFakeClock(Date.now())
  const streams: ServerResponse[] = []
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(200, headers)
    response.flushHeaders()
    streams.push(response)
  })
  const gateway = await startTestGateway(
    t,
    {
      issuers: [hmacIssuer({ maxLifetime: '12h' })],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up', auth: 'optional', ...route }],
    },
    { clock, schedule: clock.schedule },
  )
  const open = async (token?: string) => {
    const client = await openRaw(t, gateway.port)
    const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`
    client.write(`GET / HTTP/1.1\r\nHost: a\r\n${authorization}\r\n`)
    await client.until(/\r\n\r\n/)
    return client
  }
  const tokenFor = (seconds: number) => {
    // By the gateway's clock: the real one may be in its next second already.
    const iat = Math.floor(clock.now() / 1000)
    return signHmac({ iat, exp: iat + seconds })
  }
  return { clock, streams, open, tokenFor, upstream, ...gateway }
}

t.test('each event comes through at once, before the next is known', async (t) => {
  const { open, streams } = await start(t)
  const client = await open()
  t.match(client.received(), /text\/event-stream/, 'the head does not wait for an event')
  for (let count = 0; count < 5; count += 1) {
    streams[0]?.write(`data: ${count}\n\n`)
    const tookMs = await waitFor(() => client.received().includes(`data: ${count}\n\n`))
    t.ok(tookMs < 100, `${tookMs.toFixed(1)} ms`)
  }
})

t.test('an event stream may be silent for hours, a plain response may not (PX-34)', async (t) => {
  const { open, clock, streams } = await start(t)
  const client = await open()
  await clock.advance(5 * HOUR_MS)
  streams[0]?.write('data: late\n\n')
  t.match(await client.until(/late/), /data: late/)
  for (const headers of [{ 'content-length': '100' }, { 'content-type': 'text/plain' }] as Record<string, string>[]) {
    const plain = await start(t, {}, headers)
    const waiting = await plain.open()
    await plain.clock.advance(59_000)
    t.notOk(waiting.closed())
    await plain.clock.advance(2000)
    await waitFor(waiting.closed)
    t.notMatch(waiting.received(), /0\r\n\r\n$/)
  }
})

t.test('a route’s own idle time counts for its event streams as well', async (t) => {
  const { open, clock, upstream } = await start(t, { timeouts: { idle: '90s' } })
  const client = await open()
  await clock.advance(80_000)
  t.notOk(client.closed())
  await clock.advance(11_000)
  await waitFor(() => client.closed() && upstream.open() === 0)
})

t.test('an event stream ends with its token, whole, and the upstream is told; others go on', async (t) => {
  const { open, clock, tokenFor, streams, upstream } = await start(t)
  const [short, long, anonymous] = [await open(await tokenFor(60)), await open(await tokenFor(600)), await open()]
  for (const stream of streams) stream.write('data: 1\n\n')
  for (const client of [short, long, anonymous]) await client.until(/data: 1/)
  await clock.advance(59_000)
  t.notMatch(short.received(), /0\r\n\r\n$/)
  await clock.advance(1500)
  t.match(
    await short.until(/0\r\n\r\n$/),
    /data: 1\n\n\r\n0\r\n\r\n$/,
    'properly ended: the client connects anew and is told why',
  )
  await waitFor(() => upstream.open() === 2)
  t.notMatch(long.received(), /0\r\n\r\n$/)
  streams[1]?.write('data: 2\n\n')
  await long.until(/data: 2/)
  await clock.advance(HOUR_MS)
  await waitFor(() => upstream.open() === 1)
  t.notMatch(anonymous.received(), /0\r\n\r\n$/)
  streams[2]?.end()
  await anonymous.until(/0\r\n\r\n$/)
})

t.test('of another response without a length, half must not pass for all: its connection is destroyed', async (t) => {
  const { open, clock, tokenFor, streams } = await start(
    t,
    { timeouts: { idle: '1h' } },
    { 'content-type': 'application/x-ndjson' },
  )
  const client = await open(await tokenFor(60))
  streams[0]?.write('{}\n')
  await client.until(/\{\}/)
  await clock.advance(61_000)
  await waitFor(client.closed)
  t.notMatch(client.received(), /0\r\n\r\n$/)
})

t.test('a response with a length, and a route with onExpiry: keep, outlive the token', async (t) => {
  for (const [route, headers] of [
    [{ timeouts: { idle: '1h' } }, { 'content-length': '2' }],
    [{ onExpiry: 'keep' }, EVENTS],
  ] as const) {
    const { open, clock, tokenFor, streams } = await start(t, route, headers)
    const client = await open(await tokenFor(60))
    await clock.advance(120_000)
    streams[0]?.end('ok')
    t.match(await client.until(/ok/), /ok/)
  }
})

t.test('nothing is left behind: no timer runs when nothing lasts', async (t) => {
  const { open, clock, streams } = await start(t)
  const before = clock.pending
  const client = await open()
  t.ok(clock.pending > before)
  streams[0]?.end()
  await client.until(/0\r\n\r\n$/)
  client.socket.destroy()
  // As long as an idle connection to the upstream is kept.
  await clock.advance(5000)
  t.equal(clock.pending, before)
})
