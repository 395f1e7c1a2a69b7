import t from 'tap'

import { buildRouteTable } from '../../gateway/src/accept/routes/route-table.ts'
import { headerValues, startUpstream } from '../support/recording-upstream.ts'
import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { startTestGateway } from '../support/test-gateway.ts'

const open = (path: string, more: Record<string, unknown> = {}) => ({ path, upstream: 'up', auth: 'none', ...more })

t.test('the most specific route answers, and each is rewritten its own way', async (t) => {
  const upstream = await startUpstream(t)
  const routes = [
    open('/*', { rewrite: '/any/*' }),
    open('/api/*', { rewrite: '/*' }),
    open('/api/things', { rewrite: '/exact' }),
    open('/api/users/:id', { rewrite: '/u/:id/profile' }),
    open('/t/:tenant/x/*', { rewrite: '/:tenant/*' }),
    open('/same/*'),
  ]
  const { url } = await startTestGateway(t, { upstreams: { up: { targets: [upstream.url] } }, routes })
  const cases: readonly [string, string][] = [
    ['/', '/any/'],
    ['/other/deep?q=1', '/any/other/deep?q=1'],
    ['/api/', '/'],
    ['/api/x/y?a=%2F&b', '/x/y?a=%2F&b'],
    ['/api/things', '/exact'],
    ['/api/users/a%20b', '/u/a%20b/profile'],
    ['/t/acme/x/1/2', '/acme/1/2'],
    ['/same/%61', '/same/%61'],
  ]
  for (const [path, expected] of cases) {
    await (await fetch(url + path)).arrayBuffer()
    t.equal(upstream.requests.at(-1)?.url, expected, path)
  }
})

t.test('a query, even an empty one, arrives byte for byte', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [open('/api/*', { rewrite: '/*' })],
  })
  for (const query of ['?', '?x=../../admin&u=http://evil', '?a=%zz&b=%00&&=&c[]=1', '?a?b?c', '?q=\'"<>']) {
    await sendRaw(port, `GET /api/public${query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    t.equal(upstream.requests.at(-1)?.url, `/public${query}`)
  }
})

t.test('a method that the route does not take is 405 with Allow, on the most specific path', async (t) => {
  const upstream = await startUpstream(t)
  const routes = [
    open('/*'),
    open('/things', { methods: ['GET'] }),
    open('/things', { methods: ['POST'], rewrite: '/create' }),
  ]
  const { url } = await startTestGateway(t, { upstreams: { up: { targets: [upstream.url] } }, routes })
  const response = await fetch(`${url}/things`, { method: 'DELETE' })
  t.equal(response.status, 405)
  t.equal(response.headers.get('allow'), 'GET, HEAD, POST')
  t.match(await response.json(), { code: 'method_not_allowed' })
  await fetch(`${url}/things`, { method: 'POST' })
  t.equal(upstream.requests.at(-1)?.url, '/create')
  t.equal((await fetch(`${url}/things/1`, { method: 'DELETE' })).status, 200)
})

t.test('routes for host names compare the name alone, and fall back to those for any host', async (t) => {
  const upstream = await startUpstream(t)
  const routes = [
    open('/*', { rewrite: '/any/*' }),
    open('/*', { hosts: ['api.example.com', 'api.example.org'], rewrite: '/api/*' }),
  ]
  const { port } = await startTestGateway(t, { upstreams: { up: { targets: [upstream.url] } }, routes })
  const cases: readonly [string, string][] = [
    ['api.example.com', '/api/x'],
    ['API.Example.COM:8080', '/api/x'],
    ['api.example.org', '/api/x'],
    ['other.example.com', '/any/x'],
    ['xapi.example.com', '/any/x'],
  ]
  for (const [host, expected] of cases) {
    await sendRaw(port, `GET /x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    t.equal(upstream.requests.at(-1)?.url, expected, host)
    t.same(headerValues(upstream.requests.at(-1), 'x-forwarded-host'), [host])
  }
})

t.test('any method is forwarded where a route names none', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await startTestGateway(t, { upstreams: { up: { targets: [upstream.url] } }, routes: [open('/*')] })
  for (const method of [
    'GET',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'OPTIONS',
    'PURGE',
    'PROPFIND',
    'REPORT',
    'MKCOL',
    'LOCK',
    'SEARCH',
    'TRACE',
  ]) {
    const answer = await sendRaw(port, `${method} /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    t.equal(statusOf(answer), 200, method)
    t.equal(upstream.requests.at(-1)?.method, method)
  }
})

t.test('a segment of any length is a parameter', async (t) => {
  const upstream = await startUpstream(t)
  const { url } = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [open('/t/:tenant')],
  })
  t.equal((await fetch(`${url}/t/${'x'.repeat(5000)}`)).status, 200)
})

t.test('escaped slashes are for the route to allow', async (t) => {
  const upstream = await startUpstream(t)
  const routes = [open('/no/*'), open('/yes/*', { encodedSlashes: 'allow', rewrite: '/*' })]
  const { port } = await startTestGateway(t, { upstreams: { up: { targets: [upstream.url] } }, routes })
  const get = (path: string) => sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  t.equal(codeOf(await get('/no/a%2Fb')), 'path_unsafe')
  t.equal(statusOf(await get('/yes/a%2Fb')), 200)
  t.equal(upstream.requests.at(-1)?.url, '/a%2Fb')
  t.equal(codeOf(await get('/yes/..%2Fb')), 'path_unsafe')
})

t.test('the table has each method of a path once', async (t) => {
  const route = (path: string, methods?: string[], hosts?: string[]) => ({ admission: { path, methods, hosts } })
  const table = buildRouteTable([
    route('/a', ['GET']),
    route('/a', ['POST']),
    route('/b/:x'),
    route('/c', ['GET'], ['h1', 'h2']),
  ])
  t.same(
    table.map(({ path, host, route }) => [path, host, route === undefined ? 'refused' : 'served']),
    [
      ['/a', undefined, 'served'],
      ['/a', undefined, 'served'],
      ['/a', undefined, 'refused'],
      ['/b/:x', undefined, 'served'],
      ['/c', 'h1', 'served'],
      ['/c', 'h1', 'refused'],
      ['/c', 'h2', 'served'],
      ['/c', 'h2', 'refused'],
    ],
  )
})
