// What nobody answered, what is no request, and which ids are kept: one line and one count each.
import t from 'tap'

import { openRaw } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway, type Teardown, type TestGatewayParts } from '../support/test-gateway.ts'
import { countsOf, idsIn, requestLines } from '../support/told.ts'
import { waitFor } from '../support/wait-for.ts'

const HOST = 'Host: a\r\n'
const NONE = '(none)'
const HANDSHAKE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

async function startOpen(t: Teardown, parts: TestGatewayParts = {}) {
  const upstream = await startUpstream(t)
  const routes = [{ path: '/open/*', upstream: 'up', auth: 'none' }]
  return startTestGateway(t, { upstreams: { up: { targets: [upstream.url] } }, routes }, parts)
}

/** Bytes of a client that leaves without its answers, and how many requests of each status there were. */
const LEFT: readonly (readonly [what: string, bytes: string, statuses: readonly number[]])[] = [
  ['before the response', `GET /slow HTTP/1.1\r\n${HOST}\r\n`, [499]],
  ['with others waiting', `GET /slow HTTP/1.1\r\n${HOST}\r\n`.repeat(5), [499, 499, 499, 499, 499]],
  ['with a tunnel waiting', `GET /slow HTTP/1.1\r\n${HOST}\r\nCONNECT a:443 HTTP/1.1\r\n${HOST}\r\n`, [499, 499]],
  [
    'with a WebSocket waiting',
    `GET /slow HTTP/1.1\r\n${HOST}\r\nGET /ws HTTP/1.1\r\n${HOST}${HANDSHAKE}\r\n`,
    [499, 499],
  ],
  ['with what is no HTTP behind', `GET /slow HTTP/1.1\r\n${HOST}\r\nnonsense\r\n\r\n`, [499, 499]],
  [
    'with an expectation waiting',
    `GET /slow HTTP/1.1\r\n${HOST}\r\nGET /a HTTP/1.1\r\n${HOST}Expect: tea\r\n\r\n`,
    [499, 499],
  ],
]

for (const leave of ['resets', 'closes'])
  t.test(`a client that ${leave} leaves a line and a count for each request that came whole`, async (t) => {
    const upstream = await startUpstream(t, () => undefined)
    const gateway = await startTestGateway(t, {
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up', auth: 'none', websocket: true }],
    })
    let before = 0
    for (const [what, bytes, statuses] of LEFT) {
      const client = await openRaw(t, gateway.port)
      const asked = upstream.requests.length
      client.write(bytes)
      if (!bytes.startsWith('POST')) await waitFor(() => upstream.requests.length > asked)
      else await waitFor(() => upstream.open() > 0)
      if (leave === 'resets') client.socket.resetAndDestroy()
      else client.socket.destroy()
      await waitFor(() => requestLines(gateway).length >= before + statuses.length)
      t.same(
        requestLines(gateway)
          .slice(before)
          .map(({ status }) => status),
        statuses,
        what,
      )
      t.ok(
        requestLines(gateway)
          .slice(before)
          .every(({ client }) => client === '127.0.0.1'),
        'and whose it was',
      )
      before = requestLines(gateway).length
    }
    const counts = await countsOf(gateway)
    t.equal(
      [...counts.values()].reduce((sum, count) => sum + count, 0),
      before,
    )
  })

t.test('a client that leaves in the middle of its body leaves one line and one count', async (t) => {
  const upstream = await startUpstream(t, () => undefined)
  const gateway = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  const client = await openRaw(t, gateway.port)
  client.write(`POST /slow HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nhalf`)
  await waitFor(() => upstream.open() > 0)
  client.socket.end()
  await waitFor(client.closed)
  t.match(requestLines(gateway), [{ status: 400, code: 'request_invalid', route: '/*' }])
  t.same(idsIn(client.received()), [requestLines(gateway)[0]?.['requestId']])
  t.same([...(await countsOf(gateway))], [['/* 400', 1]])
})

t.test('a connection on which nothing was said is no request', async (t) => {
  const gateway = await startTestGateway(t, {
    limits: { requestTimeout: '1s' },
    upstreams: { up: { targets: ['http://127.0.0.1:1'] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  const [silent, slow] = [await openRaw(t, gateway.port), await openRaw(t, gateway.port)]
  slow.write('GET / HT')
  await Promise.all([silent, slow].map(({ closed }) => waitFor(closed, 10_000)))
  t.match(requestLines(gateway), [{ status: 408, code: 'request_timeout', route: NONE }])
  t.equal(requestLines(gateway).length, 1)
  t.same(idsIn(slow.received()), [requestLines(gateway)[0]?.['requestId']])
  t.same([...(await countsOf(gateway))], [[`${NONE} 408`, 1]])
})

t.test('of a flood of what is no HTTP all is counted, and ten lines a second are written', async (t) => {
  let nowMs = 1000
  const gateway = await startOpen(t, { clock: { now: () => Date.now(), monotonic: () => nowMs } })
  const shout = async () => {
    const client = await openRaw(t, gateway.port)
    client.write('nonsense\r\n\r\n')
    client.socket.end()
    await waitFor(client.closed)
  }
  for (let count = 0; count < 25; count += 1) await shout()
  t.equal(requestLines(gateway).length, 10)
  nowMs += 1000
  await shout()
  t.match(requestLines(gateway).slice(10), [{ suppressed: 15, status: 400 }])
  t.same([...(await countsOf(gateway))], [[`${NONE} 400`, 26]])
})

t.test('the id of a client is kept where it is safe everywhere, and replaced where not', async (t) => {
  const gateway = await startOpen(t)
  const kept = [
    'a',
    '0af7651916cd43dd8448eb211c80319c',
    '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
    'a_b.c',
    'x'.repeat(128),
  ]
  const replaced = [
    '',
    'x'.repeat(129),
    'a b',
    'a/b',
    'a=',
    '"',
    '{}',
    'ä',
    'a,b',
    `eyJhbGciOiJub25lIn0.eyJhIjoxfQ.`,
    'eyJhbGciOiJub25lIn0',
  ]
  for (const id of [...kept, ...replaced])
    for (const path of ['/open/a', '/nowhere']) {
      const client = await openRaw(t, gateway.port)
      client.write(`GET ${path} HTTP/1.1\r\n${HOST}X-Request-Id: ${id}\r\nConnection: close\r\n\r\n`)
      await waitFor(client.closed)
      const [told] = idsIn(client.received())
      if (kept.includes(id)) t.equal(told, id)
      else t.match(told, /^[\w-]{12}-[0-9a-z]+$/, id)
      t.equal(requestLines(gateway).at(-1)?.['requestId'], told)
    }
  t.notMatch(JSON.stringify(gateway.lines), /eyJ/)
})
