// What an access line says of a request: who called, where it went, how much and how long.
import fc from 'fast-check'
import t from 'tap'
import { createHash } from 'node:crypto'

import { withoutTokens } from '../../gateway/src/message/told-text.ts'
import { openRaw } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { requestLines } from '../support/told.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'
import { nextMessage, openWebSocket, startWebSocketUpstream } from '../support/websocket.ts'
import { waitFor } from '../support/wait-for.ts'

type Line = Record<string, unknown>

async function startTold(t: Teardown, transport: string, log: Record<string, unknown> = {}) {
  const upstream = await startUpstream(t)
  const gateway = await startTestGateway(t, {
    log,
    issuers: [hmacIssuer({ name: 'other', issuer: 'o' })],
    upstreams: {
      up: { targets: [upstream.url], transport },
      dead: { targets: ['http://127.0.0.1:1'], transport, retries: 2 },
    },
    routes: [
      { path: '/up/*', upstream: 'up' },
      { path: '/admins', upstream: 'up', require: { claims: { '/role': { equals: 'admin' } } } },
      { path: '/open/*', upstream: 'up', auth: 'none' },
      { path: '/dead', upstream: 'dead', auth: 'none' },
    ],
  })
  /** The line of the only request on a connection. */
  async function lineOf(head: string, body = ''): Promise<Line> {
    const before = requestLines(gateway).length
    const client = await openRaw(t, gateway.port)
    client.write(`${head}Host: shop.example:8080\r\nConnection: close\r\n\r\n${body}`)
    await waitFor(client.closed)
    await waitFor(() => requestLines(gateway).length > before)
    return requestLines(gateway)[before] as Line
  }
  return { gateway, lineOf, target: upstream.url }
}

const token = (claims: Record<string, unknown> = {}) => signHmac({ iss: 'o', ...claims }, { kid: 'k1' })
const bearer = async (claims: Record<string, unknown> = {}) => `Authorization: Bearer ${await token(claims)}\r\n`

for (const transport of ['direct', 'undici'])
  t.test(`${transport}: a line says who called and where it went`, async (t) => {
    const { lineOf, target } = await startTold(t, transport)
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
    const line = await lineOf(
      `POST /up/a HTTP/1.1\r\n${await bearer()}User-Agent: curl/8\r\ntraceparent: 00-${trace}-00f067aa0ba902b7-01\r\nContent-Length: 5\r\n`,
      'hello',
    )
    t.match(line, {
      ...{ subject: 'alice', issuer: 'other', kid: 'k1', upstream: 'up', target, tries: 1, status: 200 },
      ...{ host: 'shop.example:8080', userAgent: 'curl/8', protocol: 'HTTP/1.1', traceId: trace },
      ...{ bytesIn: 5, bytesOut: '{"ok":true}'.length },
    })
    t.ok(Number(line['upstreamMs']) > 0 && Number(line['upstreamMs']) <= Number(line['durationMs']))

    t.match(
      await lineOf(`GET /admins HTTP/1.1\r\n${await bearer({ role: 'user' })}`),
      { status: 403, subject: 'alice', issuer: 'other', kid: 'k1', upstream: undefined, tries: undefined },
      'a caller whom the route refuses is named',
    )
    const refused = await lineOf(`GET /up/a HTTP/1.1\r\n${await bearer({ exp: 1 })}`)
    t.match(
      refused,
      { status: 401, subject: undefined, issuer: undefined, kid: undefined },
      'an expired token names nobody',
    )
    t.ok(Number(refused['bytesOut']) > 100, 'the bytes of our own answer')
    t.match(await lineOf('HEAD /up/a HTTP/1.1\r\n'), { status: 401, bytesOut: 0 })
    t.match(await lineOf('GET /dead HTTP/1.1\r\n'), {
      status: 502,
      upstream: 'dead',
      target: 'http://127.0.0.1:1',
      upstreamMs: undefined,
    })
    t.match(await lineOf('GET /open/a HTTP/1.0\r\ntraceparent: 00-xyz\r\n'), {
      protocol: 'HTTP/1.0',
      traceId: undefined,
    })
    t.equal(
      String((await lineOf(`GET /open/a HTTP/1.1\r\nUser-Agent: ${'x'.repeat(2000)}\r\n`))['userAgent']).length,
      256,
    )
  })

t.test('the subject is named, hashed or left out; claims are those that were asked for', async (t) => {
  const hash = createHash('sha256').update('o\nalice').digest('base64url').slice(0, 16)
  for (const [subject, told] of [
    ['on', 'alice'],
    ['hash', hash],
    ['off', undefined],
  ]) {
    const { lineOf } = await startTold(t, 'direct', { subject })
    const line = await lineOf(`GET /up/a HTTP/1.1\r\n${await bearer()}`)
    t.equal(line['subject'], told, String(subject))
    t.equal(line['claims'], undefined)
  }
  const { lineOf } = await startTold(t, 'direct', {
    claims: ['/tenant', '/realm/roles', '/n', '/realm', '/none', '/a~1b'],
  })
  const claims = { tenant: 'x'.repeat(300), realm: { roles: ['a', 1, { b: 2 }] }, n: 7, 'a/b': true, secret: 's' }
  t.same((await lineOf(`GET /up/a HTTP/1.1\r\n${await bearer(claims)}`))['claims'], {
    '/tenant': 'x'.repeat(256),
    '/realm/roles': ['a', 1],
    '/n': 7,
    '/a~1b': true,
  })
})

