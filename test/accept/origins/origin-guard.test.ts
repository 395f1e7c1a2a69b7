// Attack: a page of another site has a visitor's browser send a request that changes something; the cookie with the token goes
// along. Amplifier: forms need no preflight, and CORS hides answers, not effects. Defence: Sec-Fetch-Site, then Origin.
import t, { type Test } from 'tap'
import type { IncomingMessage } from 'node:http'

import { createOriginGuard } from '../../../gateway/src/accept/origins/origin-guard.ts'
import { createTrust } from '../../../gateway/src/message/trusted-proxies.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway } from '../../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../../support/tokens.ts'
import { openWebSocket, startWebSocketUpstream } from '../../support/websocket.ts'

interface Asked {
  readonly origins?: readonly string[]
  readonly credentialed?: readonly string[]
  readonly method?: string
  readonly peer?: string
  readonly encrypted?: boolean
}

function isAllowed(
  headers: Record<string, string>,
  { origins, credentialed = [], method = 'POST', peer = '192.0.2.1', encrypted = false }: Asked = {},
): boolean {
  const guard = createOriginGuard({ origins, credentialed, isTrusted: createTrust(['10.0.0.1']) })
  const socket = { remoteAddress: peer, ...(encrypted ? { encrypted } : {}) }
  return guard({
    method,
    httpVersion: '1.1',
    socket,
    headers: { host: 'api.example.com', ...headers },
  } as unknown as IncomingMessage)
}

type Case = readonly [name: string, headers: Record<string, string>, allowed: boolean, asked?: Asked]

function judge(t: Test, cases: readonly Case[]): void {
  for (const [name, headers, allowed, asked] of cases) t.equal(isAllowed(headers, asked), allowed, name)
}

const OWN = 'https://api.example.com'
const APP = 'https://app.example.com'
const EVIL = 'https://evil.test'

// Sec-Fetch-Site: W3C Fetch Metadata section 2.4. The order of the questions: Go's http.CrossOriginProtection, OWASP's CSRF cheat sheet.
t.test('by default pages of the same site may change something', async (t) => {
  judge(t, [
    ['same-origin', { 'sec-fetch-site': 'same-origin', origin: OWN }, true],
    ['same-site', { 'sec-fetch-site': 'same-site', origin: APP }, true],
    ['the user alone', { 'sec-fetch-site': 'none' }, true],
    ['cross-site', { 'sec-fetch-site': 'cross-site', origin: EVIL }, false],
    ['cross-site without origin', { 'sec-fetch-site': 'cross-site' }, false],
    ['a site that nobody knows', { 'sec-fetch-site': 'x' }, false],
    ['two answers', { 'sec-fetch-site': 'same-origin, cross-site' }, false],
    // Fetch: `Referrer-Policy: no-referrer` makes the Origin of a form null, of the same site too.
    ['same-origin, and an opaque origin', { 'sec-fetch-site': 'same-origin', origin: 'null' }, true],
    ['a sandboxed frame', { 'sec-fetch-site': 'cross-site', origin: 'null' }, false],
  ])
})

t.test('where a browser does not tell the site, the origin must be the one that was asked', async (t) => {
  const own = { origin: OWN }
  judge(t, [
    ['no browser', {}, true],
    ['the own origin', own, true],
    ['the own origin by plain HTTP', { origin: 'http://api.example.com' }, true],
    ['a host beside it', { origin: APP }, false],
    ['another site', { origin: EVIL }, false],
    ['an opaque origin', { origin: 'null' }, false],
    ['no origin at all', { origin: '' }, false],
    ['another port', { origin: `${OWN}:8443` }, false],
    ['the own port', { origin: `${OWN}:8443`, host: 'api.example.com:8443' }, true],
    ['the scheme’s own port written out', { origin: OWN, host: 'API.example.com:443' }, true],
    ['a Host that begins with it', { origin: 'https://api.example.com.evil.test' }, false],
    ['plain HTTP where TLS is spoken', { origin: 'http://api.example.com' }, false, { encrypted: true }],
    ['HTTPS where TLS is spoken', own, true, { encrypted: true }],
    [
      'plain HTTP behind a proxy that speaks HTTPS',
      { origin: 'http://api.example.com', 'x-forwarded-proto': 'https' },
      false,
      { peer: '10.0.0.1' },
    ],
    ['HTTPS behind it', { ...own, 'x-forwarded-proto': 'https' }, true, { peer: '10.0.0.1' }],
    [
      'a proxy that asks by another name',
      { ...own, host: 'inner:8080', 'x-forwarded-host': 'api.example.com' },
      true,
      { peer: '10.0.0.1' },
    ],
    ['… but is not trusted', { ...own, host: 'inner:8080', 'x-forwarded-host': 'api.example.com' }, false],
  ])
})

