// Claims as headers, end to end: which routes send which, over both transports and WebSockets, and what is counted.
import t from 'tap'

import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import { statusOf } from '../../support/raw-http.ts'
import { startTestGateway } from '../../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../../support/tokens.ts'
import { handshakeHead, startWebSocketUpstream } from '../../support/websocket.ts'

const CLAIM_HEADERS = {
  'X-User-Id': '/sub',
  'x-user-roles': { claim: '/realm_access/roles', join: ',' },
  'x-tenant': { claim: '/http:~1~1a.com', default: 'none' },
  'x-name': { claim: '/name', encode: 'base64url' },
  'x-all': { claim: '', encode: 'json', maxBytes: '4KiB' },
}
const ROUTES = [
  { path: '/a/*' },
  {
    path: '/more/*',
    claimHeaders: { 'x-name': { claim: '/name', encode: 'json' }, 'x-email': '/email', 'x-all': false },
  },
  { path: '/optional/*', auth: 'optional' },
  { path: '/report/*', auth: 'report-only' },
  { path: '/none/*', auth: 'none' },
]
const NAMES = ['x-user-id', 'x-user-roles', 'x-tenant', 'x-name', 'x-all', 'x-email', 'x-auth-result']

t.test('each route sends its headers, those of all routes and its own', async (t) => {
  const upstream = await startUpstream(t)
  const token = await signHmac({
    realm_access: { roles: ['reader', 'writer'] },
    'http://a.com': 'acme',
    name: 'José',
    email: 'a@b.example',
  })
  const plain = await signHmac({ name: null, sub: 'a\r\nx-user-roles: admin', realm_access: { roles: ['a,admin'] } })
  for (const transport of ['direct', 'undici']) {
    const { gateway, url } = await startTestGateway(t, {
      issuers: [hmacIssuer()],
      authResult: { format: 'none' },
      claimHeaders: CLAIM_HEADERS,
      upstreams: { up: { targets: [upstream.url], transport } },
      routes: ROUTES.map((route) => ({ upstream: 'up', ...route })),
    })
    const told = async (path: string, bearer?: string) => {
      const response = await fetch(
        `${url}${path}`,
        bearer === undefined ? {} : { headers: { authorization: `Bearer ${bearer}` } },
      )
      await response.arrayBuffer()
      const last = upstream.requests.at(-1)
      return Object.fromEntries(NAMES.flatMap((name) => headerValues(last, name).map((value) => [name, value])))
    }
    for (const round of ['verified', 'known']) {
      const all = await told('/a/x', token)
      t.match(
        all,
        { 'x-user-id': 'alice', 'x-user-roles': 'reader,writer', 'x-tenant': 'acme' },
        `${transport}, ${round}`,
      )
      t.equal(all['x-name'], Buffer.from('José').toString('base64url'))
      t.match(JSON.parse(all['x-all'] ?? ''), { sub: 'alice', name: 'José' })
      t.equal(all['x-email'], undefined)
      t.equal(all['x-auth-result'], undefined, 'format: none')
      t.same(await told('/more/x', token), {
        ...{ 'x-user-id': 'alice', 'x-user-roles': 'reader,writer', 'x-tenant': 'acme' },
        ...{ 'x-name': '"Jos\\u00e9"', 'x-email': 'a@b.example' },
      })
    }
    t.same(await told('/more/x', plain), { 'x-tenant': 'none' }, 'what is no text is left out')
    for (const path of ['/optional/x', '/report/x']) t.same(await told(path), { 'x-tenant': 'none' }, 'nobody')
    t.same(await told('/none/x', token), {}, 'a route that asks nobody tells nobody')
    const left = (await gateway.metrics.text()).split('\n').filter((line) => line.includes('left_out_total{'))
    t.same(left.sort(), [
      'tollgate_claim_headers_left_out_total{header="x-user-id",reason="not_text"} 1',
      'tollgate_claim_headers_left_out_total{header="x-user-roles",reason="separator"} 1',
    ])
  }
})

t.test('WebSockets are told the same', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  for (const transport of ['direct', 'undici']) {
    const { port } = await startTestGateway(t, {
      issuers: [hmacIssuer()],
      claimHeaders: CLAIM_HEADERS,
      upstreams: { up: { targets: [upstream.url], transport } },
      routes: [{ path: '/ws', upstream: 'up', websocket: true }],
    })
    const answer = await handshakeHead(t, port, '/ws', [`Authorization: Bearer ${await signHmac()}`])
    t.equal(statusOf(answer), 101)
    t.match(upstream.handshakes.at(-1)?.headers, { 'x-user-id': 'alice', 'x-tenant': 'none' })
  }
})

t.test('the result ends with = where that is wanted, for callers and for nobody', async (t) => {
  const upstream = await startUpstream(t)
  for (const format of ['result', 'claims']) {
    const { url } = await startTestGateway(t, {
      issuers: [hmacIssuer()],
      authResult: { pad: true, format },
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up', auth: 'optional' }],
    })
    const told = async (headers: Record<string, string>) => {
      await (await fetch(url, { headers })).arrayBuffer()
      return headerValues(upstream.requests.at(-1), 'x-auth-result')
    }
    for (const sub of ['a', 'ab', 'abc']) {
      const [value = ''] = await told({ authorization: `Bearer ${await signHmac({ sub })}` })
      t.equal(value.length % 4, 0)
      const bytes = Buffer.from(value, 'base64url')
      t.equal(value, bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_'))
      t.match(bytes.toString(), `"sub":"${sub}"`)
    }
    const nobody = format === 'result' ? [Buffer.from('{"authenticated":false}').toString('base64')] : []
    t.same(await told({}), nobody)
  }
})
