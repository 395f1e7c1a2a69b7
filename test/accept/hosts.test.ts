// Hosts as clients really send them, over a socket: which are none, and which route they choose.
import t from 'tap'

import { closed, open, startAskable as start } from '../support/ask-gateway.ts'
import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer } from '../support/tokens.ts'
import { startWebSocketUpstream } from '../support/websocket.ts'

t.test('a Host that is none is refused (RFC 9112 section 3.2)', async (t) => {
  const { ask } = await start(t, [open('/*')])
  for (const host of [
    ...['', ' ', 'a b', 'a@b', 'user@a', 'a/b', 'a:b', ':80', ':80:', 'a:80:80', 'a:99999', 'a:-1', 'a,b', 'a?b'],
    ...['a#b', 'a\\b', '[::1', '::1', '[::g]', '[]', '[::1]x', '[fe80::1%25eth0]', '.', '..', 'a..', '.a', 'a..b'],
    ...['a%62', '<a>', 'a"b', 'a|b', 'a^b', 'é', `${'a.'.repeat(127)}abc`],
  ])
    t.equal(await ask('/', { host }), '400 request_invalid', JSON.stringify(host))
  for (const host of [
    'a',
    'A.b',
    'a.',
    'a:',
    'a:0',
    'a.:8080',
    'a_b',
    '127.0.0.1',
    '[::1]',
    '[::1]:80',
    '[::FFFF:1.2.3.4]',
  ])
    t.equal(await ask('/', { host }), '/', host)
})

t.test('routes, WebSockets and preflights choose by the same name', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const cors = (origin: string) => ({ origins: [origin] })
  const { port } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      closed('/*', { hosts: ['secure.test', '[::1]'], websocket: true, cors: cors('https://secure.test') }),
      closed('/*', { hosts: ['quiet.test'] }),
      open('/*', { hosts: ['open.test'], websocket: true, cors: cors('https://open.test') }),
      open('/*', { websocket: true }),
    ],
  })
  const hosts = [
    ['secure.test', 'token_missing', 'https://secure.test'],
    ['SECURE.test:80', 'token_missing', 'https://secure.test'],
    ['secure.test.', 'token_missing', 'https://secure.test'],
    ['secure.test.:8080', 'token_missing', 'https://secure.test'],
    ['[0:0:0::1]', 'token_missing', 'https://secure.test'],
    ['quiet.test', 'token_missing', undefined],
    ['open.test.', undefined, 'https://open.test'],
    ['else.test', undefined, undefined],
  ] as const
  for (const [host, code, origin] of hosts) {
    const lines = (more: string) => `Host: ${host}\r\nConnection: close\r\n${more}\r\n`
    t.equal(codeOf(await sendRaw(port, `GET /x HTTP/1.1\r\n${lines('')}`, 1000)), code, `GET at ${host}`)
    const handshake =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
    const upgraded = await sendRaw(port, `GET /x HTTP/1.1\r\nHost: ${host}\r\n${handshake}\r\n`)
    if (host === 'quiet.test') t.equal(codeOf(upgraded), 'request_invalid', 'a route without WebSockets')
    else t.equal(codeOf(upgraded) ?? String(statusOf(upgraded)), code ?? '101', `WebSocket at ${host}`)
    const preflight = await sendRaw(
      port,
      `OPTIONS /x HTTP/1.1\r\n${lines('Origin: https://secure.test\r\nAccess-Control-Request-Method: GET\r\n')}`,
      1000,
    )
    const allowed = /^access-control-allow-origin: (.*)\r$/m.exec(preflight)?.[1]
    t.equal(allowed, origin === 'https://secure.test' ? origin : undefined, `preflight at ${host}`)
  }
})

t.test(
  'a wildcard stands for the names below it; the narrowest host wins, on as many hosts as there are',
  async (t) => {
    const many = Array.from({ length: 200 }, (_, index) => `h${index}.many.test`)
    const { ask } = await start(t, [
      open('/x', { rewrite: '/any' }),
      open('/x', { hosts: ['*.example.com'], rewrite: '/wide' }),
      open('/x', { hosts: ['*.shop.example.com', '*.org'], rewrite: '/narrow' }),
      open('/x', { hosts: ['www.shop.example.com'], rewrite: '/name' }),
      ...many.map((host, index) => open('/x', { hosts: [host], rewrite: `/many/${index}` })),
    ])
    const cases = [
      ['a.example.com', '/wide'],
      ['A.B.Example.Com.:80', '/wide'],
      ['example.com', '/any'],
      ['xexample.com', '/any'],
      ['shop.example.com', '/wide'],
      ['a.shop.example.com', '/narrow'],
      ['www.shop.example.com', '/name'],
      ['www.shop.example.com.', '/name'],
      ['a.b.c.org', '/narrow'],
      ['*.example.com', '/wide'],
      ['h0.many.test', '/many/0'],
      ['h199.many.test', '/many/199'],
      ['[::1]', '/any'],
    ] as const
    for (const [host, expected] of cases) t.equal(await ask('/x', { host }), expected, host)
  },
)
