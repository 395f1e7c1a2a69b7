import t from 'tap'
import { once } from 'node:events'
import { connect } from 'node:net'
import { WebSocket } from 'ws'

import { createFakeClock, settle } from '../support/fake-clock.ts'
import { startTestGateway, type Teardown, type TestGatewayParts } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'
import {
  closeOf,
  nextMessage,
  openWebSocket,
  startWebSocketUpstream,
  type WebSocketUpstream,
} from '../support/websocket.ts'

async function start(
  t: Teardown,
  { url }: WebSocketUpstream,
  route: Record<string, unknown> = {},
  options: Record<string, unknown> = {},
  parts: TestGatewayParts = {},
) {
  return startTestGateway(
    t,
    {
      issuers: [hmacIssuer()],
      upstreams: { up: { targets: [url] } },
      routes: [{ path: '/ws', upstream: 'up', websocket: true, ...route }],
      ...options,
    },
    parts,
  )
}

const bearer = async (claims = {}) => ({ headers: { authorization: `Bearer ${await signHmac(claims)}` } })

/** Waits until the condition holds: events of other sockets have no order with ours. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await settle()
}

t.test('what the upstream says with its 101 is not lost', async (t) => {
  const upstream = await startWebSocketUpstream(t, {}, (socket) => socket.send('first'))
  const { url } = await start(t, upstream)
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, await bearer())
  t.equal(await nextMessage(socket), 'first')
  socket.terminate()
})

t.test('close codes and reasons are carried over as they are, both ways', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { url } = await start(t, upstream)
  for (const [code, reason] of [
    [1000, 'done'],
    [1001, ''],
    [3000, 'ours'],
    [4999, 'ü'],
  ] as const) {
    const fromClient = await openWebSocket(`${url}/ws`, [], await bearer())
    fromClient.socket.close(code, reason)
    t.same(await closeOf(fromClient.socket), [code, reason])
    await until(() => upstream.closes.length > 0)
    t.same(upstream.closes.pop(), [code, reason])

    const fromUpstream = await openWebSocket(`${url}/ws`, [], await bearer())
    upstream.sockets.at(-1)?.close(code, reason)
    t.same(await closeOf(fromUpstream.socket), [code, reason])
    await until(() => upstream.closes.length > 0)
    upstream.closes.pop()
  }
  const { socket } = await openWebSocket(`${url}/ws`, [], await bearer())
  socket.close()
  t.same(await closeOf(socket), [1005, ''], 'a close without a code stays one')
  await until(() => upstream.closes.length > 0)
  t.same(upstream.closes.pop(), [1005, ''])
})

t.test('a connection that is lost on one side is lost on the other, not closed politely', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { url } = await start(t, upstream)
  const first = await openWebSocket(`${url}/ws`, [], await bearer())
  first.socket.terminate()
  await until(() => upstream.closes.length > 0)
  t.equal(upstream.closes[0]?.[0], 1006)
  const second = await openWebSocket(`${url}/ws`, [], await bearer())
  upstream.sockets.at(-1)?.terminate()
  t.equal((await closeOf(second.socket))[0], 1006)
})

t.test('pings and pongs are those of the two ends', async (t) => {
  const upstream = await startWebSocketUpstream(t, { autoPong: false })
  const { url } = await start(t, upstream)
  const { socket } = await openWebSocket(`${url}/ws`, [], await bearer())
  const pinged = once(upstream.sockets[0] as WebSocket, 'ping')
  let ponged = false
  const pong = once(socket, 'pong').then(([data]: Buffer[]) => {
    ponged = true
    return data
  })
  socket.ping('are you there')
  t.equal(String((await pinged)[0]), 'are you there')
  await settle()
  t.notOk(ponged, 'the gateway does not answer for the upstream')
  upstream.sockets[0]?.pong('i am')
  t.equal(String(await pong), 'i am')
  socket.terminate()
})

t.test(
  'a WebSocket ends with 4401 when its token expires, tolerance included, and its upstream hears 1001',
  async (t) => {
    const clock = createFakeClock()
    const upstream = await startWebSocketUpstream(t)
    const exp = clock.now() / 1000 + 60
    const token = await bearer({ iat: exp - 120, exp })
    const options = { issuers: [hmacIssuer({ clockTolerance: '5s' })] }
    const parts = { clock, schedule: clock.schedule }
    const gateway = await start(t, upstream, {}, options, parts)
    const { socket } = await openWebSocket(`${gateway.url}/ws`, [], token)
    const closed = closeOf(socket)
    let over = false
    void closed.then(() => (over = true))
    await clock.advance(64_500)
    t.notOk(over)
    t.equal(socket.readyState, WebSocket.OPEN, 'still good within the tolerance')
    await clock.advance(1000)
    t.same(await closed, [4401, 'the token has expired or was revoked'])
    await until(() => upstream.closes.length > 0)
    t.same(upstream.closes[0], [1001, 'the token has expired or was revoked'])
  },
)

t.test('the close code is the route’s, and onExpiry: keep lets the WebSocket go on', async (t) => {
  const clock = createFakeClock()
  const upstream = await startWebSocketUpstream(t)
  const exp = clock.now() / 1000 + 60
  const token = await bearer({ iat: exp - 120, exp })
  const parts = { clock, schedule: clock.schedule }
  const closing = await start(t, upstream, { closeCode: 3999 }, {}, parts)
  const keeping = await start(t, upstream, { onExpiry: 'keep' }, {}, parts)
  const ended = await openWebSocket(`${closing.url}/ws`, [], token)
  const kept = await openWebSocket(`${keeping.url}/ws`, [], token)
  const closed = closeOf(ended.socket)
  await clock.advance(61_000)
  t.equal((await closed)[0], 3999)
  t.equal(kept.socket.readyState, WebSocket.OPEN)
  kept.socket.send('still here')
  t.equal(String((await once(kept.socket, 'message'))[0]), 'still here')
  kept.socket.terminate()
})

t.test('an anonymous WebSocket has no token to outlive', async (t) => {
  const clock = createFakeClock()
  const upstream = await startWebSocketUpstream(t)
  const { url } = await start(t, upstream, { auth: 'optional' }, {}, { clock, schedule: clock.schedule })
  const { socket } = await openWebSocket(`${url}/ws`)
  await clock.advance(120_000)
  t.equal(socket.readyState, WebSocket.OPEN)
  socket.terminate()
})

t.test('a message beyond limits.messageBytes ends the connection with 1009, from either side', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { url } = await start(t, upstream, {}, { limits: { messageBytes: '1KiB' } })
  const first = await openWebSocket(`${url}/ws`, [], await bearer())
  first.socket.send(Buffer.alloc(1025))
  t.equal((await closeOf(first.socket))[0], 1009)
  await until(() => upstream.closes.length > 0)
  t.equal(upstream.closes[0]?.[0], 1011, 'the other side learns that something went wrong, not what')

  const second = await openWebSocket(`${url}/ws`, [], await bearer())
  const closed = closeOf(second.socket)
  upstream.sockets.at(-1)?.send(Buffer.alloc(1025))
  t.equal((await closed)[0], 1011)
  await until(() => upstream.closes.length > 1)
  t.equal(upstream.closes[1]?.[0], 1009)
})

t.test('whoever sends waits for a side that reads slowly: memory stays flat', async (t) => {
  const MESSAGE = Buffer.alloc(65_536, 1)
  const upstream = await startWebSocketUpstream(t, {}, (socket) => socket.pause())
  const { url } = await start(t, upstream)
  const { socket } = await openWebSocket(`${url}/ws`, [], await bearer())
  // Sockets of the kernel hold a few megabytes; what is beyond them must wait at the client.
  const before = process.memoryUsage().arrayBuffers
  for (let count = 0; count < 1500; count += 1) socket.send(MESSAGE)
  let waiting = -1
  while (socket.bufferedAmount !== waiting) {
    waiting = socket.bufferedAmount
    for (let turn = 0; turn < 50; turn += 1) await settle()
  }
  const held = process.memoryUsage().arrayBuffers - before - waiting
  t.ok(waiting > 40 * 1024 * 1024, `${waiting} bytes wait at the client`)
  t.ok(held < 24 * 1024 * 1024, `${held} bytes are held elsewhere in this process`)
  let arrived = 0
  upstream.sockets[0]?.on('message', (data: Buffer) => (arrived += data.length))
  upstream.sockets[0]?.resume()
  await until(() => arrived === 1500 * MESSAGE.length)
  t.pass('all of it arrives when the slow side reads')
  socket.terminate()
})

t.test('a shutdown tells both sides that it is going away, and waits for no one who does not answer', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { url, port, gateway } = await start(t, upstream)
  const { socket } = await openWebSocket(`${url}/ws`, [], await bearer())
  const mute = connect(port, '127.0.0.1')
  mute.on('error', () => undefined)
  mute.write(
    `GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: ${(await bearer()).headers.authorization}\r\n\r\n`,
  )
  await once(mute, 'data')
  const closed = closeOf(socket)
  const closing = gateway.close()
  t.same(await closed, [1001, 'the gateway is shutting down'])
  await closing
  t.same(upstream.closes[0], [1001, 'the gateway is shutting down'])
  mute.destroy()
})
