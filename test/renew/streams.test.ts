// A stream lives as long as its session: WebSockets and event streams outlive the token that opened them, not what it belongs to.
import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'

import { createFakeClock } from '../support/fake-clock.ts'
import { openRaw } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { claimsOf, firstToken, renewingIssuer, send, startMachines, writePrivateKey } from '../support/renewal.ts'
import type { TestGateway } from '../support/test-gateway.ts'
import { waitFor } from '../support/wait-for.ts'
import { openWebSocket, startWebSocketUpstream } from '../support/websocket.ts'

/** Two machines with WebSockets and event streams, and what becomes of one of either kind that a token opened on the first. */
async function setUp(
  t: Test,
  { transport = 'direct', renewal = {} }: { transport?: string; renewal?: Record<string, unknown> } = {},
) {
  const clock = createFakeClock()
  const eventStreams: ServerResponse[] = []
  const plain = await startUpstream(t, (request, response) => {
    if (request.url === '/') return void response.end('ok')
    const encoding = request.url === '/encoded' ? { 'content-encoding': 'identity' } : {}
    response.writeHead(200, { 'content-type': 'text/event-stream', ...encoding })
    response.flushHeaders()
    eventStreams.push(response)
  })
  const sockets = await startWebSocketUpstream(t)
  const [one, two] = (await startMachines(
    t,
    2,
    {
      issuers: [renewingIssuer(writePrivateKey(t), renewal, { clockTolerance: '5s' })],
      upstreams: { plain: { targets: [plain.url], transport }, sockets: { targets: [sockets.url], transport } },
      routes: [
        { path: '/ws', upstream: 'sockets', websocket: true },
        { path: '/*', upstream: 'plain' },
      ],
    },
    { clock, schedule: clock.schedule },
  )) as [TestGateway, TestGateway]

  async function open(token: string, path = '/events') {
    const ended: (string | number)[] = []
    const messages: string[] = []
    const { socket } = await openWebSocket(`${one.url}/ws`, [], { headers: { authorization: `Bearer ${token}` } })
    socket.on('close', (code) => ended.push(code))
    socket.on('message', (data: Buffer) => messages.push(data.toString()))
    const events = await openRaw(t, one.port)
    events.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    await events.until(/\r\n\r\n/)
    t.teardown(() => socket.terminate())
    return {
      socket,
      messages,
      /** The body of the event stream as it came, without the lines of chunks. */
      events: () => (events.received().split('\r\n\r\n')[1] ?? '').replace(/[0-9a-f]+\r\n|\r\n/g, ''),
      /** Both are open. */
      live: () => ended.length === 0 && !events.received().includes('\r\n0\r\n\r\n') && !events.closed(),
      /** Both end, the WebSocket with 4401 and the event stream in order. */
      async end() {
        await waitFor(() => ended.length > 0 && events.received().endsWith('0\r\n\r\n'))
        return ended
      },
    }
  }
  return { clock, one, two, open, eventStreams }
}

for (const transport of ['direct', 'undici'])
  t.test(`a stream goes on with the successors of its token, wherever they are used (${transport})`, async (t) => {
    const { clock, two, open } = await setUp(t, { transport })
    let token = await firstToken(clock)
    const streams = await open(token)
    // Twelve times as long as any token lives; its machine sees nothing of the others.
    for (let renewals = 0; renewals < 10; renewals += 1) {
      await clock.advance(245_000)
      t.ok(streams.live(), `after ${renewals} renewals`)
      token = (await send(two, token)).renewed ?? ''
      t.equal((await send(two, token)).status, 200)
    }
    await clock.advance(Number(claimsOf(token)['exp']) * 1000 + 4000 - clock.now())
    t.ok(streams.live(), 'to the end of the last of them, tolerance included')
    await clock.advance(2000)
    t.same(await streams.end(), [4401])
  })

t.test('a successor that was delivered keeps the stream, used or not: who has it needs no other request', async (t) => {
  const { clock, two, open } = await setUp(t)
  const token = await firstToken(clock)
  const streams = await open(token)
  await clock.advance(245_000)
  const { renewed } = await send(two, token)
  await clock.advance(70_000)
  t.ok(streams.live(), 'the token itself is over')
  await clock.advance(Number(claimsOf(renewed)['exp']) * 1000 + 6000 - clock.now())
  t.same(await streams.end(), [4401])
})

t.test('nobody renews it: it ends with its token', async (t) => {
  const { clock, open } = await setUp(t)
  const streams = await open(await firstToken(clock))
  await clock.advance(304_000)
  t.ok(streams.live())
  await clock.advance(2000)
  t.same(await streams.end(), [4401])
})

