// CORS by the route of the method that is asked for (Fetch standard section 3.2): every preflight, and answers of upstreams.
import t from 'tap'

import {
  ADMIN,
  ANYBODY,
  APP,
  BELOW,
  EVIL,
  grantOf,
  PARTNER,
  READERS,
  startCorsGateway as start,
  WRITERS,
} from '../../support/cors-gateway.ts'
import { sendRaw } from '../../support/raw-http.ts'

t.test('a preflight is decided by the policy of the route that serves the method it asks about', async (t) => {
  const { upstream, preflight } = await start(t, {
    routes: [
      { path: '/things/*', upstream: 'up', methods: ['GET', 'POST'], cors: READERS },
      { path: '/things/*', upstream: 'up', methods: ['PUT', 'DELETE', 'PATCH'], cors: WRITERS },
      { path: '/things/*', upstream: 'up', methods: ['REPORT'] },
      { path: '/open/*', upstream: 'up', cors: ANYBODY },
      { path: '/below/*', upstream: 'up', cors: BELOW },
    ],
  })
  const all = 'GET, HEAD, POST, PUT, PATCH, DELETE'
  const readable = 'GET, HEAD, POST'
  const cases: readonly [path: string, method: string, origin: string, grant: (string | undefined)[]][] = [
    ['/things/1', 'GET', APP, [APP, readable]],
    ['/things/1', 'POST', APP, [APP, readable]],
    ['/things/1', 'PUT', APP, [undefined, undefined]],
    ['/things/1', 'DELETE', APP, [undefined, undefined]],
    ['/things/1', 'GET', ADMIN, [undefined, undefined]],
    ['/things/1', 'PUT', ADMIN, [ADMIN, 'PUT, DELETE']],
    ['/things/1', 'DELETE', ADMIN, [ADMIN, 'PUT, DELETE']],
    // The route takes it, its policy does not name it.
    ['/things/1', 'PATCH', ADMIN, [undefined, undefined]],
    ['/things/1', 'GET', EVIL, [undefined, undefined]],
    ['/things/1', 'DELETE', EVIL, [undefined, undefined]],
    // No route takes it: the page may come to read the 405, and is told which methods there are.
    ['/things/1', 'PROPFIND', APP, [APP, readable]],
    ['/things/1', 'PROPFIND', ADMIN, [ADMIN, 'PUT, DELETE']],
    ['/things/1', 'PROPFIND', EVIL, [undefined, undefined]],
    ['/things/1', 'get', APP, [APP, readable]],
    ['/open/1', 'GET', EVIL, ['*', all]],
    ['/open/1', 'OPTIONS', EVIL, [undefined, undefined]],
    ['/open/1', 'GET', 'null', ['*', all]],
    ['/below/1', 'GET', PARTNER, [PARTNER, all]],
    ['/below/1', 'GET', APP, [APP, all]],
    ['/below/1', 'GET', 'https://partner.example', [undefined, undefined]],
    ['/below/1', 'GET', 'null', [undefined, undefined]],
  ]
  for (const [path, method, origin, grant] of cases) {
    const answer = await preflight(path, method, origin)
    const name = `${method} ${path} from ${origin}`
    t.equal(answer.status, 204, name)
    t.equal(answer.code, 'cors_preflight', name)
    t.same(grantOf(answer), grant, name)
    t.same(answer.fields['vary'], ['Origin, Access-Control-Request-Method'], name)
    t.equal(answer.fields['x-request-id']?.length, 1, name)
    const isGranted = grant[0] !== undefined
    const credentials = (isGranted && [ADMIN, PARTNER].includes(origin)) || (isGranted && path === '/below/1')
    t.same(answer.fields['access-control-allow-credentials'], credentials ? ['true'] : undefined, name)
    t.same(answer.fields['access-control-max-age'], isGranted ? [origin === ADMIN ? '3600' : '600'] : undefined, name)
    const headers = origin === ADMIN ? 'x-csrf' : 'authorization, content-type'
    t.same(answer.fields['access-control-allow-headers'], isGranted ? [headers] : undefined, name)
  }
  t.same(upstream.requests, [], 'no upstream hears of a preflight')
  t.equal(
    (await preflight('/things/1', 'REPORT', APP)).code,
    'method_not_allowed',
    'a route without a policy, and none for OPTIONS',
  )
})

t.test('where the route of the method has no policy, its upstream may have one', async (t) => {
  const { upstream, preflight } = await start(t, {
    routes: [
      { path: '/mixed', upstream: 'up', methods: ['GET'], cors: READERS },
      { path: '/mixed', upstream: 'up', methods: ['POST', 'OPTIONS'], auth: 'none' },
      { path: '/own', upstream: 'up', auth: 'none' },
      { path: '/guarded', upstream: 'up' },
    ],
  })
  t.equal((await preflight('/mixed', 'GET', APP)).code, 'cors_preflight')
  const theirs = await preflight('/mixed', 'POST', APP)
  t.equal(theirs.status, 200)
  t.same(theirs.fields['access-control-allow-origin'], ['https://of-the-upstream.example'])
  t.equal((await preflight('/own', 'GET', APP)).status, 200)
  t.equal((await preflight('/guarded', 'GET', APP)).status, 401)
  t.same(
    upstream.requests.map(({ url, method }) => [method, url]),
    [
      ['OPTIONS', '/mixed'],
      ['OPTIONS', '/own'],
    ],
  )
})

