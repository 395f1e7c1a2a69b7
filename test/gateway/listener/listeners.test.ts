// Several listeners of one gateway: ports of IPv4 and IPv6, socket files, and a parser of its own for each.
import t from 'tap'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'

import { CannotStart } from '../../../gateway/src/failure.ts'
import { clearDeadSockets } from '../../../gateway/src/gateway/listener/socket-file.ts'
import { addressIn, askAt, freePort } from '../../support/listeners.ts'
import { openRaw } from '../../support/raw-connection.ts'
import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway, testConfig, type Teardown } from '../../support/test-gateway.ts'
import { ISSUER, SECRET } from '../../support/tokens.ts'

/** A folder with a short path: a socket file may have 107 bytes. */
function shortFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'tg-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

async function start(t: Teardown, listen: readonly object[], more: object = {}) {
  const upstream = await startUpstream(t)
  const started = await startTestGateway(t, {
    listen,
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    ...more,
  })
  return { ...started, upstream, urls: started.gateway.listeners.urls }
}

const isOfLane = async (gateway: { metrics: { text(): Promise<string> } }) =>
  Number(/parser="lane"[^}]*} (\d+)/.exec(await gateway.metrics.text())?.[1])

t.test('each listener serves all routes, with the parser that it names', async (t) => {
  const file = join(shortFolder(t), 'a.sock')
  const { urls, gateway, upstream } = await start(t, [
    { parser: 'auto' },
    { host: '[::1]', parser: 'node' },
    { unix: file, parser: 'auto' },
    { host: 'localhost', parser: 'node' },
  ])
  t.equal(urls.length, 4)
  t.match(urls[1], /^http:\/\/\[::1\]:\d+$/)
  t.equal(urls[2], `unix:${file}`)
  const taken: number[] = []
  for (const url of urls) {
    const before = await isOfLane(gateway)
    t.same(await askAt(url, '/x'), { status: 200, connection: 'close', body: '{"ok":true}' }, url)
    taken.push((await isOfLane(gateway)) - before)
  }
  t.same(taken, [1, 0, 1, 0], 'of which the fast lane read')
  t.equal(upstream.requests.length, 4)
  const { port } = new URL(urls[3] ?? '')
  for (const { address, family } of await lookup('localhost', { all: true })) {
    const host = family === 6 ? `[${address}]` : address
    t.equal((await askAt(`http://${host}:${port}`)).status, 200, `localhost as ${host}`)
  }
})

t.test('"::" takes IPv4 too, whose clients are known by their IPv4 address; with ipv6Only it does not', async (t) => {
  const { urls, upstream } = await start(t, [{ host: '::' }, { host: '::', ipv6Only: true }, { host: '0.0.0.0' }])
  const [both, six, four] = urls.map((url) => new URL(url).port)
  const answers = async (host: string, port: string | undefined) => {
    try {
      const { status } = await askAt(`http://${host}:${port}`)
      return status
    } catch (error) {
      return (error as Error).message
    }
  }
  t.same([await answers('127.0.0.1', both), await answers('[::1]', both)], [200, 200])
  t.same([await answers('127.0.0.1', six), await answers('[::1]', six)], ['ECONNREFUSED', 200])
  t.same([await answers('127.0.0.1', four), await answers('[::1]', four)], [200, 'ECONNREFUSED'])
  const clients = upstream.requests.map((request) => headerValues(request, 'x-forwarded-for')[0])
  t.same(clients, ['127.0.0.1', '::1', '::1', '127.0.0.1'])
})

