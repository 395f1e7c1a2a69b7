// Attack: an upgrade is used where the checks of plain requests do not reach. Amplifiers: resets while the gateway waits,
// requests that are upgrades in part only, upstreams that answer what nobody asked. Defence: one admission for both, a
// listener for errors before anything waits, and no byte passed on before both sides agreed.
import t from 'tap'
import { once } from 'node:events'
import { createHash } from 'node:crypto'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

import { settle } from '../support/fake-clock.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { createSigner, hmacIssuer, ISSUER, signHmac } from '../support/tokens.ts'
import { openWebSocket, rawHandshake, startWebSocketUpstream } from '../support/websocket.ts'

async function start(t: Teardown, target: string, route: Record<string, unknown> = {}) {
  return startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [target] } },
    routes: [
      { path: '/ws/*', upstream: 'up', websocket: true, auth: 'none', ...route },
      { path: '/plain/*', upstream: 'up', auth: 'none' },
    ],
  })
}

function handshakeText(headers: readonly string[] = []): string {
  return [
    'GET /ws/a HTTP/1.1',
    'Host: a',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
    '',
    '',
  ].join('\r\n')
}

/** An upstream that answers each connection's first bytes with these, and keeps the connection. */
async function startAnswering(t: Teardown, answer: (request: string, socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    socket.once('data', (data) => {
      answer(data.toString('latin1'), socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('a client that resets at any moment of the upgrade ends nothing but its own connection', async (t) => {
  const [known, rotated] = [await createSigner('ES256', 'known'), await createSigner('ES256', 'rotated')]
  let fetches = 0
  let release: () => void = () => undefined
  // A key that is being fetched, then an upstream that never answers: the gateway waits twice.
  const silent = await startAnswering(t, () => undefined)
  const { port, gateway, url } = await startTestGateway(
    t,
    {
      issuers: [
        { name: 'main', issuer: ISSUER, algorithms: ['ES256'], keys: { jwksUrl: 'https://issuer.example.com/jwks' } },
      ],
      upstreams: { up: { targets: [silent], connections: 1000 } },
      routes: [
        { path: '/ws/*', upstream: 'up', websocket: true },
        { path: '/open', upstream: 'up', auth: 'none', timeouts: { headers: '100ms' } },
      ],
    },
    {
      fetchJson: async () => {
        fetches += 1
        if (fetches > 1) await new Promise<void>((resolve) => (release = resolve))
        return { json: { keys: fetches > 1 ? [known.jwk, rotated.jwk] : [known.jwk] }, maxAgeSec: 60 }
      },
    },
  )
  const text = handshakeText([`Authorization: Bearer ${await rotated.sign()}`])
  for (const waitsFor of ['a key', 'the upstream']) {
    for (let round = 0; round < 250; round += 1) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(round % 3 === 0 ? text.slice(0, (round * 7) % text.length) : text)
      if (round % 2 === 0) await settle()
      socket.resetAndDestroy()
    }
    t.equal(fetches, 2, `250 resets while the gateway waits for ${waitsFor}`)
    release()
    await settle()
  }
  t.equal((await fetch(`${url}/open`, { headers: { connection: 'close' } })).status, 504, 'the process is alive')
  while (gateway.listeners.connections > 0) await settle()
  t.pass('no connection is left')
})

t.test('what is an upgrade in part only is refused, and the upstream never hears of it', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await start(t, upstream.url)
  const cases: readonly [string, Parameters<typeof rawHandshake>[2], readonly string[]][] = [
    ['a POST', { method: 'POST' }, []],
    ['a route without WebSockets', { path: '/plain/a' }, []],
    ['no key', { key: '' }, []],
    ['a short key', { key: 'c2hvcnQ=' }, []],
    ['a path that climbs', { path: '/ws/../plain' }, []],
    ['a body by length', {}, ['Content-Length: 5']],
    ['a body by chunks', {}, ['Transfer-Encoding: chunked']],
    ['two hosts', {}, ['Host: b']],
    ['two tokens', {}, ['Authorization: Bearer a', 'Authorization: Bearer b']],
  ]
  for (const [name, options, headers] of cases) {
    const { answer, closed } = await rawHandshake(port, headers, { ...options, quietMs: 1000 })
    t.equal(statusOf(answer), 400, name)
    t.ok(codeOf(answer), name)
    t.ok(closed, `${name}: the connection is closed`)
  }
  const version = handshakeText().replace('Version: 13', 'Version: 8')
  t.equal(statusOf(await sendRaw(port, version)), 426, 'another version')
  t.same(upstream.requests, [])
})

t.test('an upstream that switches though nobody asked, or to what nobody offered, is not believed', async (t) => {
  const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
  const switching = await startAnswering(t, (_request, socket) => socket.write(`${head}\r\n`))
  const { port } = await start(t, switching)
  const plain = await sendRaw(port, 'GET /plain/a HTTP/1.1\r\nHost: a\r\n\r\n')
  t.equal(statusOf(plain), 502, 'a plain request is not switched')

  const accepting = (more: string) =>
    startAnswering(t, (request, socket) => {
      const key = /sec-websocket-key: *(\S+)/i.exec(request)?.[1] ?? ''
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
      socket.write(`${head}Sec-WebSocket-Accept: ${accept}\r\n${more}\r\n`)
    })
  for (const [name, more, offered] of [
    ['an extension', 'Sec-WebSocket-Extensions: permessage-deflate\r\n', []],
    ['a protocol where none was offered', 'Sec-WebSocket-Protocol: v1\r\n', []],
    ['another protocol', 'Sec-WebSocket-Protocol: v3\r\n', ['Sec-WebSocket-Protocol: v1, v2']],
  ] as const) {
    const { port } = await start(t, await accepting(more))
    const { answer } = await rawHandshake(port, offered)
    t.equal(codeOf(answer), 'upstream_invalid', name)
  }
})

t.test('bytes behind the handshake are frames to the upstream’s WebSocket, never a request', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { port } = await start(t, upstream.url)
  const smuggled = 'GET /ws/admin HTTP/1.1\r\nHost: a\r\n\r\n'
  const answer = await sendRaw(port, handshakeText() + smuggled)
  t.match(answer, /^HTTP\/1\.1 101 /)
  t.equal(upstream.handshakes.length, 1)
  await settle()
  t.same(
    upstream.sockets.map(({ protocol }) => protocol),
    [''],
  )
  // An unmasked frame with reserved bits is a protocol error (RFC 6455 section 5.1).
  t.match(answer.slice(answer.indexOf('\r\n\r\n') + 4), /\x03[\xe8-\xff]/, 'the client hears a close')
})

t.test('WebSockets that come and go leave nothing behind', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { url, gateway } = await start(t, upstream.url, { auth: 'required' })
  const headers = { authorization: `Bearer ${await signHmac()}` }
  for (let round = 0; round < 30; round += 1) {
    const { socket } = await openWebSocket(`${url}/ws/a`, [], { headers })
    if (round % 3 === 0) socket.terminate()
    else if (round % 3 === 1) socket.close(1000)
    else upstream.sockets.at(-1)?.close(1000)
    await once(socket, 'close')
  }
  while (gateway.listeners.connections > 0 || upstream.closes.length < 30) await settle()
  while (!(await gateway.metrics.text()).includes('tollgate_requests_in_flight 0')) await settle()
  t.pass('no request is in flight')
})
