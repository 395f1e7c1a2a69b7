// Which responses carry a successor, and that no cache keeps one that does: RN-6 to RN-8 of the security notes.
import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'

import { createFakeClock } from '../support/fake-clock.ts'
import { sendRaw } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { claimsOf, firstToken, renewingIssuer, send, startMachines, writePrivateKey } from '../support/renewal.ts'
import { requireComponent } from '../support/require-component.ts'

type Answering = (request: IncomingMessage, response: ServerResponse) => void

/** A gateway whose clock stands in the window of the token. */
async function startDue(t: Test, answering: Answering, changes: Record<string, unknown> = {}, renewal = {}) {
  const clock = createFakeClock()
  const upstream = await startUpstream(t, answering)
  const [gateway] = await startMachines(
    t,
    1,
    {
      issuers: [renewingIssuer(writePrivateKey(t), renewal)],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
      ...changes,
    },
    { clock, schedule: clock.schedule },
  )
  if (gateway === undefined) throw new Error('no gateway')
  const token = await firstToken(clock)
  await clock.advance(250_000)
  return { gateway, upstream, token, clock }
}

/** Answers with the status and headers that the request asks for in its path, as JSON. */
const asAsked: Answering = (request, response) => {
  const [status, headers] = JSON.parse(decodeURIComponent((request.url ?? '').slice(2))) as [
    number,
    Record<string, string>,
  ]
  response.writeHead(status, headers).end(status === 304 ? undefined : 'body')
}
const asking = (status: number, headers: Record<string, string> = {}) =>
  `/?${encodeURIComponent(JSON.stringify([status, headers]))}`

t.test('a response carries the successor unless it must not', async (t) => {
  const { gateway, token } = await startDue(t, asAsked)
  const own = new URL(gateway.url).host
  const cases: readonly [carries: boolean, status: number, headers?: Record<string, string>][] = [
    [true, 200],
    [true, 204],
    [true, 404, { 'cache-control': 'max-age=60' }],
    [true, 200, { 'cache-control': 'private, max-age=60', etag: '"a"', expires: 'x', age: '3', pragma: 'no-cache' }],
    [true, 200, { 'cache-control': 'no-store, no-cache, must-revalidate', 'surrogate-control': 'no-store' }],
    [true, 200, { 'cache-control': 'private="set-cookie", public' }],
    [true, 200, { 'x-accel-expires': '0' }],
    [true, 200, { 'content-type': 'text/event-stream' }],
    [true, 302, { location: '/elsewhere' }],
    [true, 302, { location: `http://${own}/elsewhere` }],
    [true, 201, { location: `http://${own}/made` }],
    [false, 500],
    [false, 503, { 'retry-after': '1' }],
    [false, 304],
    [false, 206, { 'content-range': 'bytes 0-3/10' }],
    [false, 416],
    [false, 200, { 'cache-control': 'public, max-age=60' }],
    [false, 200, { 'Cache-Control': 'S-MaxAge=60' }],
    [false, 200, { 'surrogate-control': 'max-age=60' }],
    [false, 200, { 'cdn-cache-control': 'max-age=60' }],
    [false, 200, { 'Cloudflare-CDN-Cache-Control': 'max-age=60' }],
    [false, 200, { 'x-accel-expires': '60' }],
    [false, 200, { 'clear-site-data': '"cookies"' }],
    [false, 302, { location: 'https://other.example.com/' }],
    [false, 302, { location: '//other.example.com/' }],
    [false, 302, { location: '/\\other.example.com/' }],
    [false, 302, { location: `http://${own}.example.com/` }],
    [false, 302, { location: 'https:other.example.com' }],
    [false, 201, { location: 'https://other.example.com/made' }],
  ]
  for (const [carries, status, headers = {}] of cases) {
    const title = `${status} ${JSON.stringify(headers)}`
    const reply = await send(gateway, token, asking(status, headers))
    t.equal(reply.status, status, title)
    t.equal(reply.renewed !== null, carries, title)
    if (!carries) {
      for (const [name, value] of Object.entries(headers))
        t.equal(reply.headers.get(name), value, `${title}: untouched`)
      continue
    }
    t.equal(reply.headers.get('cache-control'), 'no-store', title)
    t.match(reply.headers.get('vary'), /authorization/, title)
    for (const name of ['etag', 'expires', 'age', 'pragma', 'x-accel-expires', 'surrogate-control'])
      t.equal(reply.headers.get(name), null, `${title}: ${name}`)
  }
})

t.test('before its window, a token’s responses stay as they are', async (t) => {
  const { gateway, clock } = await startDue(t, asAsked)
  const headers = { 'cache-control': 'private, max-age=60', etag: '"a"' }
  const reply = await send(gateway, await firstToken(clock), asking(200, headers))
  t.match(reply, { renewed: null })
  for (const [name, value] of Object.entries(headers)) t.equal(reply.headers.get(name), value)
})

t.test('RN-8: what an upstream sends under the name of the successor is removed, in any spelling', async (t) => {
  const { gateway, clock, token } = await startDue(t, (_request, response) => {
    response.writeHead(200, { 'X-Renewed-Token': 'evil', x_renewed_token: 'evil', trailer: 'x-renewed-token' })
    response.write('body')
    response.addTrailers({ 'X-Renewed-Token': 'evil' })
    response.end()
  })
  const fresh = await firstToken(clock)
  for (const sent of [fresh, token]) {
    const bytes = await sendRaw(
      gateway.port,
      `GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${sent}\r\nconnection: close\r\n\r\n`,
    )
    t.notMatch(bytes, /evil/)
    t.equal([...bytes.matchAll(/x-renewed-token: ey/gi)].length, sent === token ? 1 : 0)
  }
})

