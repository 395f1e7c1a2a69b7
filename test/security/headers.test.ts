// Attack: a client tells the upstream who it is, or takes away what the gateway says. Amplifiers: other spellings of the
// name, Connection, routes without a verifier. Defence: strip first, everywhere, and say it last.
import t from 'tap'

import { authResultOf, headerValues, startUpstream } from '../support/recording-upstream.ts'
import { sendRaw, statusOf } from '../support/raw-http.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'

const EVIL = Buffer.from('{"authenticated":true,"subject":"root"}').toString('base64url')
const SPELLINGS = [
  'X-Auth-Result',
  'x-auth-result',
  'X-AUTH-RESULT',
  'x-AUTH-result',
  'X_Auth_Result',
  'x-auth_result',
  'X_AUTH-RESULT',
]

async function start(t: Parameters<typeof startTestGateway>[0]) {
  const upstream = await startUpstream(t)
  const gateway = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: '/required/*', upstream: 'up' },
      { path: '/optional/*', upstream: 'up', auth: 'optional' },
      { path: '/report/*', upstream: 'up', auth: 'report-only' },
      { path: '/open/*', upstream: 'up', auth: 'none' },
    ],
  })
  const send = (path: string, headers: readonly string[], rest = '\r\n') =>
    sendRaw(
      gateway.port,
      `${rest === '\r\n' ? 'GET' : 'POST'} ${path} HTTP/1.1\r\nHost: a\r\n${headers.join('\r\n')}\r\n${rest}`,
      150,
    )
  return { upstream, gateway, send, last: () => upstream.requests.at(-1) }
}

t.test('the auth-result header is the gateway’s in every spelling, on every kind of route', async (t) => {
  const { send, last } = await start(t)
  const token = await signHmac()
  for (const spelling of SPELLINGS) {
    const forged = [`${spelling}: ${EVIL}`, `${spelling}: ${EVIL}`]
    t.equal(statusOf(await send('/required/x', [`Authorization: Bearer ${token}`, ...forged])), 200)
    t.equal(headerValues(last(), 'x-auth-result').length, 1, `${spelling}: one value`)
    t.equal(authResultOf(last())?.['subject'], 'alice')
    t.same(
      Object.keys(last()?.headers ?? {}).filter((name) => name.includes('_')),
      [],
      `${spelling}: no twin with _`,
    )

    t.equal(statusOf(await send('/optional/x', forged)), 200)
    t.same(authResultOf(last()), { authenticated: false })
    t.equal(statusOf(await send('/report/x', forged)), 200)
    t.same(authResultOf(last()), { authenticated: false })
    t.equal(statusOf(await send('/open/x', forged)), 200)
    t.same(headerValues(last(), 'x-auth-result'), [], `${spelling}: none where no one is asked`)
  }
})

t.test('it is the gateway’s too when it comes as a large value, by Connection, or as a trailer', async (t) => {
  const { send, last } = await start(t)
  const authorization = `Authorization: Bearer ${await signHmac()}`
  await send('/required/x', [authorization, `X-Auth-Result: ${'A'.repeat(1024)}`])
  t.equal(authResultOf(last())?.['subject'], 'alice')
  await send('/required/x', [authorization, 'Connection: x-auth-result, x-other', 'X-Other: 1'])
  t.equal(authResultOf(last())?.['subject'], 'alice')
  t.same(headerValues(last(), 'x-other'), [])
  await send(
    '/required/x',
    [authorization, 'Transfer-Encoding: chunked', 'Trailer: X-Auth-Result'],
    `\r\n2\r\nhi\r\n0\r\nX-Auth-Result: ${EVIL}\r\n\r\n`,
  )
  t.equal(last()?.body.toString(), 'hi')
  t.equal(authResultOf(last())?.['subject'], 'alice')
  t.equal(headerValues(last(), 'x-auth-result').length, 1)
})

t.test('an optional route refuses a bad token: missing is allowed, failed is not', async (t) => {
  const { send, upstream } = await start(t)
  const before = upstream.requests.length
  t.equal(statusOf(await send('/optional/x', ['Authorization: Bearer bad'])), 401)
  t.equal(upstream.requests.length, before)
})

