// Request targets and hosts as clients really send them, over a socket: which route answers, and what the upstream gets.
import t from 'tap'

import { closed, open, startAskable as start } from '../support/ask-gateway.ts'
import { headerValues } from '../support/recording-upstream.ts'
import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { rawHandshake } from '../support/websocket.ts'

t.test('what no route may see is refused before any, also where one takes every path', async (t) => {
  const { ask, port, upstream } = await start(
    t,
    [open('/*', { websocket: true, rewrite: '/root/*', cors: { origins: ['https://app.test'] } })],
    {},
  )
  const preflight = 'Origin: https://app.test\r\nAccess-Control-Request-Method: GET\r\n'
  for (const target of ['*', '/a/../b', '//x', '/a#b', '/..%3b/x', 'http://a/../b', 'ftp://a/b']) {
    t.equal(await ask(target), '400 path_unsafe', target)
    if (target !== '*')
      t.equal(
        await ask(target, { method: 'OPTIONS', headers: preflight }),
        '400 path_unsafe',
        `preflight for ${target}`,
      )
    const { answer, closed } = await rawHandshake(port, [], { path: target, quietMs: 1000 })
    t.equal(codeOf(answer), 'path_unsafe', `WebSocket at ${target}`)
    t.ok(closed)
  }
  t.same(upstream.requests, [])
})

t.test('targets go on byte for byte', async (t) => {
  const { ask } = await start(t, [open('/*'), open('/cut/*', { rewrite: '/*' })])
  const targets = [
    // WHATWG URL, path percent-encode set: what browsers leave raw; curl sends the rest raw as well.
    ...['/_next/static/chunks/app/posts/[slug]/page.js', '/files/report[1].pdf', '/a|b', '/a^b', '/{id}', '/`"<>'],
    ...['/%61%7e', '/%C3%A9', '/a%20b?%zz', "/!$&'()*+,;=:@", '/a;v=1/b', '/%2561', '/a?x=[1]|{2}'],
  ]
  for (const target of targets) t.equal(await ask(target), target)
  for (const target of targets) t.equal(await ask(`/cut${target}`), target)
  t.equal(await ask('/c%75t/%61'), '/%61', 'a prefix in another spelling')
})

t.test('a segment is the same in every spelling', async (t) => {
  const routes = ['/v1/@me', '/v1/$batch', '/a+b', '/a=b', '/a,b', '/a;b', '/a&b', '/[id]', '/a|b']
  const { ask } = await start(t, [open('/*'), ...routes.map((path) => closed(path))])
  for (const path of routes) {
    t.equal(await ask(path), '401 token_missing', path)
    const escaped = path.replace(/[^/A-Za-z0-9]/g, (text) => `%${text.charCodeAt(0).toString(16)}`)
    for (const spelling of [escaped, escaped.replace(/%../g, (escape) => escape.toUpperCase())])
      t.equal(await ask(spelling), '401 token_missing', spelling)
  }
})

t.test('a parameter is not empty, and a prefix answers its own path as well', async (t) => {
  const { ask } = await start(t, [
    open('/*', { rewrite: '/any/*' }),
    open('/items/:id', { rewrite: '/item/:id' }),
    open('/orders/*', { rewrite: '/o/*' }),
    open('/things/*', { rewrite: '/t/*' }),
    open('/things', { rewrite: '/exact', methods: ['GET'] }),
    open('/root/*', { rewrite: '/*' }),
    closed('/admin/*'),
    open('/:page', { rewrite: '/page/:page' }),
  ])
  const cases = [
    ['/items/7', '/item/7'],
    ['/items/', '/any/items/'],
    ['/items/7/', '/any/items/7/'],
    ['/orders', '/o'],
    ['/orders?x', '/o?x'],
    ['/orders/', '/o/'],
    ['/orders/1', '/o/1'],
    ['/ordersx', '/page/ordersx'],
    ['/things', '/exact'],
    ['/things/', '/t/'],
    ['/root', '/'],
    ['/root?x', '/?x'],
    ['/root/', '/'],
    ['/admin', '401 token_missing'],
    ['/%61dmin', '401 token_missing'],
    ['/admin/', '401 token_missing'],
    ['/adminx', '/page/adminx'],
    ['/other', '/page/other'],
    ['/', '/any/'],
  ] as const
  for (const [target, expected] of cases) t.equal(await ask(target), expected, target)
  t.equal(await ask('/things', { method: 'POST' }), '405 method_not_allowed', 'an exact route answers for its path')
})

