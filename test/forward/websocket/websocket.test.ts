import t from 'tap'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import { startTestGateway, type Teardown, type TestGatewayParts } from '../../support/test-gateway.ts'
import { authResultOf, headerValues } from '../../support/recording-upstream.ts'
import { hmacIssuer, signHmac } from '../../support/tokens.ts'
import { closeOf, openWebSocket, rawHandshake, startWebSocketUpstream } from '../../support/websocket.ts'

const FROM = [{ header: 'authorization', scheme: 'Bearer' }, { cookie: 'token' }, { websocketProtocol: 'bearer' }]

async function start(
  t: Teardown,
  target: string,
  route: Record<string, unknown> = {},
  options: Record<string, unknown> = {},
  parts: TestGatewayParts = {},
) {
  return startTestGateway(
    t,
    {
      issuers: [hmacIssuer()],
      tokens: { from: FROM },
      upstreams: { up: { targets: [target] } },
      routes: [{ path: '/ws/*', upstream: 'up', websocket: true, ...route }],
      ...options,
    },
    parts,
  )
}

const bearer = async (claims = {}) => ({ headers: { authorization: `Bearer ${await signHmac(claims)}` } })

t.test('messages cross as they are, text and binary, small and large, in order', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { url } = await start(t, upstream.url)
  const { socket, status } = await openWebSocket(`${url}/ws/echo?x=1&x=%2F`, [], await bearer())
  t.equal(status, 101)
  const received: (string | Buffer)[] = []
  socket.on('message', (data: Buffer, binary) => received.push(binary ? data : data.toString()))
  const sent = [
    'hello',
    Buffer.from([0, 1, 254, 255]),
    '',
    Buffer.alloc(0),
    'ü'.repeat(70_000),
    Buffer.alloc(900_000, 7),
  ]
  for (const message of sent) socket.send(message)
  while (received.length < sent.length) await once(socket, 'message')
  t.same(received, sent)
  t.equal(upstream.handshakes[0]?.url, '/ws/echo?x=1&x=%2F')
  socket.terminate()
})

t.test(
  'the upstream’s handshake says who calls, carries the request id, and nothing the client may not say',
  async (t) => {
    const upstream = await startWebSocketUpstream(t)
    const { url } = await start(t, upstream.url, { rewrite: '/inner/*' })
    const { socket } = await openWebSocket(`${url}/ws/a`, [], {
      headers: {
        ...(await bearer()).headers,
        'x-auth-result': 'EVIL',
        X_Auth_Result: 'EVIL',
        'x-forwarded-for': '6.6.6.6',
        'x-request-id': 'from-the-client',
        'x-other': 'kept',
      },
    })
    const [handshake] = upstream.handshakes
    const recorded =
      handshake === undefined
        ? undefined
        : {
            ...handshake,
            rawHeaders: handshake.rawHeaders,
            headers: handshake.headers,
            method: 'GET',
            url: handshake.url ?? '',
            body: Buffer.alloc(0),
          }
    t.equal(handshake?.url, '/inner/a')
    t.equal(headerValues(recorded, 'x-auth-result').length, 1)
    t.equal(authResultOf(recorded)?.['subject'], 'alice')
    t.same(
      Object.keys(handshake?.headers ?? {}).filter((name) => name.includes('_')),
      [],
    )
    t.equal(handshake?.headers['x-forwarded-for'], '127.0.0.1')
    t.equal(handshake?.headers['x-request-id'], 'from-the-client')
    t.equal(handshake?.headers['x-other'], 'kept')
    t.equal(handshake?.headers['sec-websocket-extensions'], undefined, 'extensions are not negotiated through')
    socket.terminate()
  },
)

t.test('a handshake is admitted like any other request, and refused before the upstream is asked', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { url } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: '/ws', upstream: 'up', websocket: true },
      { path: '/scoped', upstream: 'up', websocket: true, require: { scopes: { all: ['talk'] } } },
      { path: '/plain', upstream: 'up' },
      { path: '/hosted', upstream: 'up', websocket: true, hosts: ['elsewhere.example.com'] },
    ],
  })
  const past = Math.floor(Date.now() / 1000) - 100
  const cases: readonly [string, string, Record<string, string>, number, string][] = [
    ['no token', '/ws', {}, 401, 'token_missing'],
    ['an expired token', '/ws', (await bearer({ iat: past - 10, exp: past })).headers, 401, 'token_expired'],
    ['garbage', '/ws', { authorization: 'Bearer x' }, 401, 'token_malformed'],
    ['a scope is missing', '/scoped', (await bearer()).headers, 403, 'scope_missing'],
    ['the route takes none', '/plain', (await bearer()).headers, 400, 'request_invalid'],
    ['no route', '/nowhere', (await bearer()).headers, 404, 'route_not_found'],
    ['another host', '/hosted', (await bearer()).headers, 404, 'route_not_found'],
  ]
  for (const [name, path, headers, status, code] of cases) {
    const answer = await openWebSocket(`${url}${path}`, [], { headers })
    t.equal(answer.status, status, name)
    t.equal(answer.code, code, name)
    t.match(answer.body, `"code":"${code}"`, name)
  }
  t.same(upstream.handshakes, [])
})

