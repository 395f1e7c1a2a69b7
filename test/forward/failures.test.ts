import t from 'tap'
import { connect, type Socket } from 'node:net'

import { startUpstream } from '../support/recording-upstream.ts'
import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { startSocketUpstream } from '../support/socket-upstream.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { hmacIssuer } from '../support/tokens.ts'
import { untilStill, waitFor } from '../support/wait-for.ts'

async function socketUpstreamPort(t: Teardown, onSocket: (socket: Socket) => void): Promise<number> {
  return (await startSocketUpstream(t, onSocket)).port
}

const routes = [{ path: '/*', upstream: 'up', auth: 'none' }]
const upstreams = (target: string, timeouts: Record<string, string> = {}) => ({ up: { targets: [target], timeouts } })
const get = (port: number, quietMs = 1500) =>
  sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', quietMs)

t.test(
  'each way an upstream fails has its own code, and no answer tells an address or a library’s words',
  async (t) => {
    const answering = (text: string) => socketUpstreamPort(t, (socket) => socket.on('data', () => socket.end(text)))
    const closed = await socketUpstreamPort(t, () => undefined).then(async (port) => port)
    const cases: readonly [string, string, number, string][] = [
      ['nobody listens', 'http://127.0.0.1:1', 502, 'upstream_unreachable'],
      ['its name is not known', 'http://upstream.invalid', 502, 'upstream_unreachable'],
      [
        'it resets',
        `http://127.0.0.1:${await socketUpstreamPort(t, (socket) => socket.on('data', () => socket.resetAndDestroy()))}`,
        502,
        'upstream_reset',
      ],
      ['it closes without a word', `http://127.0.0.1:${await answering('')}`, 502, 'upstream_reset'],
      ['it talks garbage', `http://127.0.0.1:${await answering('hello\r\n\r\n')}`, 502, 'upstream_invalid'],
      ['its status is 99', `http://127.0.0.1:${await answering('HTTP/1.1 99 No\r\n\r\n')}`, 502, 'upstream_invalid'],
      [
        'its headers are too large',
        `http://127.0.0.1:${await answering(`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`)}`,
        502,
        'upstream_headers_too_large',
      ],
      [
        'it speaks no TLS',
        `https://127.0.0.1:${await answering('HTTP/1.1 200 OK\r\n\r\n')}`,
        502,
        'upstream_unreachable',
      ],
      ['it hangs', `http://127.0.0.1:${closed}`, 504, 'upstream_timeout'],
    ]
    for (const [title, target, status, code] of cases) {
      const { port, lines } = await startTestGateway(t, {
        upstreams: upstreams(target, { headers: '500ms', connect: '500ms' }),
        routes,
      })
      const answer = await get(port, 4000)
      t.equal(statusOf(answer), status, title)
      t.equal(codeOf(answer), code, title)
      t.notMatch(answer, /127\.0\.0\.1|ECONN|invalid\b.*upstream\.invalid|parse|undici|socket hang/i, title)
      t.ok(
        lines.some(({ code: logged, cause }) => logged === code && typeof cause === 'string'),
        `${title}: the cause is in the log`,
      )
    }
  },
)

