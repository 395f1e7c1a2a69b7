// Clients that pipeline, reset, half-close, stop at each byte and read slowly: afterwards nothing is taken, and each request that the upstream saw has its line.
import fc from 'fast-check'
import t from 'tap'
import { connect, type Socket } from 'node:net'

import { systemSchedule } from '../../gateway/src/clock.ts'
import { drillSize, tellFigure } from '../support/drill-size.ts'
import { eventually } from '../support/eventually.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { NOTHING_TAKEN, pathsOf, takenOf } from '../support/taken.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { countsOf, requestLines } from '../support/told.ts'
import { waitFor } from '../support/wait-for.ts'

const CHUNKED = 'Transfer-Encoding: chunked\r\n'

/** What a client may ask for; the marker makes each request one of its own. */
const ASKS: Readonly<Record<string, (marker: string) => string>> = {
  plain: (marker) => `GET /plain/${marker} HTTP/1.1\r\nHost: a\r\n\r\n`,
  late: (marker) => `GET /late/${marker} HTTP/1.1\r\nHost: a\r\n\r\n`,
  large: (marker) => `GET /large/${marker} HTTP/1.1\r\nHost: a\r\n\r\n`,
  events: (marker) => `GET /events/${marker} HTTP/1.1\r\nHost: a\r\n\r\n`,
  silent: (marker) => `GET /silent/${marker} HTTP/1.1\r\nHost: a\r\n\r\n`,
  upload: (marker) => `POST /plain/${marker} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nsome body`,
  chunks: (marker) => `POST /plain/${marker} HTTP/1.1\r\nHost: a\r\n${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`,
  expecting: (marker) =>
    `POST /late/${marker} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok`,
  early: (marker) => `POST /early/${marker} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`,
  dying: (marker) => `GET /dying/${marker} HTTP/1.1\r\nHost: a\r\n\r\n`,
  old: (marker) => `GET /late/${marker} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`,
  refused: (marker) => `GET /closed/${marker} HTTP/1.1\r\nHost: a\r\n\r\n`,
  unknown: (marker) => `GET /unknown/${marker} HTTP/1.1\r\n\r\n`,
  broken: () => 'NOT HTTP\r\n\r\n',
  brokenBody: (marker) => `POST /plain/${marker} HTTP/1.1\r\nHost: a\r\n${CHUNKED}\r\nZZ\r\n`,
  tunnel: () => 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
  offer: (marker) =>
    `GET /late/${marker} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n`,
  handshake: (marker) =>
    `GET /socket/${marker} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
}

interface Client {
  readonly asks: readonly string[]
  /** How much of it is sent, of all bytes; above 1 for all. */
  readonly share: number
  readonly pieces: number
  readonly reads: boolean
  readonly leaves: 'resets' | 'closes' | 'ends'
  /** Bytes that it waits for before it leaves. */
  readonly waitsFor: number
  /** And how long it waits for them at most. */
  readonly patienceMs: number
}

const clients: fc.Arbitrary<Client> = fc.record({
  asks: fc.array(fc.constantFrom(...Object.keys(ASKS)), { minLength: 1, maxLength: 12 }),
  share: fc.oneof({ weight: 3, arbitrary: fc.constant(2) }, fc.double({ min: 0, max: 1, noNaN: true })),
  pieces: fc.integer({ min: 1, max: 4 }),
  reads: fc.boolean(),
  leaves: fc.constantFrom('resets', 'closes', 'ends'),
  waitsFor: fc.constantFrom(0, 0, 1, 500, 5000, 200_000),
  patienceMs: fc.constantFrom(1, 20, 150),
})

/** By the first part of the path. `seen` gets the path of each request that comes. */
function startDrilled(t: Parameters<typeof startUpstream>[0], seen: string[]) {
  return startUpstream(t, (request, response) => {
    const url = request.url ?? ''
    seen.push(url)
    request.on('error', () => undefined)
    const [, kind] = url.split('/')
    if (kind === 'plain') request.on('end', () => response.end('plain'))
    else if (kind === 'early') response.end('early')
    else if (kind === 'large') response.end(Buffer.alloc(300_000, 'x'))
    else if (kind === 'dying') response.write('half', () => request.socket.destroy())
    else if (kind === 'events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: 1\n\n')
    } else if (kind === 'late') {
      request.resume()
      response.write('la')
      setTimeout(() => response.end('te'), 5)
    }
    // silent and socket: nothing comes.
  })
}

async function play(
  port: number,
  { asks, share, pieces, reads, leaves, waitsFor, patienceMs }: Client,
  name: string,
): Promise<void> {
  const all = asks.map((ask, index) => ASKS[ask]?.(`${name}-${index}`)).join('')
  const bytes = all.slice(0, Math.ceil(all.length * Math.min(1, share)))
  const socket: Socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let got = 0
  let over = false
  socket.on('error', () => undefined).on('close', () => (over = true))
  if (reads) socket.on('data', (chunk: Buffer) => (got += chunk.length)).on('end', () => (over = true))
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  for (let piece = 0; piece < pieces; piece += 1) {
    socket.write(bytes.slice((piece * bytes.length) / pieces, ((piece + 1) * bytes.length) / pieces), 'latin1')
    await new Promise((resolve) => setImmediate(resolve))
  }
  const until = performance.now() + patienceMs
  await waitFor(() => over || (reads && got >= waitsFor) || performance.now() > until)
  if (leaves === 'resets') socket.resetAndDestroy()
  else if (leaves === 'closes') socket.destroy()
  else {
    // It reads what is left, as one does that ended its side, and then goes.
    socket.end()
    await new Promise((resolve) => setTimeout(resolve, 20))
    socket.destroy()
  }
}

function sumOf(counts: ReadonlyMap<string, number>, isMeant: (route: string) => boolean = () => true): number {
  return [...counts].reduce((sum, [route, count]) => (isMeant(route.split(' ', 1)[0] ?? '') ? sum + count : sum), 0)
}

for (const transport of ['direct', 'undici']) {
  t.test(`${transport}: whatever clients do, what they took is given back`, { timeout: 1_700_000 }, async (t) => {
    let timers = 0
    const schedule: typeof systemSchedule = (delayMs, run) => {
      timers += 1
      let waits = true
      const done = () => {
        if (waits) timers -= 1
        waits = false
      }
      const cancel = systemSchedule(delayMs, () => {
        done()
        run()
      })
      return () => {
        done()
        cancel()
      }
    }
    const seen: string[] = []
    const upstream = await startDrilled(t, seen)
    const started = await startTestGateway(
      t,
      {
        // Small, so that requests wait for each other here as well.
        upstreams: {
          up: { targets: [upstream.url], transport, connections: 20, queue: { max: 20, timeout: '500ms' } },
        },
        routes: [
          { path: '/*', upstream: 'up', auth: 'none' },
          { path: '/closed/*', upstream: 'up', methods: ['PUT'], auth: 'none' },
          { path: '/socket/*', upstream: 'up', auth: 'none', websocket: true },
        ],
      },
      { schedule },
    )
    let played = 0
    await fc.assert(
      fc.asyncProperty(fc.array(clients, { minLength: 4, maxLength: 40, size: 'max' }), async (crowd) => {
        await Promise.all(crowd.map((client) => play(started.port, client, `c${(played += 1)}`)))
        await eventually(
          async () => {
            const taken = await takenOf(started)
            return Object.values(taken).every((count) => count === 0)
          },
          `nothing is taken: ${JSON.stringify(await takenOf(started))}`,
        )
        const lines = new Map<unknown, number>()
        for (const path of pathsOf(started)) lines.set(path, (lines.get(path) ?? 0) + 1)
        const unlogged = seen.filter((path) => lines.get(path) !== 1)
        if (unlogged.length > 0) throw new Error(`without a line of their own: ${unlogged.slice(0, 5).join(' ')}`)
      }),
      { numRuns: drillSize(12, 500), endOnFailure: true },
    )
    t.same(await takenOf(started), NOTHING_TAKEN, 'all four gauges are there')
    const told = requestLines(started)
    const suppressed = told.reduce((sum, line) => sum + Number(line['suppressed'] ?? 0), 0)
    const counts = await countsOf(started)
    const routed = (route: unknown) => route !== '(none)'
    t.equal(sumOf(counts, routed), told.filter(({ route }) => routed(route)).length, 'a count for each line of a route')
    // Of what was no HTTP, the last ones that were not written stand in no line.
    t.ok(sumOf(counts) >= told.length + suppressed, 'and one for each of all others')
    await eventually(() => upstream.open() <= 20, 'connections to the upstream are idle ones alone', 20_000)
    // One that was refused while it sent is read for two seconds more.
    await eventually(() => started.gateway.listeners.connections === 0, 'no connection of a client is left')
    await eventually(() => timers <= 4, `timers: ${timers}`, 20_000)
    tellFigure(
      `${transport}: ${played} clients, ${seen.length} requests at the upstream, ${routed.length} lines, nothing left`,
    )
  })
}

t.test('a client may leave after each byte of a pipeline', { timeout: 600_000 }, async (t) => {
  const seen: string[] = []
  const upstream = await startDrilled(t, seen)
  const started = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  const asks = ['plain', 'chunks', 'events', 'upload']
  const length = asks.map((ask) => ASKS[ask]?.('c0000-0')).join('').length
  const step = drillSize(7, 1)
  for (const leaves of ['resets', 'closes', 'ends'] as const) {
    const crowd: Promise<void>[] = []
    for (let cut = 0; cut <= length; cut += step)
      crowd.push(
        play(
          started.port,
          { asks, share: cut / length, pieces: 1, reads: true, leaves, waitsFor: 1_000_000, patienceMs: 400 },
          `${leaves}${String(cut).padStart(4, '0')}`,
        ),
      )
    await Promise.all(crowd)
    await eventually(async () => Object.values(await takenOf(started)).every((count) => count === 0), leaves)
    t.same(await takenOf(started), NOTHING_TAKEN, leaves)
  }
  const lines = pathsOf(started)
  t.same(
    seen.filter((path) => lines.filter((line) => line === path).length !== 1),
    [],
    'a line for each request that the upstream saw',
  )
  tellFigure(`${seen.length} requests of clients that left after each byte, ${lines.length} lines`)
})
