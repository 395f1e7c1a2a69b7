// What explain says of a request is what a gateway of the same config answers to the same bytes.
import t from 'tap'
import http from 'node:http'
import https from 'node:https'
import { join } from 'node:path'

import { explain } from '../../../gateway/src/operate/explain/explain.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { codeOf, sendRaw, statusOf } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { runCli } from '../../support/run-cli.ts'
import { startTestGateway, testConfig } from '../../support/test-gateway.ts'
import { hmacIssuer, nowSec, signHmac, SECRET } from '../../support/tokens.ts'

const HEADER_BYTES = 1024
const RENEWAL = {
  window: '60s',
  lifetime: '300s',
  maxSession: '1h',
  signingKey: { alg: 'HS256', secret: { value: SECRET } },
}

t.test('explain and gateway agree, to the byte where a head is too large', async (t) => {
  const upstream = await startUpstream(t)
  const options = {
    limits: { headerBytes: `${HEADER_BYTES}B` },
    issuers: [hmacIssuer({ renewal: RENEWAL })],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: '/api/*', upstream: 'up', methods: ['GET'] },
      { path: '/open/*', upstream: 'up', auth: 'none' },
    ],
  }
  const { port } = await startTestGateway(t, options)
  const now = nowSec()
  const old = await signHmac({ iat: now - 300, exp: now - 10, auth_time: now - 3900 })
  const young = await signHmac({ iat: now - 300, exp: now - 10, auth_time: now - 300 })
  const good = await signHmac()
  /** Target, names and values together: what Node counts. */
  const counted = '/open/xhostlocalhostconnectionclosex-fill'.length
  const fill = (more: number) => ({ 'x-fill': 'y'.repeat(HEADER_BYTES - counted + more) })
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

  for (const [title, method, target, headers, status, code, told] of [
    ['good', 'GET', '/api/x', bearer(good), 200, undefined, /./],
    [
      'session over',
      'GET',
      '/api/x',
      bearer(old),
      401,
      'session_too_old',
      /session began 3\d\d\d s ago, allowed are 3600/,
    ],
    ['only expired', 'GET', '/api/x', bearer(young), 401, 'token_expired', /it expired 1\d s ago/],
    ['one byte below', 'GET', '/open/x', fill(-1), 200, undefined, /./],
    [
      'as many as the limit',
      'GET',
      '/open/x',
      fill(0),
      431,
      'headers_too_large',
      /have 1024 bytes, .* fewer than 1024/,
    ],
    ['more', 'GET', '/open/x', fill(500), 431, 'headers_too_large', /have 1524 bytes/],
    ['on no route', 'GET', '/nope', fill(500), 431, 'headers_too_large', /limits\.headerBytes/],
    ['a token of so many', 'GET', '/api/x', bearer('x'.repeat(2000)), 431, 'headers_too_large', /limits\.headerBytes/],
    ['no route', 'GET', '/nope', {}, 404, 'route_not_found', /./],
    ['no method', 'POST', '/api/x', {}, 405, 'method_not_allowed', /./],
  ] as const) {
    const all = { host: 'localhost', connection: 'close', ...headers }
    const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    const sent = await sendRaw(port, `${method} ${target} HTTP/1.1\r\n${head.join('')}\r\n`)
    const said = await explain(
      testConfig(options),
      { method, target, headers: all },
      { nowMs: Date.now(), fetchJson: undefined },
    )
    t.equal(statusOf(sent), status, `${title}: ${sent.slice(0, 40)}`)
    t.equal(codeOf(sent), code, title)
    t.equal(said.answer?.code, code, `${title}, explained`)
    t.equal(said.answer?.status, code === undefined ? undefined : status, title)
    t.match(said.checks.map(({ text }) => text).join('\n') || '-', told, title)
  }
})

