// What Node's parser lets pass though it is not HTTP/1.0 or 1.1, methods that are none, and heads that are too long.
import t from 'tap'

import { openRaw } from '../support/raw-connection.ts'
import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { waitFor } from '../support/wait-for.ts'

const HOST = '\r\nHost: a\r\n\r\n'

/** Request line and what follows, the status it must get, and who says so. */
const CASES: readonly (readonly [bytes: string, status: number, source: string])[] = [
  ['GET /\r\n\r\n', 505, 'HTTP/0.9 has no version, and no headers (RFC 1945 section 5)'],
  ['GET / HTTP/0.9\r\n\r\n', 505, 'the same, named'],
  [`GET / HTTP/2.0${HOST}`, 505, 'RFC 9113 section 3: another framing'],
  [`GET / HTTP/1.2${HOST}`, 400, 'no such version'],
  [`GET / HTTP/3.0${HOST}`, 400, 'no such version in text'],
  [`GET / HTTP/1.10${HOST}`, 400, 'RFC 9112 section 2.3: one digit'],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'the preface of HTTP/2 (RFC 9113 section 3.4)'],
  ['GET / RTSP/1.0\r\nCSeq: 1\r\n\r\n', 505, 'RFC 2326'],
  [`GET / RTSP/1.1${HOST}`, 505, 'the same in the clothes of the current version'],
  ['POST / RTSP/1.0\r\nContent-Length: 2\r\n\r\nok', 505, 'as AirPlay sends it'],
  ['OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n', 505, 'RFC 2326 section 10.1'],
  ['DESCRIBE rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\n\r\n', 505, 'RFC 2326 section 10.2'],
  [`SETUP /b RTSP/1.1${HOST}`, 505, 'RFC 2326 section 10.4'],
  ['SOURCE /mount ICE/1.0\r\n\r\n', 505, 'Icecast'],
  [`DESCRIBE / HTTP/1.1${HOST}`, 400, 'a method of RTSP alone'],
  ['CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 501, 'RFC 9110 section 9.3.6'],
]

t.test('other protocols are refused in a fixed way, and neither an upstream nor a 500 comes of them', async (t) => {
  const upstream = await startUpstream(t)
  const { port, lines } = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  for (const [bytes, status, source] of CASES) {
    const answer = await sendRaw(port, bytes, 2000)
    t.equal(statusOf(answer), status, `${JSON.stringify(bytes)}: ${source}`)
    t.match(answer, /^connection: close\r$/im, 'and nothing else is read')
    t.match(codeOf(answer), /^(version_not_supported|request_invalid|method_not_implemented)$/)
  }
  // Behind a request that is one: those methods are known in any case.
  for (const bytes of ['PLAY /b RTSP/1.0\r\n\r\n', 'GET / RTSP/1.0\r\n\r\n', 'SOURCE /x ICE/1.0\r\n\r\n'])
    t.match(await sendRaw(port, `GET / HTTP/1.1${HOST}${bytes}`, 2000), /200 OK[^]*HTTP\/1\.1 505 /, bytes)
  t.same(
    new Set(upstream.requests.map(({ method, url }) => `${method} ${url}`)),
    new Set(['GET /']),
    'upstreams see what is HTTP alone',
  )
  const tunnel = lines.find(({ method }) => method === 'CONNECT')
  t.match(tunnel, { path: 'a:443', status: 501, code: 'method_not_implemented' }, 'a tunnel has its line')
})

t.test(
  'HTTP/1.0 with a transfer-encoding ends its connection (RFC 9112 section 6.1); without one it may be kept',
  async (t) => {
    const upstream = await startUpstream(t)
    const { port } = await startTestGateway(t, {
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    })
    const head = 'POST / HTTP/1.0\r\nConnection: keep-alive\r\n'
    for (const coding of ['chunked', 'Chunked']) {
      const client = await openRaw(t, port)
      client.write(`${head}Transfer-Encoding: ${coding}\r\n\r\n2\r\nok\r\n0\r\n\r\nGET /smuggled HTTP/1.0\r\n\r\n`)
      await waitFor(client.closed)
      t.match(client.received(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\nconnection: close\r\n/i)
      t.equal(client.received().match(/HTTP\/1\.1/g)?.length, 1, 'what follows is not taken for a request')
    }
    const kept = await openRaw(t, port)
    kept.write(`${head}Content-Length: 2\r\n\r\nok${head}Content-Length: 2\r\n\r\nok`)
    await waitFor(() => kept.received().match(/200 OK/g)?.length === 2)
    t.match(kept.received(), /\r\nconnection: keep-alive\r\n/i)
    t.notOk(upstream.requests.some(({ url }) => url === '/smuggled'))
  },
)

t.test('a head far over its limit is answered 431, and whoever is still sending can read it', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  for (const bytes of [17_000, 100_000, 3_000_000]) {
    const client = await openRaw(t, port)
    const reset: string[] = []
    client.socket.on('error', ({ message }) => reset.push(message))
    client.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(bytes)}\r\n\r\n`)
    client.socket.on('end', () => client.socket.end())
    await waitFor(client.closed)
    t.match(client.received(), /^HTTP\/1\.1 431 [^]*headers_too_large"[^}]*}$/, `${bytes} bytes`)
    t.same(reset, [])
  }
})
