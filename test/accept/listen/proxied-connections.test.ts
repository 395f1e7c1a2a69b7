// The PROXY protocol over real sockets: who may send it, what becomes of the client's address, and the proxies themselves.
import t from 'tap'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'

import { makeCertificate } from '../../support/certificates.ts'
import { eventually } from '../../support/eventually.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { addressIn, askAt, freePort } from '../../support/listeners.ts'
import { v2Header } from '../../support/proxy-header.ts'
import { openRaw } from '../../support/raw-connection.ts'
import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import { requireComponent } from '../../support/require-component.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { ISSUER, SECRET } from '../../support/tokens.ts'
import { waitFor } from '../../support/wait-for.ts'

const V1 = 'PROXY TCP4 192.0.2.1 198.51.100.7 56789 443\r\n'
const GET = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const FOUR = [192, 0, 2, 2, 198, 51, 100, 7, 0xdd, 0xd5, 0x01, 0xbb]

async function start(t: Teardown, listen: readonly object[], more: object = {}, parts: object = {}) {
  const upstream = await startUpstream(t)
  const started = await startTestGateway(
    t,
    {
      listen,
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
      ...more,
    },
    parts,
  )
  const clientOf = (path: string) => started.lines.findLast((line) => line['path'] === path)?.['client']
  const sentFor = (path: string) =>
    headerValues(
      upstream.requests.find(({ url }) => url === path),
      'x-forwarded-for',
    )
  const refusals = () => started.lines.filter(({ message }) => String(message).includes('without a PROXY header'))
  const counts = async () =>
    Object.fromEntries<number>(
      [...(await started.gateway.metrics.text()).matchAll(/proxy_protocol_refused_total{reason="(\w+)"} (\d+)/g)].map(
        ([, reason = '', count]): [string, number] => [reason, Number(count)],
      ),
    )
  return { ...started, upstream, clientOf, sentFor, refusals, counts }
}

const LOCAL = { from: ['127.0.0.0/8'] }