t.test(
  'an upstream that dies half-way takes the client’s connection with it: half an answer is not passed off as whole',
  async (t) => {
    for (const framing of ['Content-Length: 100', 'Transfer-Encoding: chunked']) {
      const target = await socketUpstreamPort(t, (socket) =>
        socket.on('data', () => {
          socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${framing.startsWith('T') ? '5\r\nhello\r\n' : 'hello'}`)
          setTimeout(() => socket.resetAndDestroy(), 50)
        }),
      )
      const { port } = await startTestGateway(t, { upstreams: upstreams(`http://127.0.0.1:${target}`), routes })
      const answer = await sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 2000)
      t.match(answer, /hello/)
      t.notMatch(answer, /0\r\n\r\n$/)
    }
  },
)

t.test('a client that goes away takes its upstream request with it, before and after the head', async (t) => {
  let closes = 0
  const upstream = await startUpstream(t, (request, response) => {
    response.on('close', () => (closes += 1))
    if (request.url === '/after') response.write('begun')
  })
  const { port } = await startTestGateway(t, { upstreams: upstreams(upstream.url), routes })
  for (const path of ['/before', '/after']) {
    const before = closes
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await t.resolves(waitFor(() => upstream.open() > 0 && (path === '/before' || socket.bytesRead > 0)))
    socket.resetAndDestroy()
    await t.resolves(
      waitFor(() => closes === before + 1),
      `${path}: the upstream was told`,
    )
  }
})

/** Polls until the condition holds: for what happens on the other side of a socket. */
t.test('a body over the limit is 413 with and without a length, and the upstream never gets it whole', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await startTestGateway(t, {
    upstreams: upstreams(upstream.url),
    routes,
    limits: { bodyBytes: '1KiB' },
  })
  const fits = 'x'.repeat(1024)
  t.equal(statusOf(await sendRaw(port, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1024\r\n\r\n${fits}`)), 200)
  t.equal(
    statusOf(
      await sendRaw(
        port,
        `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n${fits}\r\n0\r\n\r\n`,
      ),
    ),
    200,
  )
  t.equal(
    codeOf(await sendRaw(port, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n${fits}x`)),
    'body_too_large',
  )
  t.equal(
    codeOf(
      await sendRaw(
        port,
        `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n${fits}x\r\n0\r\n\r\n`,
      ),
    ),
    'body_too_large',
  )
  t.equal(upstream.requests.length, 2)
})

t.test('an unauthenticated body is refused before it is read, and the client can read why', async (t) => {
  const upstream = await startUpstream(t)
  const { url } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: upstreams(upstream.url),
    routes: [{ path: '/*', upstream: 'up' }],
  })
  for (const size of [10, 900_000, 8_000_000]) {
    const response = await fetch(url, {
      method: 'POST',
      body: 'x'.repeat(size),
      headers: { 'content-type': 'text/plain' },
    })
    t.equal(response.status, 401, `${size} bytes`)
    t.match(await response.json(), { code: 'token_missing' })
  }
  t.equal(upstream.requests.length, 0)
})

t.test('an answer that comes before the upload ends is passed on, and the next request is answered too', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    if (request.method === 'POST') response.writeHead(401).end('no')
    else response.end('ok')
  })
  const { url } = await startTestGateway(t, { upstreams: upstreams(upstream.url), routes })
  const first = await fetch(url, { method: 'POST', body: Buffer.alloc(5_000_000) })
  t.equal(first.status, 401)
  await first.text()
  const second = await fetch(url)
  t.equal(await second.text(), 'ok')
})

t.test('more requests at once than limits.inFlight are told to come back', async (t) => {
  const waiting: (() => void)[] = []
  const upstream = await startUpstream(t, (_request, response) => waiting.push(() => response.end('ok')))
  const { url } = await startTestGateway(t, { upstreams: upstreams(upstream.url), routes, limits: { inFlight: 2 } })
  const served = [fetch(url), fetch(url)]
  await waitFor(() => waiting.length === 2)
  const refused = await fetch(url)
  t.equal(refused.status, 503)
  t.equal(refused.headers.get('retry-after'), '1')
  t.match(await refused.json(), { code: 'overloaded' })
  for (const finish of waiting) finish()
  t.same(
    (await Promise.all(served)).map(({ status }) => status),
    [200, 200],
  )
  const again = fetch(url)
  await waitFor(() => waiting.length === 3)
  waiting[2]?.()
  t.equal((await again).status, 200)
})

t.test('a slow client slows the upstream: what is under way stays small', async (t) => {
  let sent = 0
  const upstream = await startUpstream(t, (_request, response) => {
    const chunk = Buffer.alloc(65_536)
    const pump = () => {
      while (sent < 300_000_000 && response.write(chunk)) sent += chunk.length
      if (sent < 300_000_000) response.once('drain', pump)
      sent += chunk.length
    }
    pump()
  })
  const { port } = await startTestGateway(t, { upstreams: upstreams(upstream.url), routes })
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.pause()
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await waitFor(() => sent > 0)
  await untilStill(() => sent)
  t.ok(sent < 50_000_000, `${sent} bytes left the upstream`)
})
