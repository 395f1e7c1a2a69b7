// Clients that offer HTTP/2 by Upgrade: h2c (curl --http2, Java) are served over HTTP/1.1, also where WebSockets are taken and
// Node hands out every request with an offer.
import t from 'tap'
import type { Socket } from 'node:net'

import { openRaw } from '../support/raw-connection.ts'
import { headerValues, startUpstream } from '../support/recording-upstream.ts'
import { sendRaw, statusOf } from '../support/raw-http.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { waitFor } from '../support/wait-for.ts'

const OFFER = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'

async function start(t: Teardown, listener?: Parameters<typeof startUpstream>[1]) {
  const upstream = await startUpstream(t, listener)
  const gateway = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: '/*', upstream: 'up', auth: 'none' },
      { path: '/ws', upstream: 'up', auth: 'none', websocket: true },
    ],
  })
  return { upstream, ...gateway }
}

t.test('the offer is passed over, and nothing of it reaches the upstream; the connection goes on', async (t) => {
  const { upstream, port } = await start(t)
  const client = await openRaw(t, port)
  const rounds = [
    ['GET /get HTTP/1.1\r\nHost: a\r\n', '\r\n', ''],
    ['POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n', '\r\nhello', 'hello'],
    ['POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n', '\r\n5\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['PUT /expect HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n', '\r\nhello', 'hello'],
  ] as const
  for (const [round, [head, rest, body]] of rounds.entries()) {
    client.write(`${head}X-Kept: caf\xe9\r\n${OFFER}${rest}`)
    await waitFor(() => client.received().match(/"ok":true/g)?.length === round + 1)
    const seen = upstream.requests.at(-1)
    t.equal(seen?.body.toString(), body, head)
    for (const name of ['upgrade', 'http2-settings', 'expect']) t.same(headerValues(seen, name), [], name)
    t.same(headerValues(seen, 'connection'), ['keep-alive'])
    t.equal(headerValues(seen, 'x-kept').length, 1)
  }
  t.match(client.received(), /100 Continue/)
  client.write('GET /plain HTTP/1.1\r\nHost: a\r\n\r\n')
  await waitFor(() => client.received().match(/"ok":true/g)?.length === rounds.length + 1)
})

t.test(
  'an offer with more headers than Node hands out is the last request of its connection: its length may be hidden',
  async (t) => {
    const { upstream, port } = await start(t)
    const body = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
    const framings = [
      [`Content-Length: ${body.length}\r\n`, body],
      ['Transfer-Encoding: chunked\r\n', `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`],
    ] as const
    // Node takes 32 headers at a time: those before and behind its bound.
    for (const filled of [990, 1000, 1024, 1100, 3000])
      for (const [framing, sent] of framings) {
        const answer = await sendRaw(
          port,
          `POST /own HTTP/1.1\r\nHost: a\r\n${OFFER}${'a:\r\n'.repeat(filled)}${framing}\r\n${sent}`,
        )
        const refused = filled > 990
        t.equal(statusOf(answer), refused ? 431 : 200, `${filled} ${framing}`)
        t.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, 'one answer to one request')
        if (refused) t.match(answer, /^connection: close\r$/im)
      }
    t.notOk(upstream.requests.some(({ url }) => url === '/smuggled'))
  },
)

t.test('a body that comes in pieces after the offer arrives whole', async (t) => {
  const { upstream, port } = await start(t)
  const client = await openRaw(t, port)
  const body = Buffer.alloc(300_000, 'x')
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n${OFFER}\r\n`)
  for (let at = 0; at < body.length; at += 100_000) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    client.write(body.subarray(at, at + 100_000))
  }
  await client.until(/"ok":true/)
  t.ok(upstream.requests[0]?.body.equals(body))
})

t.test('Connection: close beside the offer is kept', async (t) => {
  const { port } = await start(t)
  const answer = await sendRaw(
    port,
    `GET / HTTP/1.1\r\nHost: a\r\n${OFFER.replace('Upgrade,', 'close, Upgrade,')}\r\n`,
    2000,
  )
  t.equal(statusOf(answer), 200)
  t.match(answer, /connection: close/i)
})

// Attack: thousands of offers on one connection. Amplifier: each starts the connection anew, with listeners and timers of its
// own. Defence: it leaves nothing behind.
t.test('thousands of offers on one connection leave nothing behind', async (t) => {
  const { port, gateway } = await start(t)
  const sockets: Socket[] = []
  gateway.listeners.current[0]?.server.server.on('connection', (socket) => sockets.push(socket))
  const client = await openRaw(t, port)
  const warnings: unknown[] = []
  process.on('warning', (warning) => warnings.push(warning))
  const listeners = () =>
    sockets[0] === undefined
      ? 0
      : sockets[0].eventNames().reduce((sum, name) => sum + (sockets[0]?.listenerCount(name) ?? 0), 0)
  const ask = async (answers: number) => {
    client.write(`GET / HTTP/1.1\r\nHost: a\r\n${OFFER}\r\n`)
    await waitFor(() => client.received().match(/"ok":true/g)?.length === answers)
  }
  for (let count = 1; count <= 5; count += 1) await ask(count)
  const before = listeners()
  for (let count = 6; count <= 200; count += 1) await ask(count)
  t.equal(listeners(), before)
  t.same(warnings, [])
})

t.test('an offer behind a request that is still being answered is not served out of turn', async (t) => {
  const finish: (() => void)[] = []
  const { port, upstream } = await start(t, (request, response) => {
    if (request.url === '/slow') finish.push(() => response.end('slow'))
    else response.end('fast')
  })
  for (const offer of [
    OFFER,
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
  ]) {
    const client = await openRaw(t, port)
    const before = finish.length
    client.write(`GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /ws HTTP/1.1\r\nHost: a\r\n${offer}\r\n`)
    await waitFor(() => finish.length === before + 1 || client.closed())
    // Whole exchanges of others, over the same gateway and upstream: what was served out of turn would be here by then.
    for (let exchange = 0; exchange < 20; exchange += 1)
      t.equal(statusOf(await sendRaw(port, 'GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')), 200)
    t.equal(client.received(), '', 'nothing comes before the first answer')
    finish[before]?.()
    await waitFor(() => client.closed() || /slow[^]*fast/.test(client.received()))
    t.notMatch(client.received(), /fast[^]*slow/)
  }
  await waitFor(() => upstream.open() <= 2)
})