t.test('RN-7: pages of allowed origins may read it, and no others', async (t) => {
  const { gateway, token } = await startDue(t, (_request, response) => response.end('x'), {
    cors: { origins: ['https://app.example.com'] },
  })
  const allowed = await send(gateway, token, '/', { origin: 'https://app.example.com' })
  t.equal(allowed.headers.get('access-control-allow-origin'), 'https://app.example.com')
  t.match(allowed.headers.get('access-control-expose-headers'), /x-request-id.*, x-renewed-token$/)
  const foreign = await send(gateway, token, '/', { origin: 'https://evil.example.com' })
  t.notMatch(foreign.headers.get('access-control-expose-headers'), /x-renewed-token/)
  t.not(foreign.headers.get('access-control-allow-origin'), 'https://evil.example.com')
  const same = await send(gateway, token)
  t.match(same.renewed, /^ey/)
  t.notMatch(same.headers.get('access-control-expose-headers'), /x-renewed-token/)
})

t.test('a cookie is renewed as a cookie that scripts cannot read, unless the service sets it itself', async (t) => {
  const { gateway, token } = await startDue(
    t,
    (request, response) => {
      if (request.url === '/logout') response.setHeader('set-cookie', ['a=b', 'session=; Max-Age=0'])
      if (request.url === '/other') response.setHeader('set-cookie', 'session2=x')
      response.end()
    },
    { tokens: { from: [{ cookie: 'session' }, { header: 'authorization', scheme: 'Bearer' }] } },
    { deliver: 'cookie' },
  )
  const withCookie = (path: string) => send(gateway, undefined, path, { cookie: `session=${token}` })
  const { headers, renewed } = await withCookie('/')
  t.equal(renewed, null, 'in no header that a script could read')
  const [cookie = ''] = headers.getSetCookie()
  const [, value = ''] = /^session=([\w.-]+); Path=\/; HttpOnly; Secure; SameSite=Lax$/.exec(cookie) ?? []
  t.match(claimsOf(value), { sub: 'alice' })
  t.equal(headers.get('vary'), 'cookie, authorization')
  const beside = (await withCookie('/other')).headers.getSetCookie()
  t.same(
    [beside.length, beside[0], beside[1]],
    [3, 'session2=x', 'session=; Path=/other; Max-Age=0'],
    'beside other cookies',
  )
  t.match(beside[2], /^session=ey/)
  t.same(
    (await withCookie('/logout')).headers.getSetCookie(),
    ['a=b', 'session=; Max-Age=0'],
    'a log-out is not undone',
  )
  const byHeader = await send(gateway, token)
  t.same([byHeader.headers.getSetCookie(), byHeader.renewed], [[], null], 'a token from a header is set in no cookie')
})

t.test('a token from a cookie is never put into a header', async (t) => {
  const { gateway, token } = await startDue(t, (_request, response) => response.end('x'), {
    tokens: { from: [{ cookie: 'session' }, { header: 'authorization', scheme: 'Bearer' }] },
  })
  t.match(await send(gateway, undefined, '/', { cookie: `session=${token}` }), { status: 200, renewed: null })
  t.match((await send(gateway, token)).renewed, /^ey/)
})

/** nginx as a shared cache in front: it keeps all 200s for a minute unless they say otherwise, by the path alone. */
async function startCache(t: Test, origin: string): Promise<string> {
  const directory = t.testdir({})
  mkdirSync(join(directory, 'cache'))
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  const file = join(directory, 'nginx.conf')
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${directory}/pid; error_log stderr error; events {}
     http {
       access_log off; client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
       fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
       proxy_cache_path ${directory}/cache keys_zone=z:1m;
       server { listen 127.0.0.1:${port}; location / {
         proxy_pass ${origin}; proxy_cache z; proxy_cache_key $uri; proxy_cache_valid 200 1m;
         add_header x-cache $upstream_cache_status always; } } }`,
  )
  const nginx = spawn('/usr/sbin/nginx', ['-p', directory, '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] })
  t.teardown(() => nginx.kill('SIGKILL'))
  for (let tries = 0; tries < 100; tries += 1) {
    const answered = await fetch(`http://127.0.0.1:${port}/ready`).then(
      () => true,
      () => false,
    )
    if (answered) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return `http://127.0.0.1:${port}`
}

t.test('RN-6: a real shared cache never hands a successor to anybody else', async (t) => {
  if (!requireComponent(t, 'nginx', '/usr/sbin/nginx')) return
  const { gateway, token, clock } = await startDue(t, (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://a')
    const kept: Record<string, Record<string, string>> = {
      '/public': { 'cache-control': 'public, max-age=60' },
      '/silent': {},
      '/max-age': { 'cache-control': 'max-age=60', etag: '"1"' },
      '/expires': { expires: new Date(Date.now() + 60_000).toUTCString() },
      '/accel': { 'x-accel-expires': '60' },
    }
    response.writeHead(200, kept[pathname] ?? {}).end('body')
  })
  const url = await startCache(t, gateway.url)
  const bobs = await firstToken(clock, { sub: 'bob' })
  for (const [path, cached] of [
    ['/public', true],
    ['/accel', true],
    ['/silent', false],
    ['/max-age', false],
    ['/expires', false],
  ] as const) {
    const alice = await send({ url }, token, path)
    t.equal(alice.headers.get('x-cache'), 'MISS', path)
    t.equal(alice.renewed === null, cached, `${path}: either kept or with a token, never both`)
    const bob = await send({ url }, bobs, path)
    t.equal(bob.headers.get('x-cache'), cached ? 'HIT' : 'MISS', `${path}: the cache does what it is said to do`)
    t.equal(bob.renewed, null, `${path}: bob gets nobody’s token`)
  }
})