t.test('who connects to a socket file is unix: in the log, and has no address for upstreams', async (t) => {
  const file = join(shortFolder(t), 'a.sock')
  for (const parser of ['auto', 'node']) {
    const { urls, upstream, lines } = await start(t, [{ unix: file, parser }])
    await askAt(urls[0], '/x', { headers: { host: 'a', 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.2' } })
    const [request] = upstream.requests
    t.same(headerValues(request, 'x-forwarded-for'), ['unknown'], `${parser}: what the client says is not believed`)
    t.same(headerValues(request, 'forwarded'), [], parser)
    t.equal(lines.findLast(({ path }) => path === '/x')?.['client'], 'unix:', parser)
    const raw = await openRaw(t, addressIn(urls[0]))
    raw.write('nonsense\r\n\r\n')
    await raw.until(/400/)
    t.match(lines.at(-1), { code: 'request_invalid', client: 'unix:' }, parser)
    rmSync(file, { force: true })
  }
})

t.test(
  'trustedProxies: unix: believes what a proxy says that connects to a socket file, and nobody else',
  async (t) => {
    const file = join(shortFolder(t), 'a.sock')
    const { urls, upstream, lines } = await start(t, [{ unix: file }, {}], {
      proxy: { trustedProxies: ['unix:'] },
      limits: { authFailures: { max: 2 } },
      issuers: [{ name: 'main', issuer: ISSUER, algorithms: ['HS256'], keys: { secret: { value: SECRET } } }],
      routes: [
        { path: '/*', upstream: 'up', auth: 'none' },
        { path: '/in', upstream: 'up' },
      ],
    })
    const headers = (client: string) => ({ host: 'a', 'x-forwarded-for': `192.0.2.66, ${client}` })
    for (const url of urls) await askAt(url, '/x', { headers: headers('192.0.2.1') })
    t.same(
      upstream.requests.map((request) => headerValues(request, 'x-forwarded-for')[0]),
      ['192.0.2.66, 192.0.2.1, unknown', '127.0.0.1'],
    )
    t.same(
      lines.filter(({ path }) => path === '/x').map(({ client }) => client),
      ['192.0.2.1', '127.0.0.1'],
    )
    const statusOf = async (client: string) => {
      const bad = `Bearer x${Math.random()}`
      return (await askAt(urls[0], '/in', { headers: { ...headers(client), authorization: bad } })).status
    }
    const [one, other] = ['192.0.2.1', '192.0.2.2']
    t.same([await statusOf(one), await statusOf(one), await statusOf(one), await statusOf(other)], [401, 401, 429, 401])
  },
)

t.test('a socket file has its mode, and is gone when the gateway is', async (t) => {
  const folder = shortFolder(t)
  const cases: readonly [object, number][] = [
    [{}, 0o660],
    [{ mode: '0666' }, 0o666],
    [{ mode: '600' }, 0o600],
  ]
  for (const [index, [options, mode]] of cases.entries()) {
    const file = join(folder, `${index}.sock`)
    const { gateway } = await start(t, [{ unix: file, ...options }])
    t.equal(statSync(file).mode & 0o777, mode)
    await gateway.close()
    t.notOk(existsSync(file))
  }
})

t.test('the socket file of a dead process makes room, that of a live one and any other file do not', async (t) => {
  const folder = shortFolder(t)
  const [dead, live, text] = ['dead.sock', 'live.sock', 'text'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  // Ended without a chance to remove it.
  const dying = `require("net").createServer().listen(${JSON.stringify(dead)}, () => process.kill(process.pid, "SIGKILL"))`
  t.throws(() => execFileSync(process.execPath, ['-e', dying], { stdio: 'ignore' }))
  t.ok(statSync(dead).isSocket())
  const server = createServer().listen(live)
  await once(server, 'listening')
  t.teardown(() => server.close())
  writeFileSync(text, 'precious')
  const configOf = (file: string) => testConfig({ listen: [{}, { unix: file }], upstreams: {}, routes: ROUTES }).listen
  for (const file of [dead, live, text, join(folder, 'none.sock')]) await clearDeadSockets(configOf(file))
  t.same(
    [dead, live, text].map((file) => existsSync(file)),
    [false, true, true],
  )

  const { urls } = await start(t, [{ unix: dead }])
  t.equal((await askAt(urls[0])).status, 200)
  await clearDeadSockets(configOf(dead))
  t.equal((await askAt(urls[0])).status, 200, 'our own is alive')
  for (const [file, message] of [
    [live, /live\.sock is in use: a process listens on it \(listen\[1\]\.unix\)$/],
    [text, /text is there and is no socket \(listen\[1\]\.unix\)$/],
  ] as const) {
    const error = await start(t, [{}, { unix: file }]).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    t.ok(error instanceof CannotStart)
    t.match(error, { message, option: ['listen', 1, 'unix'] })
  }
})

const ROUTES = [{ path: '/*', upstream: 'up', auth: 'none' }]

t.test('where one address cannot be listened at, none is', async (t) => {
  const [first, taken] = [await freePort(), await freePort()]
  const server = createServer().listen(taken, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  await t.rejects(start(t, [{ port: first }, { port: taken }]), {
    message: `port ${taken} of 127.0.0.1 is in use (listen[1].port)`,
    option: ['listen', 1, 'port'],
  })
  await t.rejects(askAt(`http://127.0.0.1:${first}`), { message: 'ECONNREFUSED' })
  await t.rejects(start(t, [{ host: '192.0.2.1', port: first }]), {
    message: `port ${first} of 192.0.2.1 cannot be listened on (EADDRNOTAVAIL) (listen.host)`,
    option: ['listen', 0, 'host'],
  })
  await t.rejects(start(t, [{ systemd: 'web' }]), {
    message: 'systemd handed over no socket named web: it handed over none (listen.systemd)',
    option: ['listen', 0, 'systemd'],
  })
})