t.test('origins that a route names are all that may', async (t) => {
  const origins = [APP, 'https://*.partner.test']
  judge(
    t,
    (
      [
        ['a named one', { origin: APP, 'sec-fetch-site': 'cross-site' }, true],
        ['one below a wildcard', { origin: 'https://a.partner.test', 'sec-fetch-site': 'cross-site' }, true],
        ['the apex of the wildcard', { origin: 'https://partner.test', 'sec-fetch-site': 'cross-site' }, false],
        ['another', { origin: EVIL, 'sec-fetch-site': 'cross-site' }, false],
        ['the own one', { origin: OWN, 'sec-fetch-site': 'same-origin' }, false],
        ['one of the same site', { origin: 'https://b.example.com', 'sec-fetch-site': 'same-site' }, false],
        ['an old browser, named', { origin: APP }, true],
        ['an old browser, another', { origin: EVIL }, false],
        ['no browser', {}, true],
        ['the user alone', { 'sec-fetch-site': 'none' }, true],
        ['a foreign page without origin', { 'sec-fetch-site': 'cross-site' }, false],
      ] as const
    ).map(([name, headers, allowed]) => [name, headers, allowed, { origins }] as const),
  )
  t.notOk(isAllowed({ origin: APP }, { origins: [] }), 'none are named')
})

t.test('origins that cors names with credentials may, unless the route names its own', async (t) => {
  const credentialed = ['https://spa.test']
  const headers = { origin: 'https://spa.test', 'sec-fetch-site': 'cross-site' }
  t.ok(isAllowed(headers, { credentialed }))
  t.ok(isAllowed({ 'sec-fetch-site': 'same-origin', origin: OWN }, { credentialed }))
  t.notOk(isAllowed({ origin: EVIL, 'sec-fetch-site': 'cross-site' }, { credentialed }))
  t.notOk(isAllowed(headers, { credentialed, origins: [APP] }))
})

t.test('safe methods are not asked (RFC 9110 section 9.2.1), all others are', async (t) => {
  const headers = { origin: EVIL, 'sec-fetch-site': 'cross-site' }
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE']) t.ok(isAllowed(headers, { method }), method)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'PURGE', 'MKCOL', 'get'])
    t.notOk(isAllowed(headers, { method }), method)
})

t.test('a WebSocket is opened by the own origin alone, or those that are named', async (t) => {
  const upgrade = { upgrade: 'websocket', connection: 'upgrade' }
  const by = (headers: Record<string, string>, asked: Asked = {}) =>
    isAllowed({ ...upgrade, ...headers }, { method: 'GET', ...asked })
  t.ok(by({ origin: OWN }))
  t.ok(by({}))
  t.ok(by({ origin: APP }, { origins: [APP] }))
  t.ok(by({ origin: 'https://a.partner.test' }, { origins: ['https://*.partner.test'] }))
  t.notOk(by({ origin: APP, 'sec-fetch-site': 'same-site' }), 'a page beside it could read what it says')
  t.notOk(by({ origin: 'https://spa.test' }, { credentialed: ['https://spa.test'] }), 'CORS is not about WebSockets')
  t.notOk(by({ origin: OWN }, { origins: [APP] }))
  t.notOk(by({ origin: EVIL }))
})

const COOKIE_OR_HEADER = [{ header: 'authorization', scheme: 'Bearer' }, { cookie: 'token' }]

