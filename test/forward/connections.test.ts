// How targets are connected to: over TLS to whom the config names, over sockets of the file system, and to where names lead now.
import t from 'tap'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'

import { createCaller } from '../support/fake-upstream.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { makeCertificate } from '../support/certificates.ts'
import { requireComponent } from '../support/require-component.ts'
import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { startTestGateway, testConfig, type Teardown } from '../support/test-gateway.ts'
import { waitFor } from '../support/wait-for.ts'
import { createTransport } from '../../gateway/src/forward/transport/create-transport.ts'

const hasOpenssl = requireComponent(t, 'openssl', '/usr/bin/openssl')
const route = { path: '/*', upstream: 'up', auth: 'none' }
const ask = (port: number, host = 'a') =>
  sendRaw(port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, 3000)

async function startTls(t: Teardown, options: Parameters<typeof createServer>[0]) {
  const names: unknown[] = []
  const server = createServer(options as object, (request, response) => {
    const socket = request.socket as TLSSocket & { servername?: string }
    names.push(socket.servername)
    response.end(`host=${request.headers.host} client=${String(socket.getPeerCertificate().subject?.CN)}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, names }
}

t.test(
  'with preserveHost the certificate is still verified for the target: what a client says is no name to trust',
  { skip: !hasOpenssl },
  async (t) => {
    const { cert, key } = makeCertificate(t.testdir({}), 'localhost')
    const { port: upstream, names } = await startTls(t, { cert: readFileSync(cert), key: readFileSync(key) })
    for (const servername of [undefined, 'localhost']) {
      const host = servername === undefined ? 'localhost' : '127.0.0.1'
      const { port } = await startTestGateway(t, {
        upstreams: {
          up: {
            targets: [`https://${host}:${upstream}`],
            preserveHost: true,
            tls: { ca: cert, ...(servername === undefined ? {} : { servername }) },
          },
        },
        routes: [route],
      })
      for (const asked of ['shop.example.com', 'evil.example.com']) t.match(await ask(port, asked), `host=${asked}`)
    }
    t.same(new Set(names), new Set(['localhost']), 'and it is asked for by that name')
  },
)

t.test('a client certificate is shown to who wants one', { skip: !hasOpenssl }, async (t) => {
  const directory = t.testdir({})
  const [server, client] = [makeCertificate(directory, 'localhost'), makeCertificate(directory, 'gateway')]
  const { port: upstream } = await startTls(t, {
    cert: readFileSync(server.cert),
    key: readFileSync(server.key),
    ca: readFileSync(client.cert),
    requestCert: true,
    rejectUnauthorized: true,
  })
  const start = (tls: Record<string, string>) =>
    startTestGateway(t, {
      upstreams: { up: { targets: [`https://localhost:${upstream}`], tls: { ca: server.cert, ...tls }, retries: 0 } },
      routes: [route],
    })
  t.match(await ask((await start({ cert: client.cert, key: client.key })).port), /client=gateway/)
  t.equal(statusOf(await ask((await start({})).port)), 502)
})

t.test('a socket of the file system is a target like any other', async (t) => {
  // Not in t.testdir(): its names are longer than a socket's may be.
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'up.sock')
  const server = createHttpServer((request, response) => response.end(`host=${request.headers.host}`))
  server.listen(path)
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = await startTestGateway(t, {
    upstreams: { up: { targets: [`unix:${path}`] }, none: { targets: [`unix:${path}.missing`], retries: 0 } },
    routes: [route, { path: '/none', upstream: 'none', auth: 'none' }],
  })
  t.match(await ask(port), /host=localhost$/)
  const answer = await sendRaw(port, 'GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  t.equal(codeOf(answer), 'upstream_unreachable')
  t.notMatch(answer, /sock/)
})

t.test('names are looked up again, also while a response of before is still under way', async (t) => {
  const servers = await Promise.all(
    ['127.0.0.1', '127.0.0.2'].map(async (address, index, all) => {
      const server = createHttpServer((request, response) => {
        response.write(`${address};`)
        if (request.url !== '/long') response.end()
      })
      return { server, address, first: index === 0, all }
    }),
  )
  const [one, two] = servers
  if (one === undefined || two === undefined) return
  one.server.listen(0, one.address)
  await once(one.server, 'listening')
  const { port } = one.server.address() as AddressInfo
  two.server.listen(port, two.address)
  await once(two.server, 'listening')
  t.teardown(() => {
    for (const { server } of servers) {
      server.closeAllConnections()
      server.close()
    }
  })
  const clock = createFakeClock()
  let address = '127.0.0.1'
  let lookups = 0
  const up = testConfig({
    upstreams: { up: { targets: [`http://things.test:${port}`], dnsRefresh: '30s' } },
    routes: [route],
  }).upstreams['up']
  if (up === undefined) return
  const transport = createTransport(`http://things.test:${port}`, up, {
    clock,
    schedule: clock.schedule,
    maxHeadBytes: 65_536,
    lookup: (_name, _options, callback) => {
      lookups += 1
      callback(null, [{ address, family: 4 }])
    },
  })
  const get = async (path = '/') => {
    let text = ''
    const caller = {
      ...createCaller(),
      onBody: (chunk: Buffer) => {
        text += chunk.toString()
        return true
      },
    }
    let abort = (): void => undefined
    caller.onSent = (given) => (abort = given)
    transport.send(
      { method: 'GET', path, headers: [], body: null, upgrade: null, connectTimeoutMs: 2000, headersTimeoutMs: 1000 },
      caller,
    )
    await waitFor(() => text.includes(';'))
    return { text, abort, events: caller.events }
  }
  const long = await get('/long')
  t.equal((await get()).text, '127.0.0.1;')
  address = '127.0.0.2'
  t.equal((await get()).text, '127.0.0.1;', 'not at once')
  const before = lookups
  await clock.advance(30_000)
  t.equal((await get()).text, '127.0.0.2;')
  t.equal(lookups, before + 1)
  t.same(long.events, ['200'], 'what was under way goes on')
  await clock.advance(5000)
  t.equal(clock.pending, 1, 'idle connections are closed, and nobody looks after them any more')
  long.abort()
  await transport.close()
  t.equal(clock.pending, 0)
})
