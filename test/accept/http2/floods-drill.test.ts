import t from 'tap'

import { drillSize, tellFigure } from '../../support/drill-size.ts'
import * as h2 from '../../support/http2-frames.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { requestLines } from '../../support/told.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'

const { TYPE, FLAG } = h2
const COUNT = drillSize(5000, 300_000)
/** What the process may have grown by after a flood; the garbage of one is collected with that of the next. */
const MOST_BYTES_KEPT = 24 * 1024 * 1024

interface Flood {
  /** What it is, and where it was seen. */
  readonly name: string
  /** What goes before the flood. */
  readonly first?: readonly Buffer[]
  /** One piece of it. */
  readonly piece: (index: number) => Buffer
  /** False: it is borne. */
  readonly ends: boolean
}

const path = { ':path': '/open/x' }
const good = (stream: number) => h2.headers(stream, h2.requestFields(path))
const oddStream = (index: number) => 2 * index + 1
const ping = h2.frame(TYPE.ping, 0, 0, Buffer.alloc(8))

const FLOODS: readonly Flood[] = [
  {
    name: 'rapid reset (CVE-2023-44487)',
    piece: (index) => Buffer.concat([good(oddStream(index)), h2.reset(oddStream(index))]),
    ends: true,
  },
  {
    name: 'streams that the server resets by itself, as their window is broken (CVE-2025-8671, MadeYouReset)',
    piece: (index) => Buffer.concat([good(oddStream(index)), h2.windowUpdate(oddStream(index), 0)]),
    ends: true,
  },
  {
    name: 'malformed requests',
    piece: (index) => h2.headers(oddStream(index), h2.requestFields({ ...path, ':method': undefined })),
    ends: true,
  },
  {
    name: 'CONTINUATION without end (CVE-2024-27316)',
    first: [h2.headers(1, h2.requestFields(path), FLAG.endStream)],
    piece: () => h2.frame(TYPE.continuation, 0, 1, h2.block([['x-a', 'b'.repeat(100)]])),
    ends: true,
  },
  {
    name: 'empty CONTINUATION without end',
    first: [h2.headers(1, h2.requestFields(path), FLAG.endStream)],
    piece: () => h2.frame(TYPE.continuation, 0, 1),
    ends: true,
  },
  { name: 'PING (CVE-2019-9512)', piece: () => ping, ends: true },
  { name: 'SETTINGS (CVE-2019-9515)', piece: () => h2.settings([[4, 65_535]]), ends: true },
  { name: 'empty SETTINGS', piece: () => h2.settings(), ends: true },
  {
    name: 'empty DATA (CVE-2019-9518)',
    first: [h2.headers(1, h2.requestFields({ ...path, ':method': 'POST' }), FLAG.endHeaders)],
    piece: () => h2.frame(TYPE.data, 0, 1),
    ends: true,
  },
  {
    name: 'PRIORITY (CVE-2019-9513)',
    first: [good(1)],
    piece: (index) => h2.frame(TYPE.priority, 0, oddStream(index), Buffer.alloc(5)),
    ends: false,
  },
  { name: 'WINDOW_UPDATE', piece: () => h2.windowUpdate(0, 1), ends: false },
  {
    name: 'frames of no known type',
    piece: () => h2.frame(200, 0, 0, Buffer.alloc(10)),
    ends: false,
  },
]

async function startFlooded(t: Teardown) {
  const upstream = await startUpstream(t)
  const gateway = await startTestGateway(t, {
    listen: { h2c: true },
    upstreams: { u: { targets: [upstream.url] } },
    routes: [{ path: '/open/*', upstream: 'u', auth: 'none' }],
  })
  return { upstream, gateway }
}

/** Sends it in packets, as fast as they are taken, until the gateway closes. Returns how many pieces went out. */
async function flood(connection: h2.FrameConnection, { first = [], piece }: Flood): Promise<number> {
  connection.send(...first)
  for (let sent = 0; sent < COUNT && !connection.closed(); sent += 100) {
    const packet = Buffer.concat(Array.from({ length: 100 }, (_, index) => piece(sent + index + 1)))
    if (!connection.socket.write(packet))
      await new Promise<void>((resolve) => {
        connection.socket.once('drain', resolve).once('close', resolve)
      })
    else await new Promise<void>((resolve) => setImmediate(resolve))
    if (!connection.socket.writable) return sent
  }
  return COUNT
}

t.test('a flood of frames ends its connection or is borne: the process stays up and keeps nothing of it', async (t) => {
  const { upstream, gateway } = await startFlooded(t)
  for (const one of FLOODS) {
    const before = process.memoryUsage().rss
    const cpu = process.cpuUsage()
    const asked = upstream.requests.length
    const connection = await h2.openFrames(t, gateway.port)
    const sent = await flood(connection, one)
    if (!one.ends) {
      connection.send(good(2 * COUNT + 101))
      const answered = await connection.until(
        ({ type, flags, stream }) => type === TYPE.data && stream === 2 * COUNT + 101 && flags === FLAG.endStream,
      )
      t.ok(answered, `${one.name}: borne`)
      connection.socket.destroy()
    } else {
      t.not(await connection.end(), 0, `${one.name}: ended, and told why`)
      t.ok(sent < COUNT, `${one.name}: ended after ${sent}`)
      t.ok(upstream.requests.length - asked <= 400, `${one.name}: the upstream got ${upstream.requests.length - asked}`)
    }
    const kept = process.memoryUsage().rss - before
    t.ok(kept < MOST_BYTES_KEPT, `${one.name}: ${Math.round(kept / 1024)} KiB`)
    const { user, system } = process.cpuUsage(cpu)
    tellFigure(
      `${one.name}: ${sent} pieces, ${Math.round((user + system) / 1000)} ms of both sides, upstream ${upstream.requests.length - asked}, kept ${Math.round(kept / 1024)} KiB`,
    )
  }
  const after = await h2.openFrames(t, gateway.port)
  after.send(good(1))
  t.ok(await after.until(({ type, stream }) => type === TYPE.data && stream === 1), 'it serves on')
  after.socket.destroy()
  const faults = requestLines(gateway).filter(({ reason }) => reason !== undefined)
  t.ok(faults.length > 0, 'a connection that is ended has its line')
})