t.test(
  'a foreign page’s request is refused in every auth mode that looks at the cookie, and reaches no upstream',
  async (t) => {
    const upstream = await startUpstream(t)
    const { url } = await startTestGateway(t, {
      issuers: [hmacIssuer()],
      tokens: { from: COOKIE_OR_HEADER },
      upstreams: { up: { targets: [upstream.url] } },
      routes: [
        { path: '/required', upstream: 'up' },
        { path: '/optional', upstream: 'up', auth: 'optional' },
        { path: '/none', upstream: 'up', auth: 'none' },
        { path: '/report', upstream: 'up', auth: 'report-only' },
        { path: '/named', upstream: 'up', origins: [EVIL] },
        { path: '/logout', action: 'revoke', methods: ['POST'] },
      ],
    })
    const token = await signHmac()
    const foreign = { origin: EVIL, 'sec-fetch-site': 'cross-site' }
    const cookie = { cookie: `token=${token}` }
    const cases: readonly [
      name: string,
      method: string,
      path: string,
      headers: Record<string, string>,
      status: number,
    ][] = [
      ['required', 'POST', '/required', { ...cookie, ...foreign }, 403],
      ['required, by DELETE', 'DELETE', '/required', { ...cookie, ...foreign }, 403],
      ['required, by GET', 'GET', '/required', { ...cookie, ...foreign }, 200],
      ['required, from the own page', 'POST', '/required', { ...cookie, 'sec-fetch-site': 'same-origin' }, 200],
      ['required, no browser', 'POST', '/required', cookie, 200],
      [
        'required, a token that the page has itself',
        'POST',
        '/required',
        { authorization: `Bearer ${token}`, ...foreign },
        200,
      ],
      ['required, a bad cookie tells nothing more', 'POST', '/required', { cookie: 'token=x', ...foreign }, 403],
      ['required, no token', 'POST', '/required', foreign, 401],
      ['optional', 'POST', '/optional', { ...cookie, ...foreign }, 403],
      ['optional, no cookie', 'POST', '/optional', foreign, 200],
      ['none: nobody is asked', 'POST', '/none', { ...cookie, ...foreign }, 200],
      ['report-only: counted, and passed as nobody', 'POST', '/report', { ...cookie, ...foreign }, 200],
      ['named', 'POST', '/named', { ...cookie, ...foreign }, 200],
      ['log-out', 'POST', '/logout', { ...cookie, ...foreign }, 403],
    ]
    for (const [name, method, path, headers, status] of cases) {
      const before = upstream.requests.length
      const answer = await fetch(url + path, { method, headers })
      t.equal(answer.status, status, name)
      if (status === 403) {
        t.equal(answer.headers.get('x-tollgate'), 'origin_forbidden', name)
        t.equal(answer.headers.get('www-authenticate'), null, 'no other token would help')
        t.match(await answer.json(), { code: 'origin_forbidden' })
      } else await answer.arrayBuffer()
      t.equal(upstream.requests.length - before, status === 200 ? 1 : 0, name)
    }
    const reported = upstream.requests.find(({ url }) => url === '/report')
    t.equal(reported?.headers['x-auth-result'], Buffer.from('{"authenticated":false}').toString('base64url'))
    t.equal((await fetch(`${url}/required`, { method: 'POST', headers: cookie })).status, 200, 'nobody was logged out')
  },
)

t.test('the refusal can be read by a page that cors names', async (t) => {
  const upstream = await startUpstream(t)
  const { url } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    tokens: { from: COOKIE_OR_HEADER },
    cors: { origins: ['https://reader.test'] },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up' }],
  })
  const headers = { cookie: `token=${await signHmac()}`, origin: 'https://reader.test', 'sec-fetch-site': 'cross-site' }
  const answer = await fetch(url, { method: 'POST', headers })
  t.equal(answer.status, 403)
  t.equal(answer.headers.get('access-control-allow-origin'), 'https://reader.test')
})

t.test('WebSockets are asked the same way, before the upstream hears of them', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { url } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    tokens: { from: COOKIE_OR_HEADER },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: '/own', upstream: 'up', websocket: true },
      { path: '/named', upstream: 'up', websocket: true, origins: ['https://*.partner.test'] },
      { path: '/report', upstream: 'up', websocket: true, auth: 'report-only' },
    ],
  })
  const cookie = `token=${await signHmac()}`
  for (const [path, origin, status] of [
    ['/own', EVIL, 403],
    ['/own', url, 101],
    ['/named', 'https://a.partner.test', 101],
    ['/named', url, 403],
    ['/report', EVIL, 101],
  ] as const) {
    const answer = await openWebSocket(url + path, [], { headers: { cookie, origin } })
    t.equal(answer.status, status, `${path} from ${origin}`)
    answer.socket.terminate()
  }
  t.equal(upstream.handshakes.length, 3)
})
