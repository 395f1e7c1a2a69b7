// Attack: a path that the gateway takes for one of an open route, and the service behind it for one of a protected route.
// Amplifier: every server reads paths in its own way. Defence: such a path is refused where the readings differ in what they ask.
import t from 'tap'

import { closed, open, startAskable as start } from '../../support/ask-gateway.ts'
import { rawHandshake } from '../../support/websocket.ts'

t.test('no spelling that another reader takes for a protected path comes through an open route', async (t) => {
  const { ask, port, upstream, lines } = await start(t, [
    open('/*', { encodedSlashes: 'allow', emptySegments: 'allow', websocket: true }),
    closed('/admin/*'),
    closed('/api/v1/users/:id'),
    open('/files/:name', { encodedSlashes: 'allow' }),
    closed('/files/secret/*'),
    closed('/Mixed/*'),
    open('/post', { methods: ['GET'] }),
  ])
  const refused: readonly (readonly [target: string, reader: string])[] = [
    ['/ADMIN/x', 'Express, ASP.NET and IIS pass over case'],
    ['/mixed/x', 'the same, where the route has capitals'],
    ['/admin;v=1/x', 'Tomcat, Jetty and Spring take path parameters away'],
    ['/admin%3Bv=1/x', 'so does what decodes first'],
    ['/;v=1/admin/x', 'an empty segment is left, and merged'],
    ['/%2561dmin/x', 'what decodes twice'],
    ['/admin%2Fx', 'an escaped slash as a slash'],
    ['/%2Fadmin/x', 'the same, merged'],
    ['/x%2F%2E%2E', 'dots behind one are unsafe in any case'],
    ['/api//v1/users/7', 'nginx, Go and others merge slashes'],
    ['/api/v1/users/7/', 'Express passes over a slash at the end'],
    ['/api/v1/users/7%3Fx/y', 'what decodes before it looks for the query'],
    ['/api/v1/users/7%23/y', 'or for a fragment'],
    ['/Api/V1/Users;a/7/;b', 'all at once'],
    ['/files/secret%2Fx', 'below a parameter as well'],
    ['/admin./x', 'Windows drops dots behind a name'],
    ['/admin...', 'all of them'],
    ['/admin%20/x', 'and blanks'],
    ['/%20admin%09/x', 'Spring before 4.3 blanks on both sides'],
    ['/admin.%20;v/x', 'with parameters'],
    ['/files/secret./x%2Fy', 'below a parameter as well'],
    ['/api/v1/users./7', 'in the middle'],
    ['/api/v1/users/7/%20', 'and a name of blanks alone'],
  ]
  for (const [target, reader] of refused) {
    t.equal(await ask(target), '400 path_unsafe', `${target}: ${reader}`)
    const { answer } = await rawHandshake(port, [], { path: target })
    t.match(answer, /^HTTP\/1\.1 400 [^]*path_unsafe/, `WebSocket at ${target}`)
  }
  t.equal(await ask('/POST', { method: 'POST' }), '400 path_unsafe', 'a method that the route does not take')
  t.same(upstream.requests, [])
  t.match(
    lines.filter(({ code }) => code === 'path_unsafe').map(({ message }) => message),
    ['refused'],
  )
  const passing = [
    ...[
      '/Public/X',
      '/a;v=1/b',
      '/a%2Fb',
      '/a//b',
      '/a/',
      '/100%25',
      '/x%3Fy',
      '/administrator',
      '/.admin/x',
      '/a./x',
      '/ad.min/x',
      '/ad%20min/x',
      '/;v',
    ],
    ...['/api/v1/users', '/api/v1/users/7/8', '/files/a%2Fb', '/POST', '/post'],
  ]
  for (const target of passing) t.equal(await ask(target), target, 'nobody reads more in it')
})

t.test('a long path costs no more than its length: nobody can keep the gateway busy with one', async (t) => {
  const { ask } = await start(t, [open('/*', { emptySegments: 'allow' }), closed('/admin/*')])
  const ends = ['.', '%20', '%2520', ';', ';.', '%25', '/', 'A/', '%C3%A9', '.%09;', '%3F', '%23']
  for (const repeated of ends) {
    const target = `/A${repeated.repeat(Math.floor(15_000 / repeated.length))}x`
    const before = process.cpuUsage()
    t.match(await ask(target), /^(\/A|400)/)
    const { user } = process.cpuUsage(before)
    // Where a pattern took the square of the length it was several seconds; without that it is some milliseconds.
    t.ok(user < 1_000_000, `${repeated}: ${user / 1000} ms`)
  }
})

t.test('readings that ask for no more are no dispute', async (t) => {
  const require = { scopes: { all: ['admin'] } }
  const { ask } = await start(t, [
    closed('/*', { encodedSlashes: 'allow' }),
    open('/open/*'),
    closed('/alike/*'),
    open('/Users/*'),
    closed('/users/*'),
    closed('/strict/*', { require }),
    open('/reported/*', { auth: 'report-only' }),
  ])
  t.equal(await ask('/OPEN/x'), '401 token_missing', 'a route that lets more pass')
  t.equal(await ask('/ALIKE/x'), '401 token_missing', 'one that lets the same pass')
  t.equal(await ask('/alike%2Fx'), '401 token_missing')
  t.equal(await ask('/STRICT/x'), '400 path_unsafe', 'one that asks for a scope')
  t.equal(await ask('/Users/x'), '/Users/x', 'a route that says the other spelling itself')
  t.equal(await ask('/users/x'), '401 token_missing')
  t.equal(await ask('/REPORTED/x'), '401 token_missing', 'one that enforces nothing')
})

t.test('the text of a route goes on as the config writes it, for those who compare before they decode', async (t) => {
  const { ask } = await start(t, [
    open('/users/me'),
    closed('/users/:id'),
    open('/@scope/*'),
    open('/x/:name/[y]/*', { encodedSlashes: 'allow' }),
    open('/cut/*', { rewrite: '/*' }),
    closed('/*'),
  ])
  const cases = [
    ['/users/%6de?q=%6d', '/users/me?q=%6d'],
    ['/us%65rs/7', '401 token_missing'],
    ['/%40scope/%70kg', '/@scope/%70kg'],
    ['/%78/%61%2f/%5by%5D/%7a?%78', '/x/%61%2f/[y]/%7a?%78'],
    ['/c%75t/%61', '/%61'],
    ['/%40scope', '/@scope'],
  ] as const
  for (const [target, expected] of cases) t.equal(await ask(target), expected, target)
})

t.test('a dispute is about the host that was asked for', async (t) => {
  const { ask } = await start(t, [open('/*'), closed('/admin/*', { hosts: ['*.inner.test'] })])
  t.equal(await ask('/ADMIN', { host: 'a.inner.test.' }), '400 path_unsafe')
  t.equal(await ask('/ADMIN', { host: 'outer.test' }), '/ADMIN')
})
