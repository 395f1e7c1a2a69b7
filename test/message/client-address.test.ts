// Attack: a client makes itself another one, to get past a limit or to have somebody else limited. Amplifiers: every spelling
// of an address, a quote left open, proxies that pass on what they were sent. Defence: only what trusted proxies appended counts.
import fc from 'fast-check'
import t from 'tap'
import type { IncomingMessage } from 'node:http'

import { createClientOf } from '../../gateway/src/message/client-address.ts'
import { createTrust } from '../../gateway/src/message/trusted-proxies.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { eventually } from '../support/eventually.ts'
import { sendRaw, statusOf } from '../support/raw-http.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'
import { rawHandshake } from '../support/websocket.ts'

const TRUSTED = ['10.0.0.0/8', '2001:db8:ffff::/48']

function clientOf(
  peer: string | undefined,
  headers: Record<string, string>,
  { trusted = TRUSTED, from = 'x-forwarded-for' }: { trusted?: string[]; from?: 'x-forwarded-for' | 'forwarded' } = {},
): string {
  const request = { socket: { remoteAddress: peer }, headers } as unknown as IncomingMessage
  return createClientOf({ isTrusted: createTrust(trusted), from })(request)
}

const PROXY = '10.0.0.1'

t.test('X-Forwarded-For: the rightmost hop that is no trusted proxy', async (t) => {
  const cases: readonly [name: string, header: string | undefined, client: string][] = [
    ['one hop', '203.0.113.7', '203.0.113.7'],
    ['what the client wrote itself is left of it', '1.1.1.1, 203.0.113.7', '203.0.113.7'],
    ['trusted proxies are passed over', '1.1.1.1, 203.0.113.7, 10.9.9.9, 10.0.0.2', '203.0.113.7'],
    ['a trusted address left of an untrusted one', '10.0.0.5, 203.0.113.7', '203.0.113.7'],
    // nginx, real_ip_recursive: the first of the list where all are trusted.
    ['all are trusted', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['no header', undefined, PROXY],
    ['an empty one', '', PROXY],
    // RFC 9110 section 5.6.1: empty elements of a list are ignored.
    ['empty elements', ' , 203.0.113.7 ,, ', '203.0.113.7'],
    // Azure Application Gateway appends the port.
    ['with a port', '203.0.113.7:55123', '203.0.113.7'],
    ['IPv6', '2001:db8::7', '2001:db8::7'],
    ['IPv6 in brackets', '[2001:db8::7]', '2001:db8::7'],
    ['IPv6 with a port', '[2001:db8::7]:443', '2001:db8::7'],
    ['IPv6 in another spelling is the same client', '2001:0DB8:0:0:0:0:0:7', '2001:db8::7'],
    ['IPv4 in IPv6', '::ffff:203.0.113.7', '203.0.113.7'],
    ['IPv4 in IPv6, in hex', '::ffff:cb00:7107', '203.0.113.7'],
    ['a trusted IPv6 proxy', '2001:db8::7, 2001:db8:ffff::1', '2001:db8::7'],
    ['a trusted proxy as IPv4 in IPv6', '203.0.113.7, ::ffff:10.0.0.2', '203.0.113.7'],
    // What cannot be read is nobody: the last address that was.
    ['unknown', 'unknown', PROXY],
    ['unknown behind a trusted hop', '203.0.113.7, unknown, 10.0.0.2', '10.0.0.2'],
    ['a name', 'host.example.com', PROXY],
    ['a number', '3405803783', PROXY],
    ['octal', '0313.0.0161.07', PROXY],
    ['a zone', 'fe80::1%eth0', PROXY],
    ['a port alone', ':80', PROXY],
    ['too many colons', '203.0.113.7:80:90', PROXY],
    ['brackets left open', '[2001:db8::7', PROXY],
    ['brackets around IPv4', '[203.0.113.7]', '203.0.113.7'],
  ]
  for (const [name, header, client] of cases)
    t.equal(clientOf(PROXY, header === undefined ? {} : { 'x-forwarded-for': header }), client, name)
})

t.test('Forwarded (RFC 7239): the same, by the `for` of each element', async (t) => {
  const cases: readonly [name: string, header: string, client: string][] = [
    ['one hop', 'for=203.0.113.7', '203.0.113.7'],
    // RFC 7239 section 4.
    ['in any case', 'For="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['among other parameters', 'proto=http;by=10.0.0.1;for=203.0.113.7;host=a', '203.0.113.7'],
    ['with blanks', ' by=10.0.0.1 ; for=203.0.113.7 ', '203.0.113.7'],
    ['the rightmost untrusted', 'for=1.1.1.1, for=203.0.113.7, for=10.0.0.2', '203.0.113.7'],
    ['a comma in quotes ends no element', 'for=203.0.113.7;host="a, for=6.6.6.6"', '203.0.113.7'],
    ['a for in quotes is none', 'host="a;for=6.6.6.6";for=203.0.113.7', '203.0.113.7'],
    ['an escaped quote', String.raw`host="a\";for=6.6.6.6";for=203.0.113.7`, '203.0.113.7'],
    ['a quote that the client left open', 'for="6.6.6.6, for=203.0.113.7', '203.0.113.7'],
    ['… before a quoted hop', 'for=6.6.6.6, for=", for="[2001:db8::7]"', '2001:db8::7'],
    ['unknown', 'for=203.0.113.7, for=unknown', PROXY],
    ['a hidden one', 'for=203.0.113.7, for="_gazonk"', PROXY],
    ['no for', 'for=203.0.113.7, proto=https', PROXY],
    ['two of them', 'for=203.0.113.7;for=6.6.6.6', PROXY],
    ['no parameters', '203.0.113.7', PROXY],
    ['a broken element', 'for=203.0.113.7;;=x', PROXY],
  ]
  for (const [name, header, client] of cases) t.equal(clientOf(PROXY, { forwarded: header }), client, name)
})

t.test('which header counts is not the client’s choice', async (t) => {
  const both = { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=203.0.113.8' }
  t.equal(clientOf(PROXY, both), '203.0.113.7', 'proxies that append to X-Forwarded-For pass Forwarded on as it came')
  t.equal(clientOf(PROXY, both, { from: 'forwarded' }), '203.0.113.8')
  t.equal(clientOf(PROXY, { 'x-forwarded-for': '203.0.113.7' }, { from: 'forwarded' }), PROXY)
  for (const peer of ['203.0.113.99', '::ffff:203.0.113.99'])
    t.equal(clientOf(peer, both), '203.0.113.99', `${peer} is no trusted proxy`)
  t.equal(clientOf(PROXY, both, { trusted: [] }), PROXY)
  t.equal(clientOf(undefined, both), '', 'a connection without an address')
})

t.test('whatever a client writes, what the proxies appended decides', async (t) => {
  const address = fc
    .oneof(fc.ipV4(), fc.ipV6())
    .filter((text) => clientOf(PROXY, { 'x-forwarded-for': text }) !== PROXY)
  const untrusted = address.filter((text) => !createTrust(TRUSTED)(clientOf(PROXY, { 'x-forwarded-for': text })))
  const proxies = fc.array(fc.constantFrom('10.1.2.3', '2001:db8:ffff::9', '10.0.0.9'), { maxLength: 4 })
  const wild = fc.string({ unit: fc.constantFrom(...'1:.,; "\\[]%=forx'), maxLength: 40 })
  fc.assert(
    fc.property(untrusted, proxies, wild, (client, via, lie) => {
      const expected = clientOf(PROXY, { 'x-forwarded-for': client })
      t.equal(clientOf(PROXY, { 'x-forwarded-for': [lie, client, ...via].join(', ') }), expected)
      const element = (hop: string) => `for="${hop.includes(':') ? `[${hop}]` : hop}"`
      t.equal(clientOf(PROXY, { forwarded: [lie, ...[client, ...via].map(element)].join(', ') }), expected)
    }),
  )
})

t.test('limits count, and the log names, the client behind a trusted proxy', async (t) => {
  const upstream = await startUpstream(t)
  const { port, lines } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    proxy: { trustedProxies: ['127.0.0.1'] },
    limits: { authFailures: { max: 2, per: '1m' } },
    routes: [
      { path: '/ws/*', upstream: 'up', websocket: true },
      { path: '/*', upstream: 'up' },
    ],
  })
  const bad = `Authorization: Bearer ${(await signHmac()).slice(0, -8)}AAAAAAAA`
  const get = async (...headers: string[]) =>
    statusOf(await sendRaw(port, ['GET / HTTP/1.1', 'Host: a', 'Connection: close', ...headers, '', ''].join('\r\n')))
  const from = (...hops: string[]) => hops.map((hop) => `X-Forwarded-For: ${hop}`)

  t.equal(await get(bad, ...from('203.0.113.7')), 401)
  t.equal(await get(bad, ...from('1.1.1.1', '203.0.113.7')), 401)
  t.equal(await get(bad, ...from('2.2.2.2', '203.0.113.7')), 429, 'a lie in front is no way out')
  const { answer } = await rawHandshake(port, [bad, ...from('203.0.113.7')])
  t.equal(statusOf(answer), 429, 'by WebSocket neither')
  t.equal(await get(bad, ...from('203.0.113.8')), 401, 'its neighbour is another client')
  const good = `Authorization: Bearer ${await signHmac()}`
  t.equal(await get(good, ...from('203.0.113.8')), 200)
  t.equal(await get(good, 'Forwarded: for=203.0.113.9'), 200)
  t.equal(await get(good), 200)
  const clients = () => lines.filter(({ message, msg }) => (message ?? msg) === 'request').map(({ client }) => client)
  await eventually(() => clients().length === 8, 'eight access lines')
  const [seven, eight] = ['203.0.113.7', '203.0.113.8']
  t.same(clients(), [seven, seven, seven, seven, eight, eight, '203.0.113.9', '127.0.0.1'])
})