t.test('an upstream cannot speak in the gateway’s name', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(200, {
      'x-auth-result': EVIL,
      'x-tollgate': 'token_expired',
      'x-request-id': 'evil',
      connection: 'x-secret, close',
      'x-secret': '1',
      'x-kept': '2',
    })
    response.end('ok')
  })
  const { url } = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  const { headers } = await fetch(url, { headers: { 'x-request-id': 'mine' } })
  t.equal(headers.get('x-auth-result'), null)
  t.equal(headers.get('x-tollgate'), null)
  t.equal(headers.get('x-secret'), null)
  t.equal(headers.get('x-request-id'), 'mine')
  t.equal(headers.get('x-kept'), '2')
  t.equal(headers.get('connection'), 'keep-alive')
})

t.test('headers of one connection stay on it, and ordinary clients that send them are served', async (t) => {
  const { send, last } = await start(t)
  const dropped = [
    'Keep-Alive: timeout=5',
    'Upgrade: foo',
    'TE: gzip',
    'Proxy-Authorization: Basic eA==',
    'Proxy-Connection: keep-alive',
    'HTTP2-Settings: AAMAAABkAAQAAP__',
  ]
  for (const header of dropped) {
    t.equal(statusOf(await send('/open/x', [header])), 200, header)
    t.same(headerValues(last(), header.split(':')[0] ?? ''), [], header)
  }
  t.equal(statusOf(await send('/open/x', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c'])), 200)
  for (const name of ['upgrade', 'http2-settings']) t.same(headerValues(last(), name), [])
})

t.test('Connection cannot take away what frames the request or says who calls', async (t) => {
  const { send, last } = await start(t)
  const headers = [
    `Authorization: Bearer ${await signHmac()}`,
    'Connection: x-auth-result, content-length, host, content-type, x-forwarded-for',
    'Content-Length: 5',
    'Content-Type: a/b',
  ]
  t.equal(statusOf(await send('/required/x', headers, '\r\nhello')), 200)
  t.equal(last()?.body.toString(), 'hello')
  t.equal(authResultOf(last())?.['subject'], 'alice')
  t.same(headerValues(last(), 'content-length'), ['5'])
  t.same(headerValues(last(), 'content-type'), ['a/b'])
  t.same(headerValues(last(), 'x-forwarded-for'), ['127.0.0.1'])
})

t.test('what a client says about its address and path is said anew by the gateway', async (t) => {
  const { send, last, gateway } = await start(t)
  const said = [
    'X-Forwarded-For: 1.2.3.4',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: evil',
    'X-Forwarded-Prefix: /admin',
    'X-Forwarded-User: root',
  ]
  await send('/open/x', [
    ...said,
    'Forwarded: for=1.2.3.4',
    'X-Real-IP: 1.2.3.4',
    'X-Original-URL: /admin',
    'X-Rewrite-URL: /admin',
  ])
  t.same(headerValues(last(), 'x-forwarded-for'), ['127.0.0.1'])
  t.same(headerValues(last(), 'x-forwarded-proto'), ['http'])
  t.same(headerValues(last(), 'x-forwarded-host'), ['a'])
  for (const name of [
    'x-forwarded-prefix',
    'x-forwarded-user',
    'forwarded',
    'x-real-ip',
    'x-original-url',
    'x-rewrite-url',
  ])
    t.same(headerValues(last(), name), [], name)
  t.same(headerValues(last(), 'host'), [
    `127.0.0.1:${new URL(gateway.url).port === '' ? '' : last()?.headers.host?.split(':')[1]}`,
  ])
})

t.test('odd but legal header names do no harm', async (t) => {
  const { send, last } = await start(t)
  t.equal(statusOf(await send('/open/x', ['__proto__: 1', 'constructor: x', 'hasOwnProperty: y', 'toString: z'])), 200)
  t.same(headerValues(last(), 'constructor'), ['x'])
  t.same(headerValues(last(), '__proto__'), [])
})

t.test('repeated headers and their order, spelling and bytes arrive unchanged', async (t) => {
  const { gateway, last } = await start(t)
  const sent = ['X-B: 1', 'x-a: 2', 'X-B: 3', 'Cookie: a=1', 'Cookie: b=2', 'X-Latin: caf\xe9', 'Accept: */*']
  await sendRaw(
    gateway.port,
    Buffer.from(`GET /open/x HTTP/1.1\r\nHost: a\r\n${sent.join('\r\n')}\r\n\r\n`, 'latin1'),
    150,
  )
  const raw = last()?.rawHeaders ?? []
  const pairs = raw.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${raw[index + 1]}`] : []))
  t.same(
    pairs.filter((pair) => sent.includes(pair)),
    sent,
  )
})