t.test('maxSession ends it, however often its token was renewed', async (t) => {
  const { clock, two, open } = await setUp(t)
  const startedAtMs = clock.now()
  let token = await firstToken(clock)
  const streams = await open(token)
  while (clock.now() - startedAtMs < 3_500_000) {
    await clock.advance(50_000)
    token = (await send(two, token)).renewed ?? token
    await send(two, token)
  }
  await clock.advance(startedAtMs + 3_599_000 - clock.now())
  t.ok(streams.live())
  await clock.advance(2000)
  t.same(await streams.end(), [4401])
})

for (const name of ['jti', 'sid', 'sub'] as const)
  t.test(`revoking the ${name} of a successor ends the stream at once, on whatever machine`, async (t) => {
    const { clock, two, open } = await setUp(t)
    const token = await firstToken(clock)
    const streams = await open(token)
    await clock.advance(245_000)
    const { renewed } = await send(two, token)
    t.equal((await send(two, renewed ?? '')).status, 200)
    await clock.advance(100_000)
    t.ok(streams.live())
    const nowSec = Math.floor(clock.now() / 1000)
    const claims = claimsOf(renewed)
    two.gateway.blockList.add({
      kind: name,
      issuer: String(claims['iss']),
      value: String(claims[name]),
      issuedBeforeSec: name === 'sub' ? nowSec : undefined,
      overlapSec: 0,
      untilSec: nowSec + 3600,
      reason: 'revoked',
    })
    t.same(await streams.end(), [4401])
  })

t.test('another session of the same user keeps nothing', async (t) => {
  const { clock, two, open } = await setUp(t)
  const streams = await open(await firstToken(clock, { jti: 'one' }))
  const other = await firstToken(clock, { jti: 'two' })
  await clock.advance(245_000)
  await send(two, (await send(two, other)).renewed ?? '')
  await clock.advance(62_000)
  t.same(await streams.end(), [4401])
})

const tokenIn = (message: string | undefined) =>
  (JSON.parse(message ?? '{}') as { type?: string; token?: string }).token ?? ''

for (const transport of ['direct', 'undici'])
  t.test(
    `stream: event: whoever makes no other request is given each successor in the stream (${transport})`,
    async (t) => {
      const { clock, one, open, eventStreams } = await setUp(t, { transport, renewal: { stream: 'event' } })
      const streams = await open(await firstToken(clock))
      await clock.advance(238_000)
      t.same([streams.messages, streams.events()], [[], ''], 'nothing before it is due')
      for (let renewals = 1; renewals <= 5; renewals += 1) {
        await clock.advance(3000)
        await waitFor(() => streams.messages.length === renewals && streams.events().endsWith('\n\n'))
        const token = tokenIn(streams.messages.at(-1))
        t.match(JSON.parse(streams.messages.at(-1) ?? ''), { type: 'renewed_token' })
        const events = streams
          .events()
          .split('\n\n')
          .filter((event) => event !== '')
        t.same(events.at(-1), `event: renewed_token\ndata: ${token}`, 'the same token in both')
        t.equal(events.length, renewals, 'once each')
        t.equal((await send(one, token)).status, 200, 'and it is good')
        await clock.advance(237_000)
        t.ok(streams.live())
      }
      streams.socket.send('echo')
      await waitFor(() => streams.messages.at(-1) === 'echo')
      eventStreams[0]?.write('data: 1\n\n')
      await waitFor(() => streams.events().endsWith('data: 1\n\n'))
    },
  )

t.test('stream: event: no event of the upstream is cut in two, and what is encoded is left alone', async (t) => {
  const { clock, open, eventStreams } = await setUp(t, { renewal: { stream: 'event' } })
  const token = await firstToken(clock)
  const [streams, encoded] = [await open(token), await open(token, '/encoded')]
  const [upstream] = eventStreams
  upstream?.write('data: begun')
  await waitFor(() => streams.events() === 'data: begun')
  await clock.advance(250_000)
  await waitFor(() => streams.messages.length === 1)
  t.equal(streams.events(), 'data: begun')
  upstream?.write('\ndata: and ended\n')
  await waitFor(() => streams.events().endsWith('ended\n'))
  await clock.advance(500)
  t.notMatch(streams.events(), /renewed_token/, 'an end of line is not an end of event')
  upstream?.write('\n')
  await waitFor(() => streams.events().endsWith('\n\n'))
  await clock.advance(500)
  await waitFor(() => /^data: begun\ndata: and ended\n\nevent: renewed_token\ndata: ey\S+\n\n$/.test(streams.events()))
  t.equal(encoded.events(), '')
})

t.test('stream: off: a stream carries what its two sides say', async (t) => {
  const { clock, open } = await setUp(t)
  const streams = await open(await firstToken(clock))
  await clock.advance(290_000)
  t.same([streams.messages, streams.events()], [[], ''])
})