t.test('optional routes take anonymous callers and open ones say nothing', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { url } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: '/optional', upstream: 'up', websocket: true, auth: 'optional' },
      { path: '/open', upstream: 'up', websocket: true, auth: 'none' },
    ],
  })
  for (const path of ['/optional', '/open']) {
    const { status, socket } = await openWebSocket(url + path, [], { headers: { 'x-auth-result': 'EVIL' } })
    t.equal(status, 101)
    socket.terminate()
  }
  const [optional, open] = upstream.handshakes
  t.equal(optional?.headers['x-auth-result'], Buffer.from('{"authenticated":false}').toString('base64url'))
  t.equal(open?.headers['x-auth-result'], undefined)
})

t.test('a plain request to a WebSocket route is forwarded as ever', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { url } = await start(t, upstream.url)
  const answer = await fetch(`${url}/ws/a`, await bearer())
  t.equal(await answer.text(), 'plain')
})

t.test('the subprotocol is the upstream’s choice', async (t) => {
  const choosing = await startWebSocketUpstream(t, { handleProtocols: (offered) => [...offered].at(-1) ?? false })
  const silent = await startWebSocketUpstream(t, { handleProtocols: () => false })
  const chosen = await openWebSocket(`${(await start(t, choosing.url)).url}/ws/a`, ['v1', 'v2'], await bearer())
  t.equal(chosen.socket.protocol, 'v2')
  chosen.socket.terminate()

  const { port } = await start(t, silent.url)
  const { answer } = await rawHandshake(port, [
    'Sec-WebSocket-Protocol: v1, v2',
    `Authorization: ${(await bearer()).headers.authorization}`,
  ])
  t.match(answer, /^HTTP\/1.1 101 /)
  t.notMatch(answer, /sec-websocket-protocol/i, 'none was chosen, none is told')
})

t.test('a token may come as a subprotocol, and goes no further', async (t) => {
  const upstream = await startWebSocketUpstream(t, { handleProtocols: (offered) => [...offered][0] ?? false })
  const { url, lines } = await start(t, upstream.url)
  const token = await signHmac()
  const alone = await openWebSocket(`${url}/ws/a`, ['bearer', token])
  t.equal(alone.socket.protocol, 'bearer', 'a browser fails when none of its protocols is chosen')
  const beside = await openWebSocket(`${url}/ws/a`, ['chat', 'bearer', token])
  t.equal(beside.socket.protocol, 'chat')
  t.same(
    upstream.handshakes.map(({ headers }) => headers['sec-websocket-protocol']),
    [undefined, 'chat'],
  )
  t.ok(upstream.handshakes.every(({ headers }) => headers['x-auth-result'] !== undefined))
  const bad = await openWebSocket(`${url}/ws/a`, ['bearer', 'abc'])
  t.equal(bad.code, 'token_malformed')
  for (const { socket } of [alone, beside]) {
    socket.terminate()
    await closeOf(socket)
  }
  t.notMatch(JSON.stringify(lines), token.split('.')[2] ?? 'x')
})

t.test('pages of other origins cannot use a visitor’s cookie', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const own = await start(t, upstream.url)
  const listed = await start(t, upstream.url, { origins: ['https://app.example.com'] })
  const cookie = `token=${await signHmac()}`
  const cases: readonly [string, string, Record<string, string>, number][] = [
    ['the own origin', own.url, { cookie, origin: own.url }, 101],
    ['no browser', own.url, { cookie }, 101],
    ['another origin', own.url, { cookie, origin: 'https://evil.example.com' }, 403],
    ['an opaque origin', own.url, { cookie, origin: 'null' }, 403],
    ['an own origin with another port', own.url, { cookie, origin: 'http://127.0.0.1:1' }, 403],
    ['a listed origin', listed.url, { cookie, origin: 'https://app.example.com' }, 101],
    ['the own origin where others are listed', listed.url, { cookie, origin: listed.url }, 403],
    [
      'another origin with a token of its own',
      own.url,
      { ...(await bearer()).headers, origin: 'https://evil.example.com' },
      101,
    ],
  ]
  for (const [name, url, headers, status] of cases) {
    const answer = await openWebSocket(`${url}/ws/a`, [], { headers })
    t.equal(answer.status, status, name)
    if (status === 403) t.equal(answer.code, 'origin_forbidden', name)
    answer.socket.terminate()
  }
})

t.test(
  '101 is said only after the upstream said it: its refusal, silence and nonsense reach the client as answers',
  async (t) => {
    const refusing = createServer((_request, response) => response.writeHead(403, { 'x-why': 'no' }).end('not you'))
    const hanging = createServer(() => undefined).on('upgrade', () => undefined)
    const lying = createServer().on('upgrade', (_request, socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      )
    })
    const targets = new Map<string, string>([['down', 'http://127.0.0.1:1']])
    for (const [name, server] of Object.entries({ refusing, hanging, lying })) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.teardown(() => {
        server.closeAllConnections()
        server.close()
      })
      targets.set(name, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    }
    const cases: readonly [string, number, string | undefined][] = [
      ['refusing', 403, undefined],
      ['hanging', 504, 'upstream_timeout'],
      ['lying', 502, 'upstream_invalid'],
      ['down', 502, 'upstream_unreachable'],
    ]
    for (const [name, status, code] of cases) {
      const { url } = await start(t, targets.get(name) ?? '', { timeouts: { headers: '300ms' } })
      const answer = await openWebSocket(`${url}/ws/a`, [], await bearer())
      t.equal(answer.status, status, name)
      t.equal(answer.code, code, name)
      if (name === 'refusing') t.equal(answer.body, 'not you')
    }
  },
)
