// Clients as people have them, with the headers that only they send: each is simply served.
import t from 'tap'
import { execFile, execFileSync } from 'node:child_process'
import { accessSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { startUpstream } from '../support/recording-upstream.ts'
import { requireComponent } from '../support/require-component.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'

const run = promisify(execFile)
const hasCurl = requireComponent(t, 'curl', '/usr/bin/curl')
const hasPython = requireComponent(t, 'python3', '/usr/bin/python3')
const LARGE = 2_000_000

/** With a WebSocket route, so that offers of another protocol take the long way. */
async function start(t: Teardown) {
  const upstream = await startUpstream(t)
  const gateway = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: '/*', upstream: 'up', auth: 'none' },
      { path: '/token/*', upstream: 'up' },
      { path: '/ws', upstream: 'up', auth: 'none', websocket: true },
    ],
  })
  return { upstream, ...gateway }
}

t.test(
  'curl: with an offer of HTTP/2, with Expect, in chunks, with trailers asked for',
  { skip: !hasCurl },
  async (t) => {
    const { upstream, url } = await start(t)
    const file = join(t.testdir({}), 'large')
    writeFileSync(file, Buffer.alloc(LARGE, 'x'))
    const curl = async (...args: string[]) => {
      const { stdout } = await run('/usr/bin/curl', [
        '-sS',
        '--max-time',
        '20',
        '-w',
        ' %{http_code} %{http_version}',
        ...args,
      ])
      return stdout
    }
    const served = /^\{"ok":true\} 200 1\.1$/
    t.match(await curl('--http2', `${url}/get?a=%2F&b`), served)
    t.equal(upstream.requests.at(-1)?.url, '/get?a=%2F&b')
    t.match(await curl('--http2', '-d', 'a=1', `${url}/post`), served)
    t.equal(upstream.requests.at(-1)?.body.toString(), 'a=1')
    t.match(await curl('--http2', '--data-binary', `@${file}`, `${url}/large`), served)
    t.equal(upstream.requests.at(-1)?.body.length, LARGE)
    t.match(
      await curl('--http1.1', '-H', 'Expect: 100-continue', '--expect100-timeout', '15', '-T', file, `${url}/expect`),
      served,
    )
    t.equal(upstream.requests.at(-1)?.body.length, LARGE)
    t.match(
      await curl('-X', 'POST', '-H', 'Transfer-Encoding: chunked', '--data-binary', `@${file}`, `${url}/chunks`),
      served,
    )
    t.equal(upstream.requests.at(-1)?.body.length, LARGE)
    t.match(
      await curl('--tr-encoding', '-H', 'Keep-Alive: 5', '-H', 'Proxy-Connection: keep-alive', `${url}/te`),
      served,
    )
    t.equal(upstream.requests.at(-1)?.headers['te'], undefined)
    t.match(await curl('-X', 'PROPFIND', '-0', `${url}/old`), / 200 1\.1$/)
    t.match(await curl('-I', `${url}/head`), / 200 1\.1$/)
    const refused = await curl('-H', 'Expect: 100-continue', '-T', file, `${url}/token/x`)
    t.match(refused, /"code":"token_missing".* 401 1\.1$/)
    t.match(
      await curl('--http2', '-H', `Authorization: Bearer ${await signHmac()}`, '-T', file, `${url}/token/x`),
      served,
    )
  },
)

t.test('Node’s fetch: forms, streams, compression', async (t) => {
  const { upstream, url } = await start(t)
  const form = new FormData()
  form.set('a', new Blob([Buffer.alloc(LARGE)]), 'large')
  t.equal((await fetch(`${url}/form`, { method: 'POST', body: form })).status, 200)
  t.ok((upstream.requests.at(-1)?.body.length ?? 0) > LARGE)
  const body = new Blob([Buffer.alloc(LARGE)]).stream()
  t.equal((await fetch(`${url}/stream`, { method: 'PUT', body, duplex: 'half' })).status, 200)
  t.equal(upstream.requests.at(-1)?.body.length, LARGE)
  t.equal(upstream.requests.at(-1)?.headers['accept-encoding'], 'gzip, deflate')
  t.equal((await fetch(url, { method: 'HEAD' })).status, 200)
})

t.test('Python’s http.client: seven requests on one connection', { skip: !hasPython }, async (t) => {
  const { upstream, port } = await start(t)
  const { stdout } = await run('/usr/bin/python3', ['test/clients/client.py', String(port)])
  t.same(
    stdout.trim().split('\n'),
    ['get', 'post', 'chunks', 'patch', 'purge', 'head', 'empty'].map(
      (name) => `${name} 200 ${name === 'head' ? 0 : 11}`,
    ),
  )
  t.same(
    upstream.requests.map(({ method, body }) => [method, body.length]),
    [
      ['GET', 0],
      ['POST', LARGE],
      ['PUT', LARGE],
      ['PATCH', 2],
      ['PURGE', 0],
      ['HEAD', 0],
      ['DELETE', 0],
    ],
  )
})

/** Optional everywhere: a Java of 300 MB is much for one test. */
function hasJava(): boolean {
  try {
    accessSync('/usr/bin/java')
    execFileSync('/usr/bin/java', ['-version'], { stdio: 'ignore' })
    return true
  } catch {
    process.stderr.write('\n*** SKIPPED: java is not at /usr/bin/java; its client has proved nothing ***\n\n')
    return false
  }
}

t.test(
  'Java’s HttpClient: offers HTTP/2 with its first request, also with a body',
  { skip: !hasJava(), timeout: 90_000 },
  async (t) => {
    const { upstream, port } = await start(t)
    const { stdout } = await run('/usr/bin/java', ['-XX:TieredStopAtLevel=1', 'test/clients/Client.java', String(port)])
    const names = ['one', 'two'].flatMap((version) =>
      ['get', 'post', 'chunks', 'expect', 'first-post'].map((name) => `${version}-${name}`),
    )
    t.same(
      stdout.trim().split('\n'),
      names.map((name) => `${name} 200 11`),
    )
    t.same(
      upstream.requests.map(({ url, body }) => [url, body.length]),
      names.map((name) => [`/${name}`, name.endsWith('-get') ? 0 : LARGE]),
    )
    t.same(upstream.requests.flatMap(({ headers }) => [headers.upgrade, headers['http2-settings']]).filter(Boolean), [])
  },
)