for (const parser of ['auto', 'node'])
  t.test(
    `${parser}: the client is the one of the header, in the log and for upstreams, however it is cut`,
    async (t) => {
      const { port, clientOf, sentFor, gateway } = await start(t, [{ parser, proxyProtocol: LOCAL }])
      const cases: readonly [string, Buffer, string][] = [
        ['/v1', Buffer.from(V1), '192.0.2.1'],
        ['/v2', v2Header({ family: 0x11, addresses: FOUR, checksum: true }), '192.0.2.2'],
        ['/unknown', Buffer.from('PROXY UNKNOWN\r\n'), '127.0.0.1'],
        ['/local', v2Header({ command: 0x20, family: 0, addresses: [] }), '127.0.0.1'],
      ]
      for (const [path, header, client] of cases)
        for (const way of ['whole', 'bytes', 'apart']) {
          const raw = await openRaw(t, port)
          const target = `${path}/${way}`
          const all = Buffer.concat([header, Buffer.from(GET(target))])
          if (way === 'whole') raw.write(all)
          else if (way === 'apart') {
            raw.write(header)
            raw.write(GET(target))
          } else
            for (const byte of all) {
              raw.socket.write(Buffer.from([byte]))
              await new Promise(setImmediate)
            }
          await raw.until(/ok":true}/)
          t.same([clientOf(target), sentFor(target)], [client, [client]], target)
          raw.write(GET(`${target}/again`))
          await waitFor(() => clientOf(`${target}/again`) !== undefined)
          t.equal(clientOf(`${target}/again`), client, 'of all requests of the connection')
          raw.socket.end()
          await waitFor(() => raw.closed())
        }
      await waitFor(() => gateway.listeners.connections === 0)
    },
  )

t.test('faults, limits and forwarding headers go by the client of the header', async (t) => {
  const { port, lines, sentFor } = await start(t, [{ proxyProtocol: LOCAL }], {
    proxy: { trustedProxies: ['192.0.2.1'] },
    limits: { authFailures: { max: 1 } },
    issuers: [{ name: 'main', issuer: ISSUER, algorithms: ['HS256'], keys: { secret: { value: SECRET } } }],
    routes: [
      { path: '/*', upstream: 'up', auth: 'none' },
      { path: '/in', upstream: 'up' },
    ],
  })
  const send = async (header: string | Buffer, rest: string) => {
    const raw = await openRaw(t, port)
    raw.write(Buffer.concat([Buffer.from(header), Buffer.from(rest)]))
    const text = await raw.until(/\r\n\r\n/)
    return Number(text.split(' ')[1])
  }
  const other = v2Header({ family: 0x11, addresses: FOUR })
  t.equal(await send(other, 'nonsense\r\n\r\n'), 400)
  t.match(lines.at(-1), { code: 'request_invalid', client: '192.0.2.2' })
  const withToken = () => `GET /in HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x${Math.random()}\r\n\r\n`
  t.same([await send(other, withToken()), await send(other, withToken())], [401, 429])
  t.equal(await send('PROXY TCP4 192.0.2.3 198.51.100.7 1 2\r\n', withToken()), 401, 'another client')
  const forwarded = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n`
  await send(V1, forwarded('/trusted'))
  await send(other, forwarded('/untrusted'))
  t.same(sentFor('/trusted'), ['203.0.113.9, 192.0.2.1'], 'a trusted proxy behind the load balancer')
  t.same(sentFor('/untrusted'), ['192.0.2.2'])
})

t.test('who may not send a header is closed unread, and so is what sends none, or something else', async (t) => {
  const clock = createFakeClock()
  const listen = [{ proxyProtocol: { from: ['192.0.2.9', 'unix:'] } }, { proxyProtocol: LOCAL }]
  const { gateway, upstream, refusals, counts } = await start(t, listen, {}, { clock, schedule: clock.schedule })
  const [untrusted, trusted] = gateway.listeners.urls.map(addressIn)
  const sent = async (to: typeof trusted, bytes: string | Buffer) => {
    const raw = await openRaw(t, to ?? 0)
    raw.write(bytes)
    await waitFor(() => raw.closed())
    return raw.received()
  }
  t.equal(await sent(untrusted, V1 + GET('/')), '')
  t.match(refusals().at(-1), { client: '127.0.0.1', reason: 'the peer is not named in proxyProtocol.from' })
  t.equal(await sent(trusted, GET('/')), '')
  t.match(refusals().at(-1), { client: '127.0.0.1', reason: 'fault: no header of the PROXY protocol' })
  t.equal(await sent(trusted, V1.replace('56789', '99999') + GET('/')), '')
  t.same(await counts(), { untrusted: 1, malformed: 2 })

  const half = await openRaw(t, trusted ?? 0)
  half.write(V1.slice(0, 9))
  half.socket.end()
  await waitFor(() => half.closed())
  t.match(refusals().at(-1), { reason: 'fault: the connection ended within the header' })
  const check = await openRaw(t, trusted ?? 0)
  check.socket.end()
  await waitFor(() => check.closed())
  t.equal(refusals().length, 4, 'a connection that is opened and closed is told nobody')

  const slow = await openRaw(t, trusted ?? 0)
  slow.write(V1.slice(0, 9))
  const silent = await openRaw(t, trusted ?? 0)
  await waitFor(() => gateway.listeners.connections === 2)
  await clock.advance(2999)
  t.notOk(slow.closed() || silent.closed())
  await clock.advance(1)
  await waitFor(() => slow.closed() && silent.closed())
  t.same(await counts(), { untrusted: 1, malformed: 3, timeout: 2 })
  t.equal(upstream.requests.length, 0)
  t.equal(gateway.listeners.connections, 0)
})

const hasOpenssl = requireComponent(t, 'openssl', '/usr/bin/openssl')

t.test('the header comes before TLS', { skip: !hasOpenssl }, async (t) => {
  const tls = makeCertificate(t.testdir({}), 'gateway.internal')
  for (const parser of ['auto', 'node']) {
    const { port, clientOf, sentFor, gateway } = await start(t, [{ parser, tls, proxyProtocol: LOCAL }])
    for (const way of ['together', 'apart']) {
      const raw = await openRaw(t, port)
      raw.write(V1)
      if (way === 'apart') await waitFor(() => gateway.listeners.connections === 1)
      const client = connectTls({ socket: raw.socket, rejectUnauthorized: false })
      client.write(GET(`/${way}`))
      await waitFor(() => clientOf(`/${way}`) !== undefined)
      t.same([clientOf(`/${way}`), sentFor(`/${way}`)], ['192.0.2.1', ['192.0.2.1']], `${parser}: ${way}`)
      client.destroy()
      await waitFor(() => gateway.listeners.connections === 0)
    }
  }
})

function spawnProxy(t: Teardown, program: string, args: readonly string[]): void {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
}

/** The gateway sees 127.0.0.2 as the client, through a proxy that itself is 127.0.0.1. */
async function throughProxy(port: number): Promise<void> {
  const from = { localAddress: '127.0.0.2', headers: { host: 'a' } }
  const ask = () =>
    askAt(`http://127.0.0.1:${port}`, '/through', from).then(
      ({ status }) => status === 200,
      () => false,
    )
  await eventually(ask, 'the proxy serves')
}

function shortFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'tg-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

const hasHaproxy = requireComponent(t, 'haproxy', '/usr/sbin/haproxy')

t.test('a real HAProxy says who its clients are, in both versions', { skip: !hasHaproxy }, async (t) => {
  for (const option of ['send-proxy', 'send-proxy-v2', 'send-proxy-v2 proxy-v2-options crc32c,unique-id']) {
    const { port, clientOf, sentFor, refusals } = await start(t, [{ proxyProtocol: LOCAL }])
    const [file, own] = [join(shortFolder(t), 'haproxy.cfg'), await freePort()]
    writeFileSync(
      file,
      'defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 5s\n  timeout server 5s\n' +
        `frontend in\n  bind 127.0.0.1:${own}\n  default_backend out\n` +
        `backend out\n  server gateway 127.0.0.1:${port} ${option} check\n`,
    )
    spawnProxy(t, '/usr/sbin/haproxy', ['-db', '-q', '-f', file])
    await throughProxy(own)
    t.same([clientOf('/through'), sentFor('/through')], ['127.0.0.2', ['127.0.0.2']], option)
    t.same(refusals(), [], `${option}: its health checks are no fault`)
  }
})

const STREAM = '/usr/lib/nginx/modules/ngx_stream_module.so'
const hasNginx = requireComponent(t, 'nginx', '/usr/sbin/nginx')
const isThere = (file: string) => {
  try {
    return readFileSync(file).length > 0
  } catch {
    return false
  }
}

// Without it, where everything must be there, nginx does not start.
const hasStream = isThere(STREAM) || process.env['CI'] === 'true'
if (!hasStream) process.stderr.write(`\n*** SKIPPED: ${STREAM} is not there; nothing is proved of nginx ***\n\n`)

t.test('a real nginx does so too', { skip: !hasNginx || !hasStream }, async (t) => {
  const { port, clientOf, sentFor } = await start(t, [{ proxyProtocol: LOCAL, parser: 'node' }])
  const [folder, own] = [shortFolder(t), await freePort()]
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `load_module ${STREAM};\ndaemon off;\nmaster_process off;\npid ${folder}/nginx.pid;\nerror_log stderr error;\nevents {}\n` +
      `stream { server { listen 127.0.0.1:${own}; proxy_pass 127.0.0.1:${port}; proxy_protocol on; } }\n`,
  )
  spawnProxy(t, '/usr/sbin/nginx', ['-p', folder, '-c', file])
  await throughProxy(own)
  t.same([clientOf('/through'), sentFor('/through')], ['127.0.0.2', ['127.0.0.2']])
})