t.test(
  'what a terminal would obey is escaped: C1 controls, which JSON leaves alone, and marks of direction',
  async (t) => {
    const { lineOf } = await startTold(t, 'direct', { claims: ['/tenant', '/roles'] })
    const [csi, flip] = ['\u009b', '\u202e']
    const line = await lineOf(
      `GET /up/a HTTP/1.1\r\nUser-Agent: ${csi}2J a\r\n${await bearer({ sub: `a${flip}b`, tenant: csi, roles: [flip] })}`,
    )
    t.match(line, {
      userAgent: 'Â\\u009b2J a',
      subject: 'a\\u202eb',
      claims: { '/tenant': '\\u009b', '/roles': ['\\u202e'] },
    })
  },
)

t.test('a token in a path, a host or a user agent is cut out by its shape', async (t) => {
  const { lineOf, gateway } = await startTold(t, 'direct')
  const secret = await token()
  for (const path of [
    `/open/${secret}`,
    `/open/x-${secret}/y`,
    `/nowhere/${secret}`,
    `/open/${secret.replaceAll('.', '%2E')}`,
  ])
    t.match((await lineOf(`GET ${path} HTTP/1.1\r\nUser-Agent: a ${secret} b\r\n`))['path'], /\[token\]/, path)
  t.match(requestLines(gateway)[0], { path: '/open/[token]', userAgent: 'a [token] b' })
  t.notMatch(JSON.stringify(gateway.lines), new RegExp(secret.split('.')[2] ?? ''))
  // Where the text is cut, a token would lose its shape and keep its claims.
  for (const before of ['a'.repeat(200), 'a'.repeat(240), 'a'.repeat(250)])
    t.equal(
      (await lineOf(`GET /open/a HTTP/1.1\r\nUser-Agent: ${before} ${secret}\r\n`))['userAgent'],
      `${before} [token]`.slice(0, 256),
    )
  for (const [text, told] of [
    ['/a/eyJhbGciOiJub25lIn0.eyJhIjoxfQ.', '/a/[token]'],
    ['/a.b.c', '/a.b.c'],
    ['/eyJust.a.word', '/[token]'],
    ['/eyJust/a', '/eyJust/a'],
    ['/v1.2.eyJh.eyJi.c2ln', '/v1.2.[token]'],
  ] as const)
    t.equal(withoutTokens(text), told)
  const part = fc.string({ unit: fc.constantFrom(...'abcXYZ019_-'), minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(part, part, part, fc.string(), fc.string(), (head, payload, signature, before, after) => {
      const jwt = `eyJ${head}.${payload}.${signature}`
      return !withoutTokens(`${before} ${jwt} ${after}`).includes(jwt)
    }),
  )
  const startedAt = performance.now()
  withoutTokens('eyJ'.repeat(300_000))
  withoutTokens('eyJ.'.repeat(200_000))
  t.ok(performance.now() - startedAt < 2000, 'a long one takes no quadratic time')
})

t.test('of a WebSocket, the bytes of both ways are told when it is over', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const gateway = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none', websocket: true }],
  })
  const { socket } = await openWebSocket(`${gateway.url}/a`)
  socket.send('x'.repeat(1000))
  await nextMessage(socket)
  socket.close()
  await waitFor(() => requestLines(gateway).length > 0)
  const [line] = requestLines(gateway)
  t.match(line, { status: 101, upstream: 'up', target: upstream.url, tries: 1 })
  t.ok(Number(line?.['bytesIn']) >= 1000 && Number(line?.['bytesIn']) < 1200, `in: ${String(line?.['bytesIn'])}`)
  t.ok(Number(line?.['bytesOut']) >= 1000 && Number(line?.['bytesOut']) < 1600, `out: ${String(line?.['bytesOut'])}`)
})

t.test('a target that is taken out is told with the cause', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.writeHead(503).end())
  const ejection = { failures: 1 }
  const gateway = await startTestGateway(t, {
    upstreams: {
      failing: { targets: [upstream.url, `${upstream.url.replace('127.0.0.1', 'localhost')}`], ejection },
      dead: { targets: ['http://127.0.0.1:1', 'http://127.0.0.1:2'], ejection },
    },
    routes: [
      { path: '/failing', upstream: 'failing', auth: 'none' },
      { path: '/dead', upstream: 'dead', auth: 'none' },
    ],
  })
  await fetch(`${gateway.url}/failing`)
  await fetch(`${gateway.url}/dead`)
  const out = gateway.lines.filter(({ message }) => message === 'target gets no requests')
  t.match(out, [
    { upstream: 'failing', why: 'ejected', cause: 'status 503' },
    { upstream: 'dead', why: 'ejected', cause: /ECONNREFUSED/ },
  ])
})
