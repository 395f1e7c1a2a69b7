// Connections that are kept: looked at before they are used again, given up when they may not be, and never tried twice in a row.
import t from 'tap'
import type { Socket } from 'node:net'

import {
  KeptConnections,
  type Keepable,
} from '../../../../gateway/src/forward/transport/connections/kept-connections.ts'
import type { OutgoingRequest } from '../../../../gateway/src/forward/transport/transport.ts'
import { createFakeClock } from '../../../support/fake-clock.ts'
import { createCaller } from '../../../support/fake-upstream.ts'
import { sendRaw, statusOf } from '../../../support/raw-http.ts'
import { startSocketUpstream } from '../../../support/socket-upstream.ts'
import { startTestGateway, type Teardown, type TestGatewayParts } from '../../../support/test-gateway.ts'
import { waitFor } from '../../../support/wait-for.ts'

interface Named extends Keepable {
  readonly name: string
}

function createKept() {
  const served: (string | undefined)[] = []
  const clock = { nowMs: 0 }
  const kept = new KeptConnections<Named>(
    () => clock.nowMs,
    (_request, _receiver, connection) => served.push(connection?.name),
  )
  const connection = (name: string): Named => ({ name, idleSinceTurn: 0, idleSinceMs: clock.nowMs })
  const wait = () => kept.wait({} as OutgoingRequest, createCaller())
  return { kept, served, clock, connection, wait }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

t.test('a connection is used when the loop has polled once since it came to rest, and not before', async (t) => {
  const { kept, served, connection, wait } = createKept()
  t.notOk(wait(), 'none is at rest: one has to be made')
  kept.add(connection('a'))
  t.ok(wait())
  t.notOk(wait(), 'one is not enough for two')
  t.same(served, [])
  await turn()
  t.same(served, [], 'the poll in which it came to rest is over, and no other')
  await turn()
  t.same(served, ['a'])
  kept.add(connection('b'))
  await turn()
  await turn()
  t.ok(wait())
  t.same(served, ['a'], 'also later: what the poll under way has found is heard first')
  await turn()
  t.same(served, ['a', 'b'])
})

t.test('who waits for a connection that ends gets another, or is told that there is none', async (t) => {
  const { kept, served, connection, wait } = createKept()
  const [a, b] = [connection('a'), connection('b')]
  kept.add(a)
  kept.add(b)
  t.ok(wait() && wait())
  kept.delete(a)
  await turn()
  await turn()
  t.same(new Set(served), new Set(['b', undefined]))
  t.equal(kept.waiting, 0)
})

t.test('of those that have settled the last is taken, of the others the first', async (t) => {
  const { kept, served, clock, connection, wait } = createKept()
  for (const [name, atMs] of [
    ['a', 0],
    ['b', 5],
    ['c', 12],
    ['d', 14],
  ] as const) {
    clock.nowMs = atMs
    kept.add(connection(name))
  }
  await turn()
  clock.nowMs = 16
  for (let count = 0; count < 4; count += 1) t.ok(wait())
  await turn()
  t.same(served, ['b', 'a', 'c', 'd'])
})

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const TRANSPORTS = ['direct', 'undici']

function gatewayTo(t: Teardown, url: string, transport: string, upstream: object = {}, parts?: TestGatewayParts) {
  return startTestGateway(
    t,
    {
      upstreams: { up: { targets: [url], transport, retries: 0, ...upstream } },
      routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    },
    parts,
  )
}
const ask = (port: number, method = 'POST') =>
  sendRaw(port, `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi`, 3000)

for (const transport of TRANSPORTS) {
  t.test(
    `${transport}: an upstream that closes with its answer loses no request, with a body or without`,
    async (t) => {
      const upstream = await startSocketUpstream(t, (socket) => socket.once('data', () => socket.end(OK)))
      const { port } = await gatewayTo(t, upstream.url, transport)
      for (let round = 0; round < 20; round += 1) t.equal(statusOf(await ask(port)), 200)
    },
  )

  t.test(`${transport}: the second try is over a new connection, for the other kept ones are as dead`, async (t) => {
    const held: Socket[] = []
    const upstream = await startSocketUpstream(t, (socket) => {
      let asked = 0
      socket.on('data', () => {
        asked += 1
        if (asked > 1) socket.resetAndDestroy()
        else if (held.push(socket) >= 4) for (const one of held) if (!one.destroyed) one.write(OK)
      })
    })
    const { port } = await gatewayTo(t, upstream.url, transport, { retries: 1 })
    const get = () => sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 3000)
    const first = await Promise.all([get(), get(), get(), get()])
    t.same(first.map(statusOf), [200, 200, 200, 200])
    t.equal(upstream.open(), 4)
    t.equal(statusOf(await get()), 200)
    t.equal(upstream.connections(), 5)
  })

  t.test(
    `${transport}: a target that spoke though nobody had asked gets one request a connection for a minute`,
    async (t) => {
      const clock = createFakeClock()
      const sockets: Socket[] = []
      const upstream = await startSocketUpstream(t, (socket) => {
        sockets.push(socket)
        socket.on('data', () => socket.write(OK))
      })
      const { port } = await gatewayTo(t, upstream.url, transport, {}, { clock, schedule: clock.schedule })
      await ask(port)
      await ask(port)
      t.equal(upstream.connections(), 1)
      sockets[0]?.write(OK)
      await waitFor(() => upstream.open() === 0)
      for (let round = 2; round <= 4; round += 1) {
        t.equal(statusOf(await ask(port)), 200)
        t.equal(upstream.connections(), round)
      }
      await clock.advance(60_001)
      for (let round = 0; round < 3; round += 1) await ask(port)
      t.equal(upstream.connections(), 5, 'then it is believed again')
    },
  )
}

t.test(
  'direct: a 408 with which an upstream closes a silent connection is no such word (RFC 9110 section 15.5.9)',
  async (t) => {
    const sockets: Socket[] = []
    const upstream = await startSocketUpstream(t, (socket) => {
      sockets.push(socket)
      socket.on('data', () => socket.write(OK))
    })
    const { port } = await gatewayTo(t, upstream.url, 'direct')
    await ask(port)
    sockets[0]?.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    await waitFor(() => upstream.open() === 0)
    await ask(port)
    await ask(port)
    t.equal(upstream.connections(), 2)
  },
)
