// Large bodies cross at the speed of the slower side, both ways, and what is under way stays small. The size is TOLLGATE_BODY_MIB (256).
import t from 'tap'
import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { untilStill } from '../support/wait-for.ts'

const MIB = 1_048_576
const SIZE = Number(process.env['TOLLGATE_BODY_MIB'] ?? 256) * MIB
const CHUNK = Buffer.alloc(65_536, 'x')
/** Buffers of the kernel on four sides, and those of the streams. */
const MOST_UNDER_WAY = 40 * MIB

/** What left one end and what came to the other. */
interface Meter {
  sent: number
  received: number
  mostUnderWay: number
  mostResident: number
}

function source(meter: Meter): Readable {
  return new Readable({
    highWaterMark: CHUNK.length,
    read() {
      if (meter.sent >= SIZE) this.push(null)
      else {
        meter.sent += CHUNK.length
        this.push(CHUNK)
      }
    },
  })
}

/** Reads, and rests for a moment after every 8 MiB if it is the slow side. */
function sink(meter: Meter, restMs: number): Writable {
  let sinceRest = 0
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      meter.received += chunk.length
      sinceRest += chunk.length
      if (sinceRest < 8 * MIB) {
        done()
        return
      }
      sinceRest = 0
      meter.mostUnderWay = Math.max(meter.mostUnderWay, meter.sent - meter.received)
      meter.mostResident = Math.max(meter.mostResident, process.memoryUsage().rss)
      setTimeout(() => {
        meter.mostUnderWay = Math.max(meter.mostUnderWay, meter.sent - meter.received)
        done()
      }, restMs)
    },
  })
}

async function start(t: Teardown, listener: RequestListener) {
  const upstream = createServer(listener).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.teardown(() => {
    upstream.closeAllConnections()
    upstream.close()
  })
  return startTestGateway(t, {
    upstreams: { up: { targets: [`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    limits: { bodyBytes: '8GiB', requestTimeout: '10m' },
  })
}

for (const [title, clientRestMs, upstreamRestMs] of [
  ['a slow side', 30, 30],
  ['no slow side', 0, 0],
] as const) {
  t.test(`${title}: a response and a request of ${SIZE / MIB} MiB`, { timeout: 600_000 }, async (t) => {
    const down: Meter = { sent: 0, received: 0, mostUnderWay: 0, mostResident: 0 }
    const up: Meter = { sent: 0, received: 0, mostUnderWay: 0, mostResident: 0 }
    const { port } = await start(t, (incoming, response) => {
      if (incoming.method === 'GET') void pipeline(source(down), response)
      else void pipeline(incoming, sink(up, upstreamRestMs)).then(() => response.end('got it'))
    })
    const before = process.memoryUsage().rss

    const [answer] = (await once(request({ port }).end(), 'response')) as [IncomingMessage]
    await pipeline(answer, sink(down, clientRestMs))
    t.equal(down.received, SIZE)
    t.ok(down.mostUnderWay < MOST_UNDER_WAY, `response: ${Math.round(down.mostUnderWay / MIB)} MiB under way at most`)

    const outgoing = request({ port, method: 'PUT' })
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
    await pipeline(source(up), outgoing)
    const [confirmation] = await answered
    t.equal(confirmation.statusCode, 200)
    confirmation.resume()
    t.equal(up.received, SIZE)
    t.ok(up.mostUnderWay < MOST_UNDER_WAY, `request: ${Math.round(up.mostUnderWay / MIB)} MiB under way at most`)
    const grown = (Math.max(down.mostResident, up.mostResident) - before) / MIB
    t.ok(grown < 160, `memory of client, gateway and upstream together grew by ${Math.round(grown)} MiB`)
  })
}

t.test('a side that stands still stops the other', async (t) => {
  const down: Meter = { sent: 0, received: 0, mostUnderWay: 0, mostResident: 0 }
  const up: Meter = { sent: 0, received: 0, mostUnderWay: 0, mostResident: 0 }
  const { port } = await start(t, (incoming, response) => {
    if (incoming.method === 'GET') void pipeline(source(down), response).catch(() => undefined)
    else incoming.pause()
  })
  const reading = request({ port }).end()
  const [answer] = (await once(reading, 'response')) as [IncomingMessage]
  answer.pause()
  const writing = request({ port, method: 'PUT' })
  const written = pipeline(source(up), writing).catch(() => undefined)
  for (const [name, meter] of Object.entries({ down, up })) {
    const last = await untilStill(() => meter.sent)
    t.ok(last > 0 && last < MOST_UNDER_WAY, `${name}: ${Math.round(last / MIB)} MiB`)
  }
  reading.destroy()
  writing.destroy()
  await written
})