t.test('escaped slashes and empty segments pass where the route says so', async (t) => {
  const { ask } = await start(t, [
    open('/queues/*', { encodedSlashes: 'allow' }),
    open('/proxy/:url', { encodedSlashes: 'allow', rewrite: '/fetch/:url' }),
    open('/s3/*', { emptySegments: 'allow' }),
    open('/bucket/*', { emptySegments: 'allow', rewrite: '/*' }),
    open('/plain/*'),
  ])
  const cases = [
    ['/queues/%2F/q', '/queues/%2F/q'],
    ['/queues/a%2fb', '/queues/a%2fb'],
    ['/proxy/https%3A%2F%2Fhost', '/fetch/https%3A%2F%2Fhost'],
    ['/queues/..%2Fq', '400 path_unsafe'],
    ['/queues/a%2F..%2Fq', '400 path_unsafe'],
    ['/queues/%252Fq', '400 path_unsafe'],
    ['/queues//q', '400 path_unsafe'],
    ['/s3//key', '/s3//key'],
    ['/s3/a///b//', '/s3/a///b//'],
    ['/s3/a%2Fb', '400 path_unsafe'],
    ['//s3/a', '400 path_unsafe'],
    // Without its prefix it would begin with two slashes, which URL parsers take for a host.
    ['/bucket//evil.test/x', '/evil.test/x'],
    ['/plain//x', '400 path_unsafe'],
    ['/plain/a%2Fb', '400 path_unsafe'],
    ['/nowhere//x', '400 path_unsafe'],
  ] as const
  for (const [target, expected] of cases) t.equal(await ask(target), expected, target)
})

t.test('the absolute form is its path at its authority (RFC 9112 section 3.2.2)', async (t) => {
  const { ask, upstream, port } = await start(t, [open('/*', { hosts: ['api.test'] })])
  const cases = [
    ['http://api.test/things?x=1', '/things?x=1'],
    ['HTTP://API.test:80/things', '/things'],
    ['https://api.test', '/'],
    ['http://api.test?q', '/?q'],
    ['http://other.test/things', '404 route_not_found'],
    ['http://api.test/a/../b', '400 path_unsafe'],
    ['http://api.test/a#b', '400 path_unsafe'],
    ['http://user@api.test/a', '400 request_invalid'],
    ['http:///a', '400 request_invalid'],
    ['http://api.test:99999/a', '400 request_invalid'],
    ['ftp://api.test/a', '400 path_unsafe'],
  ] as const
  for (const [target, expected] of cases) t.equal(await ask(target, { host: 'other.test' }), expected, target)
  await ask('http://api.test/things', { host: 'other.test' })
  t.same(headerValues(upstream.requests.at(-1), 'x-forwarded-host'), ['api.test'])
  t.equal(await ask('http://api.test/a', { host: 'a b' }), '400 request_invalid', 'Host must be valid all the same')
  const old = await sendRaw(port, 'GET http://api.test/a HTTP/1.0\r\n\r\n', 1000)
  t.equal(statusOf(old), 200, 'HTTP/1.0 without Host')
})

t.test('OPTIONS * is about the gateway, and answered by it (RFC 9110 section 9.3.7)', async (t) => {
  const { port, upstream } = await start(t, [open('/a', { methods: ['GET'] }), closed('/b', { methods: ['POST'] })])
  for (const target of ['*', 'http://a', 'HTTPS://a:1']) {
    const answer = await sendRaw(port, `OPTIONS ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 1000)
    t.equal(statusOf(answer), 204, target)
    t.match(answer, /^allow: GET, HEAD, POST, OPTIONS\r$/m)
    t.match(answer, /^x-request-id: /m)
    t.equal(codeOf(answer), 'server_options')
  }
  t.same(upstream.requests, [])
})

t.test('HEAD goes where GET goes, unless another route of the path names it (RFC 9110 section 9.3.2)', async (t) => {
  const { ask } = await start(t, [
    open('/a', { methods: ['GET'], rewrite: '/get' }),
    open('/b', { methods: ['GET'], rewrite: '/get' }),
    closed('/b', { methods: ['HEAD', 'POST'] }),
    open('/c', { methods: ['POST'] }),
    open('/d', { methods: ['GET'], hosts: ['one.test', 'two.test'], rewrite: '/get' }),
    open('/d', { methods: ['HEAD'], hosts: ['two.test'], rewrite: '/head' }),
  ])
  t.equal(await ask('/a', { method: 'HEAD' }), '/get')
  t.equal(await ask('/b', { method: 'HEAD' }), '401 token_missing')
  t.equal(await ask('/b'), '/get')
  t.equal(await ask('/c', { method: 'HEAD' }), '405 method_not_allowed')
  t.equal(await ask('/d', { method: 'HEAD', host: 'one.test' }), '/get')
  t.equal(await ask('/d', { method: 'HEAD', host: 'two.test' }), '/head')
})