t.test('over TLS a page of plain HTTP is another site, as for the gateway', async (t) => {
  const upstream = await startUpstream(t)
  const tls = makeCertificate(t.testdir({}), 'localhost')
  for (const listen of [{ port: 0 }, { port: 0, tls }]) {
    const options = {
      listen,
      tokens: { from: [{ cookie: 'session' }] },
      issuers: [hmacIssuer()],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
    }
    const { port } = await startTestGateway(t, options)
    for (const origin of ['http://localhost', 'https://localhost', 'https://evil.example.com']) {
      const headers = { host: 'localhost', origin, cookie: `session=${await signHmac()}` }
      const request = 'tls' in listen ? https.request : http.request
      const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
        request({ port, method: 'POST', path: '/x', headers, rejectUnauthorized: false }, resolve)
          .on('error', reject)
          .end()
      })
      response.resume()
      const parts = { nowMs: Date.now(), fetchJson: undefined }
      const said = await explain(testConfig(options), { method: 'POST', target: '/x', headers }, parts)
      t.equal(said.answer?.status ?? 200, response.statusCode, `${origin}, ${'tls' in listen ? 'TLS' : 'plain'}`)
    }
  }
})

const CONFIG = `
upstreams: { up: { targets: [http://127.0.0.1:1] } }
issuers:
  - name: main
    algorithms: [HS256]
    keys: { secret: { value: ${SECRET} } }
routes:
  - { path: /api/things/*, upstream: up, methods: [GET, POST], auth: none }
  - { path: /api/users/:id, upstream: up, hosts: [api.example.com, '*.shop.example.com'], auth: none }
  - { path: /Health, upstream: up, auth: none }
  - { path: /v1/orders, upstream: up, methods: [GET], hosts: [api.example.com], auth: none }
`

t.test('a 404 and a 405 name the nearest routes and what differs', async (t) => {
  const file = join(t.testdir({ 'c.yaml': CONFIG }), 'c.yaml')
  for (const [argv, differs, text] of [
    [['GET', '/api/thigns/1'], { '/api/things/*': ['path'] }, 'path: "/api/thigns/1": "thigns" is not "things"'],
    [['GET', '/things/1'], { '/api/things/*': ['path'] }, 'path: "/things/1"'],
    [['DELETE', '/api/things/1'], { '/api/things/*': ['method'] }, 'method: DELETE'],
    [['GET', '/api/users/7'], { '/api/users/:id': ['host'] }, 'host: "localhost"'],
    [['GET', 'http://shop.example.com/api/users/7'], { '/api/users/:id': ['host'] }, 'host: "shop.example.com"'],
    [['GET', 'http://a.shop.example.com/api/user/7'], { '/api/users/:id': ['path'] }, '"user" is not "users"'],
    [['GET', '/health'], { '/Health': ['path'] }, 'which differs by upper and lower case'],
    [['GET', '/Health/'], { '/Health': ['path'] }, 'which differs by the last /'],
    [['PUT', '/v1/order'], { '/v1/orders': ['path', 'host', 'method'] }, 'host: "localhost"; method: PUT'],
    [['GET', '/api/users/7/'], { '/api/users/:id': ['path', 'host'] }, 'path: "/api/users/7/"'],
    [['GET', '/nothing-like/it-at/all'], {}, undefined],
    [['GET', '/'], {}, undefined],
  ] as const) {
    const { out, code } = await runCli('explain', '-c', file, ...argv)
    const title = argv.join(' ')
    t.equal(code, 1, title)
    const json = JSON.parse((await runCli('explain', '-c', file, ...argv, '--json')).out) as {
      nearRoutes: { path: string; differs: string[]; text: string }[]
    }
    const found = Object.fromEntries(json.nearRoutes.slice(0, 1).map((near) => [near.path, near.differs]))
    t.same(found, differs, title)
    if (text === undefined) t.notMatch(out, / near /, title)
    else t.ok(out.includes(text) && json.nearRoutes[0]?.text.includes(text), `${title}\n${out}`)
  }
  t.equal(
    (await runCli('explain', '-c', file, 'GET', 'http://b.example.com/v1/orders')).out,
    `GET /v1/orders
  asked         the gateway at 127.0.0.1:9901 was not asked, as admin.token is not set: keys fetched as a start would
  route         none
  near          /v1/orders on api.example.com for GET: the request differs in host: "b.example.com"
  FAIL request       No route answers this path
  client sees   404 route_not_found
`,
  )
  const passes = JSON.parse((await runCli('explain', '-c', file, 'GET', '/Health', '--json')).out) as object
  t.notOk('nearRoutes' in passes, 'only where no route takes it')
})
