// Attack: a request that two parsers read differently (smuggling, ambiguous headers). Defence: refuse, close, forward nothing.
import t from 'tap'

import { startUpstream } from '../support/recording-upstream.ts'
import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'

async function start(t: Parameters<typeof startTestGateway>[0]) {
  const upstream = await startUpstream(t)
  const gateway = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: '/open/*', upstream: 'up', auth: 'none' },
      { path: '/api/admin/*', upstream: 'up' },
      { path: '/api/public/*', upstream: 'up', auth: 'none' },
    ],
  })
  return { upstream, ...gateway }
}

t.test('framing that can be read in two ways is refused and never forwarded', async (t) => {
  const { port, upstream } = await start(t)
  const cases: Record<string, string> = {
    'length and chunks': 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /',
    'two lengths': 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
    'two equal lengths': 'Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
    'two codings': 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n',
    'another coding before chunked': 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'an unknown coding': 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
    'a space before the colon': 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
    'a folded header': 'X-A: 1\r\n folded\r\n\r\n',
    'a bare carriage return': 'X-A: 1\rX-B: 2\r\n\r\n',
    'a bare line feed': 'X-A: 1\nX-B: 2\r\n\r\n',
    'a zero byte': 'X-A: 1\u0000\r\n\r\n',
    'a vertical tab in a coding': 'Transfer-Encoding: \u000bchunked\r\n\r\n0\r\n\r\n',
    'two hosts': 'Host: b\r\n\r\n',
    'two content types': 'Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n',
  }
  for (const [title, rest] of Object.entries(cases)) {
    const answer = await sendRaw(port, Buffer.from(`POST /open/x HTTP/1.1\r\nHost: a\r\n${rest}`, 'latin1'), 150)
    t.equal(statusOf(answer), 400, title)
    t.equal(codeOf(answer), 'request_invalid', title)
  }
  t.equal(upstream.requests.length, 0)
})

t.test('two tokens in one request are refused, in whatever way they come', async (t) => {
  const { port, upstream } = await start(t)
  const token = await signHmac()
  const cases = [
    [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`],
    [`authorization: Basic eA==`, `Authorization: Bearer ${token}`],
    [`Authorization: Bearer ${token}, Bearer ${token}`],
  ]
  for (const headers of cases) {
    const answer = await sendRaw(port, `GET /api/admin/x HTTP/1.1\r\nHost: a\r\n${headers.join('\r\n')}\r\n\r\n`, 150)
    t.equal(statusOf(answer), 400)
    t.equal(codeOf(answer), 'token_ambiguous')
    t.match(answer, /www-authenticate: Bearer realm="tollgate", error="invalid_request"/)
  }
  t.equal(upstream.requests.length, 0)
})

t.test('no spelling of a path leads around a protected route', async (t) => {
  const { port, upstream } = await start(t)
  const unsafe = [
    '/api/public/../admin/x',
    '/api/public/%2e%2e/admin/x',
    '/api/public/..%2fadmin/x',
    '/api/public/.%2e/admin/x',
    '/api/public/..\\admin/x',
  ]
  unsafe.push(
    '/api/public/..%5cadmin/x',
    '/api/public/..;/admin/x',
    '/api/public/%252e%252e/admin/x',
    '/api/public/%c0%ae%c0%ae/admin/x',
    '//api/admin/x',
  )
  unsafe.push('/api//admin/x', '/api/./admin/x', 'http://other/api/public/../admin/x', 'ftp://other/api/public/x', '*')
  for (const path of unsafe) {
    const answer = await sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, 150)
    t.equal(statusOf(answer), 400, path)
    t.match(codeOf(answer), /path_unsafe|request_invalid/, path)
  }
  for (const path of ['/api/%61dmin/x', '/api/admin/%2561', '/api/admin/x;y=1']) {
    t.equal(codeOf(await sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, 150)), 'token_missing', path)
  }
  t.equal(codeOf(await sendRaw(port, 'GET /api/admin HTTP/1.1\r\nHost: a\r\n\r\n', 150)), 'token_missing')
  for (const path of ['/API/admin/x', '/api/admin;x=1', '/api/adminx']) {
    t.equal(codeOf(await sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, 150)), 'route_not_found', path)
  }
  t.equal(upstream.requests.length, 0)
})

t.test('too many headers are 431, and the answer has the same form as any other', async (t) => {
  const { port } = await start(t)
  const answer = await sendRaw(port, `GET /open/x HTTP/1.1\r\nHost: a\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`, 150)
  t.equal(statusOf(answer), 431)
  t.match(answer, /application\/problem\+json/)
  t.match(answer, /"code":"headers_too_large"/)
})

t.test(
  'a request without Host, or with an expectation nobody knows, is refused in the gateway’s own words',
  async (t) => {
    const { port, upstream } = await start(t)
    for (const headers of ['', 'Host: a\r\nExpect: 200-ok\r\n']) {
      const answer = await sendRaw(port, `GET /open/x HTTP/1.1\r\n${headers}\r\n`, 150)
      t.equal(statusOf(answer), 400)
      t.equal(codeOf(answer), 'request_invalid')
    }
    t.equal(statusOf(await sendRaw(port, 'GET /open/x HTTP/1.0\r\n\r\n', 150)), 200, 'HTTP/1.0 needs no Host')
    t.equal(upstream.requests.length, 1)
  },
)

t.test('what is no HTTP at all is answered and closed', async (t) => {
  const { port } = await start(t)
  const answer = await sendRaw(port, 'hello\r\n\r\n', 1000)
  t.equal(statusOf(answer), 400)
  t.match(answer, /connection: close/)
})