t.test('by host: each name has its policies, for preflights as for answers', async (t) => {
  const { send, preflight } = await start(t, {
    routes: [
      { path: '/*', upstream: 'up', auth: 'none', hosts: ['a.test'], cors: READERS },
      { path: '/*', upstream: 'up', auth: 'none', hosts: ['b.test'], cors: WRITERS },
      { path: '/*', upstream: 'up', auth: 'none' },
    ],
  })
  for (const [host, origin, granted] of [
    ['a.test', APP, true],
    ['A.test:8080', APP, true],
    ['a.test', ADMIN, false],
    ['b.test', ADMIN, true],
    ['b.test', APP, false],
  ] as const) {
    const name = `${host} from ${origin}`
    t.equal(grantOf(await preflight('/x', 'PUT', origin, { host }))[0], granted ? origin : undefined, name)
    t.equal(grantOf(await send('PUT', '/x', { host, origin }))[0], granted ? origin : undefined, name)
  }
  const other = await send('GET', '/x', { host: 'c.test', origin: APP })
  t.same(
    other.fields['access-control-allow-origin'],
    ['https://of-the-upstream.example'],
    'no policy: the upstream’s own',
  )
})

t.test('answers of the upstream carry the gateway’s policy, and never two', async (t) => {
  const { send } = await start(t, {
    routes: [
      { path: '/things', upstream: 'up', auth: 'none', cors: READERS },
      { path: '/open', upstream: 'up', auth: 'none', cors: ANYBODY },
      { path: '/below', upstream: 'up', auth: 'none', cors: BELOW },
    ],
  })
  const exposed = ['x-request-id, x-tollgate, www-authenticate']
  const cases: readonly [string, Record<string, string>, Record<string, string[] | undefined>][] = [
    [
      '/things',
      { origin: APP },
      {
        'access-control-allow-origin': [APP],
        vary: ['Origin'],
        'access-control-expose-headers': exposed,
        'access-control-allow-credentials': undefined,
      },
    ],
    [
      '/things',
      { origin: EVIL },
      { 'access-control-allow-origin': undefined, vary: ['Origin'], 'access-control-expose-headers': undefined },
    ],
    ['/things', {}, { 'access-control-allow-origin': undefined, vary: ['Origin'] }],
    [
      '/open',
      { origin: EVIL },
      { 'access-control-allow-origin': ['*'], vary: undefined, 'access-control-expose-headers': undefined },
    ],
    ['/open', {}, { 'access-control-allow-origin': ['*'] }],
    [
      '/below',
      { origin: PARTNER },
      { 'access-control-allow-origin': [PARTNER], 'access-control-allow-credentials': ['true'] },
    ],
    [
      '/below',
      { origin: EVIL },
      { 'access-control-allow-origin': undefined, 'access-control-allow-credentials': undefined },
    ],
  ]
  for (const [path, headers, expected] of cases) {
    const { fields } = await send('GET', path, headers)
    for (const [name, values] of Object.entries(expected))
      t.same(fields[name], values, `${path} from ${headers['origin'] ?? 'nobody'}: ${name}`)
    t.same(fields['x-from'], ['upstream'])
  }
})

t.test(
  'a page comes to read the 404 of a path that no route answers, where the gateway has a policy for all',
  async (t) => {
    const { preflight } = await start(t, { cors: READERS, routes: [{ path: '/things', upstream: 'up' }] })
    t.same(grantOf(await preflight('/nowhere', 'PUT', APP)), [APP, 'GET, HEAD, POST, PUT, PATCH, DELETE'])
    t.same(grantOf(await preflight('/nowhere', 'PUT', EVIL)), [undefined, undefined])
    t.same(grantOf(await preflight('/nowhere', 'PROPFIND', APP)), [APP, 'GET, HEAD, POST, PUT, PATCH, DELETE'])
    t.equal((await preflight('/things/../x', 'GET', APP)).code, 'path_unsafe', 'an unsafe path has no preflight')
  },
)

t.test('a preflight with a body leaves nothing on the connection that could pass for a request', async (t) => {
  const { upstream, port } = await start(t, { routes: [{ path: '/*', upstream: 'up', auth: 'none', cors: READERS }] })
  const head = (more: string) =>
    `OPTIONS /x HTTP/1.1\r\nHost: a\r\nOrigin: ${APP}\r\nAccess-Control-Request-Method: GET\r\n${more}\r\n`
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
  for (const more of [
    `Content-Length: ${smuggled.length}\r\n`,
    'Transfer-Encoding: chunked\r\n',
    'Content-Length: 5\r\nExpect: 100-continue\r\n',
  ]) {
    const body = more.startsWith('Transfer') ? `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n` : smuggled
    const answers = await sendRaw(port, head(more) + body, 500)
    t.match(answers, /^HTTP\/1\.1 204 /, more)
    t.equal(answers.match(/^HTTP\/1\.1 /gm)?.length, 1, more)
  }
  t.same(upstream.requests, [])
})
