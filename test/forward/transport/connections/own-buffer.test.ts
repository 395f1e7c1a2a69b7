// A connection reads into one buffer again and again: what it reported stays as it was, and who switches protocols reads a stream.
import t from 'tap'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'

import { createFakeClock } from '../../../support/fake-clock.ts'
import { startSocketUpstream } from '../../../support/socket-upstream.ts'
import { testConfig, type Teardown } from '../../../support/test-gateway.ts'
import { createDirectTransport } from '../../../../gateway/src/forward/transport/direct-transport.ts'
import type { OutgoingRequest, TargetTransport } from '../../../../gateway/src/forward/transport/transport.ts'

const SIZES = [0, 1, 8192, 16_000, 16_384, 16_385, 30_000, 65_535, 65_536, 65_537, 300_000]

function transportTo(t: Teardown, url: string): TargetTransport {
  const config = testConfig({ upstreams: { up: { targets: [url] } }, routes: [{ path: '/', upstream: 'up' }] })
  const upstream = config.upstreams['up']
  if (upstream === undefined) throw new Error('unreachable')
  const clock = createFakeClock()
  const transport = createDirectTransport(url, upstream, { clock, schedule: clock.schedule, maxHeadBytes: 16_384 })
  t.teardown(() => transport.close())
  return transport
}

const request = (path: string, upgrade: OutgoingRequest['upgrade'] = null): OutgoingRequest => ({
  ...{ method: 'GET', path, headers: [], body: null, upgrade, connectTimeoutMs: 3000, headersTimeoutMs: 3000 },
})

interface Response {
  readonly status: number
  readonly pieces: readonly Buffer[]
  readonly connection: Duplex | undefined
}

/** Keeps the pieces as they were reported, and asks for pauses after every second of them. */
function ask(transport: TargetTransport, { path, upgrade }: OutgoingRequest): Promise<Response> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let status = 0
    let resume = (): void => undefined
    transport.send(request(path, upgrade), {
      ended: false,
      onSent: () => undefined,
      onInfo: () => undefined,
      onHead(said, _reason, _headers, goOn) {
        status = said
        resume = goOn
      },
      onBody(piece) {
        pieces.push(piece)
        if (pieces.length % 2 === 1) return true
        setImmediate(resume)
        return false
      },
      onEnd() {
        resolve({ status, pieces, connection: undefined })
      },
      onError: reject,
      onUpgrade(_headers, connection) {
        connection.on('data', (piece: Buffer) => pieces.push(piece))
        resolve({ status: 101, pieces, connection })
      },
    })
  })
}

/** Answers `/SIZE` with so many bytes, an upgrade with 101, and then sends back what comes. */
async function start(t: Teardown) {
  const bodies = new Map(SIZES.map((size) => [size, randomBytes(size)]))
  const upstream = await startSocketUpstream(t, (socket) => {
    let switched = false
    socket.on('data', (chunk: Buffer) => {
      if (switched) {
        socket.write(chunk)
        return
      }
      const head = chunk.toString('latin1')
      if (head.includes('upgrade: websocket')) {
        switched = true
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello ')
        return
      }
      const size = Number(/^GET \/(\d+)/.exec(head)?.[1])
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      socket.write(bodies.get(size) ?? '')
    })
  })
  return { upstream, bodies }
}

t.test('a body of any size stays as it was reported, whatever the connection reads next', async (t) => {
  const { upstream, bodies } = await start(t)
  const transport = transportTo(t, upstream.url)
  const kept: { size: number; pieces: readonly Buffer[] }[] = []
  for (const size of [...SIZES, ...[...SIZES].reverse()]) {
    const { status, pieces } = await ask(transport, request(`/${size}`))
    t.equal(status, 200)
    kept.push({ size, pieces })
  }
  for (const { size, pieces } of kept) t.ok(Buffer.concat(pieces).equals(bodies.get(size) as Buffer), `${size} bytes`)
  t.ok(upstream.connections() < kept.length, 'connections were used again')
})

t.test('a request that may switch protocols has a connection of its own, which is a stream', async (t) => {
  const { upstream } = await start(t)
  const transport = transportTo(t, upstream.url)
  await ask(transport, request('/1'))
  const { status, pieces, connection } = await ask(transport, request('/', 'websocket'))
  t.equal(status, 101)
  if (connection === undefined) throw new Error('nothing was switched')
  connection.write('you')
  while (Buffer.concat(pieces).length < 'hello you'.length) await once(connection, 'data')
  t.equal(Buffer.concat(pieces).toString(), 'hello you')
  t.equal(upstream.connections(), 2)
  connection.destroy()
})
