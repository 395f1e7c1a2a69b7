// Slow is not dead: an upload that moves goes on, one that stands still or trickles is answered 408 (Apache: mod_reqtimeout).
import t from 'tap'
import type { IncomingMessage } from 'node:http'

import { createFakeClock } from '../support/fake-clock.ts'
import { openRaw, type RawConnection } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { NOTHING_TAKEN, takenOf } from '../support/taken.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { eventually } from '../support/eventually.ts'
import { untilStill, waitFor } from '../support/wait-for.ts'

const SEC = 1000

type Test = Parameters<typeof startUpstream>[0]

async function start(t: Test, more: Record<string, unknown> = {}, limits: Record<string, unknown> = {}) {
  const clock = createFakeClock(Date.now())
  const seen: IncomingMessage[] = []
  let bytes = 0
  const upstream = await startUpstream(t, (request, response) => {
    seen.push(request)
    request.on('data', (chunk: Buffer) => (bytes += chunk.length))
    request.on('end', () => response.end(`got ${bytes}`))
  })
  const { transport, ...route } = more as { transport?: string }
  const started = await startTestGateway(
    t,
    {
      limits: { requestTimeout: '10s', ...limits },
      upstreams: { up: { targets: [upstream.url], timeouts: { headers: '1d' }, transport: transport ?? 'direct' } },
      routes: [{ path: '/*', upstream: 'up', auth: 'none', ...route }],
    },
    { clock, schedule: clock.schedule },
  )
  return { clock, seen, started, upstream, bytes: () => bytes }
}

const HEADS = {
  'a length': (length: number) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`,
  chunks: () => 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
}

const piece = (kind: string, size: number) =>
  kind === 'chunks' ? `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n` : 'x'.repeat(size)

/** Sends a piece of so many bytes each `everyMs`, until all is sent or an answer came. */
async function drip(
  client: RawConnection,
  { clock, bytes }: Awaited<ReturnType<typeof start>>,
  { kind, size, everyMs, count }: { kind: string; size: number; everyMs: number; count: number },
): Promise<void> {
  for (let sent = 1; sent <= count && client.received() === ''; sent += 1) {
    client.write(piece(kind, size))
    const expected = sent * size
    await waitFor(() => bytes() >= expected || client.received() !== '')
    await clock.advance(everyMs)
  }
}

for (const transport of ['direct', 'undici']) {
  for (const [kind, head] of Object.entries(HEADS)) {
    t.test(`${transport}, ${kind}: an upload that moves for ten minutes arrives`, async (t) => {
      const setup = await start(t, { transport })
      const client = await openRaw(t, setup.started.port)
      client.write(head(20 * 200))
      await drip(client, setup, { kind, size: 200, everyMs: 9 * SEC, count: 20 })
      if (kind === 'chunks') client.write('0\r\n\r\n')
      t.match(await client.until(/got/), /^HTTP\/1\.1 200 OK[^]*got 4000/)
    })

    t.test(
      `${transport}, ${kind}: one that stands still is answered 408, its line says so, and all is given back`,
      async (t) => {
        const { started, clock, upstream, bytes } = await start(t, { transport })
        const client = await openRaw(t, started.port)
        client.write(head(1_000_000) + piece(kind, 100_000))
        await waitFor(() => bytes() === 100_000)
        await clock.advance(9 * SEC)
        t.equal(client.received(), '', 'a pause is not the end')
        await clock.advance(2 * SEC)
        const answer = await client.until(/request_timeout/)
        t.match(answer, /^HTTP\/1\.1 408 [^]*\r\nconnection: close\r\n/i)
        client.socket.end()
        await waitFor(client.closed)
        await eventually(() => upstream.open() === 0, 'the upstream is let go')
        t.match(
          started.lines.find(({ message }) => message === 'request'),
          { status: 408, code: 'request_timeout' },
        )
        t.same(await takenOf(started), NOTHING_TAKEN)
      },
    )

    t.test(
      `${transport}, ${kind}: attack: a byte a second. Amplifier: it holds a connection to the upstream`,
      async (t) => {
        const setup = await start(t, { transport })
        const client = await openRaw(t, setup.started.port)
        client.write(head(1_000_000))
        const before = setup.clock.now()
        await drip(client, setup, { kind, size: 1, everyMs: SEC, count: 60 })
        t.match(await client.until(/request_timeout/), /^HTTP\/1\.1 408 /)
        const tookSec = (setup.clock.now() - before) / SEC
        t.ok(tookSec > 10 && tookSec < 13, `10 s, and a second for 16 bytes: it took ${tookSec} s`)
      },
    )
  }
}

t.test('a route says otherwise: longer pauses, another speed, or no limit at all', async (t) => {
  const cases = [
    { route: { timeouts: { body: '60s' } }, size: 1000, everyMs: 50 * SEC, status: 200 },
    { route: { bodyRate: '1KiB' }, size: 500, everyMs: SEC, status: 408 },
    { route: { bodyRate: '400B' }, size: 500, everyMs: SEC, status: 200 },
    { route: { bodyRate: '0B' }, size: 1, everyMs: 9 * SEC, status: 200 },
    { route: { timeouts: { body: '0ms' } }, size: 1, everyMs: 600 * SEC, status: 200 },
  ]
  for (const { route, size, everyMs, status } of cases) {
    const setup = await start(t, route)
    const client = await openRaw(t, setup.started.port)
    client.write(HEADS['a length'](60 * size))
    await drip(client, setup, { kind: 'a length', size, everyMs, count: 60 })
    t.match(await client.until(/\r\n\r\n/), new RegExp(`^HTTP/1\\.1 ${status} `), JSON.stringify(route))
  }
})

t.test('the time in which the upstream does not read is not the client’s', async (t) => {
  const clock = createFakeClock(Date.now())
  let upload: IncomingMessage | undefined
  const upstream = await startUpstream(t, (request, response) => {
    upload = request
    request.removeAllListeners('data').pause()
    request.on('end', () => response.end('got it'))
  })
  const started = await startTestGateway(
    t,
    {
      limits: { requestTimeout: '10s', bodyRate: '1MiB', bodyBytes: '1GiB' },
      upstreams: { up: { targets: [upstream.url], timeouts: { headers: '1d' } } },
      routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    },
    { clock, schedule: clock.schedule },
  )
  const client = await openRaw(t, started.port)
  const size = 64 * 1024 * 1024
  client.write(HEADS['a length'](size))
  for (let sent = 0; sent < size; sent += 65_536) client.write(Buffer.alloc(65_536))
  await waitFor(() => upload !== undefined)
  t.ok((await untilStill(() => client.socket.writableLength)) > 0, 'all buffers on the way are full')
  await clock.advance(600 * SEC)
  t.equal(client.received(), '')
  upload?.resume()
  t.match(await client.until(/got it/, 20_000), /^HTTP\/1\.1 200 OK/)
})
