// Responses before the response (RFC 9110 section 15.2), and requests that ask before they send (section 10.1.1).
import t from 'tap'

import { openRaw } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { startAnswering, startSocketUpstream } from '../support/socket-upstream.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { hmacIssuer } from '../support/tokens.ts'
import { pause } from '../support/wait-for.ts'

function start(t: Teardown, target: string, more: Record<string, unknown> = {}) {
  return startTestGateway(t, {
    upstreams: { up: { targets: [target] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    ...more,
  })
}
const FINAL = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const get = (port: number, version = '1.1') =>
  sendRaw(port, `GET / HTTP/${version}\r\nHost: a\r\nConnection: close\r\n\r\n`, 1000)

t.test('103 Early Hints come through at once, each with its links and without what is not for clients', async (t) => {
  let finish = () => undefined as unknown
  const upstream = await startSocketUpstream(t, (socket) => {
    socket.once('data', () => {
      socket.write(
        'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>; rel=preload; as=script\r\n',
      )
      socket.write(
        'X-Hint: 1\r\nX-Tollgate: evil\r\nX-Auth-Result: evil\r\nContent-Length: 9\r\nConnection: x-named\r\nX-Named: 1\r\n\r\n',
      )
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </c.css>; rel=preload\r\n\r\n')
      finish = () => socket.write(FINAL)
    })
  })
  const { port } = await start(t, upstream.url)
  const client = await openRaw(t, port)
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const hints = await client.until(/c\.css[^]*\r\n\r\n/)
  t.equal(hints.match(/HTTP\/1\.1 103 Early Hints\r\n/g)?.length, 2)
  t.match(hints, /Link: <\/a\.css>; rel=preload, <\/b\.js>; rel=preload; as=script\r\n/i)
  t.match(hints, /x-hint: 1\r\n/i)
  t.notMatch(hints, /evil|content-length|named/i)
  finish()
  t.match(await client.until(/ok$/), /HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/)
})

t.test('a hint that cannot be passed on is left out, and the response comes', async (t) => {
  for (const hint of ['Link: nonsense', 'X-No-Link: 1', 'Link: </a>; rel=preload\r\nX-Latin: caf\xe9']) {
    const upstream = await startAnswering(t, `HTTP/1.1 103 Early Hints\r\n${hint}\r\n\r\n${FINAL}`)
    t.match(await get((await start(t, upstream.url)).port), /HTTP\/1\.1 200 OK\r\n[^]*ok$/, hint)
  }
})

t.test('102 is passed on; a client of HTTP/1.0 gets no interim response', async (t) => {
  const interim = 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n'
  const { port } = await start(t, (await startAnswering(t, `${interim}${FINAL}`)).url)
  t.match(await get(port), /^HTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 103 /)
  t.match(await get(port, '1.0'), /^HTTP\/1\.1 200 /)
})

t.test('an upstream that switches protocols though nobody asked is 502', async (t) => {
  const upstream = await startAnswering(
    t,
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nEVIL',
  )
  const answer = await get((await start(t, upstream.url)).port)
  t.match(codeOf(answer), /upstream_(reset|invalid)/)
  t.notMatch(answer, /EVIL|101/)
})

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n'

t.test('Expect: 100-continue is met in both orders: body after the 100, and body without waiting', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await start(t, upstream.url)
  const patient = await openRaw(t, port)
  patient.write(`${HEAD}\r\n`)
  t.equal(await patient.until(/\r\n\r\n/), 'HTTP/1.1 100 Continue\r\n\r\n')
  await pause(50)
  t.equal(upstream.requests.length, 0)
  patient.write('hello')
  t.match(await patient.until(/ok/), /\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
  patient.write(`${HEAD}\r\nhello`)
  t.match(await patient.until(/ok[^]*ok/), /ok[^]*HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
  t.same(
    upstream.requests.map(({ body, headers }) => [body.toString(), headers.expect]),
    [
      ['hello', undefined],
      ['hello', undefined],
    ],
  )
})

t.test(
  'who may not send is told instead of 100: without token, with too much, and where the upstream is down',
  async (t) => {
    const upstream = await startUpstream(t)
    const { port } = await start(t, upstream.url, {
      issuers: [hmacIssuer()],
      upstreams: { up: { targets: [upstream.url] }, down: { targets: ['http://127.0.0.1:1'] } },
      routes: [
        { path: '/token', upstream: 'up' },
        { path: '/small', upstream: 'up', auth: 'none', bodyBytes: '4B' },
        { path: '/down', upstream: 'down', auth: 'none' },
      ],
    })
    for (const [path, status] of [
      ['/token', 401],
      ['/small', 413],
      ['/down', 502],
    ] as const) {
      const client = await openRaw(t, port)
      client.write(`${HEAD.replace('/', path)}\r\n`)
      const answer = await client.until(/requestId[^]*\}$/)
      t.equal(statusOf(answer), status, path)
      t.notMatch(answer, /100 Continue/, path)
      t.match(answer, /connection: close/, `${path}: a body that was announced cannot be told from the next request`)
      client.write('hello')
    }
    t.equal(upstream.requests.length, 0)
  },
)

t.test('an upstream that refuses before the body came is heard, and a client of HTTP/1.0 gets no 100', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url === '/refuse') response.writeHead(403).end('no')
    else request.on('end', () => response.end('ok')).resume()
  })
  const { port } = await start(t, upstream.url)
  const client = await openRaw(t, port)
  client.write(`${HEAD.replace('/', '/refuse').replace('5', '500000')}\r\n`)
  await client.until(/100 Continue/)
  client.write(Buffer.alloc(100))
  t.match(await client.until(/403[^]*no/), /HTTP\/1\.1 403 /)
  const old = await sendRaw(port, `${HEAD.replace('1.1', '1.0')}\r\nhello`)
  t.match(old, /^HTTP\/1\.1 200 OK/)
})
