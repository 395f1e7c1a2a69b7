// The heads of a handshake: what the upstream says with its 101, and what is told to whom speaks another version.
import t from 'tap'

import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { startAnswering } from '../support/socket-upstream.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { rawHandshake } from '../support/websocket.ts'
import { acceptOf } from '../../gateway/src/forward/websocket/dialed-connection.ts'

const HEAD = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade, X-Hop']

/** Switches protocols with these lines as well, then says one text frame. */
function startSwitching(t: Teardown, lines: readonly string[]) {
  return startAnswering(t, (head) => {
    const key = /sec-websocket-key: *(\S+)/i.exec(head)?.[1] ?? ''
    return [...HEAD, `Sec-WebSocket-Accept: ${acceptOf(key)}`, ...lines, '', '\x81\x02hi'].join('\r\n')
  })
}

function start(
  t: Teardown,
  target: string,
  options: Record<string, unknown> = {},
  route: Record<string, unknown> = {},
) {
  return startTestGateway(t, {
    upstreams: { up: { targets: [target], ...options } },
    routes: [{ path: '/ws/*', upstream: 'up', websocket: true, auth: 'none', ...route }],
    proxy: { via: 'tollgate' },
  })
}

/** Name and values, for each name that came. */
function fieldsOf(answer: string): Record<string, string[]> {
  const fields: Record<string, string[]> = {}
  for (const line of answer.slice(0, answer.indexOf('\r\n\r\n')).split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    ;(fields[line.slice(0, colon).toLowerCase()] ??= []).push(line.slice(colon + 1).trim())
  }
  return fields
}

// RFC 6455 section 4.2.2 lets a server add fields to its 101, Set-Cookie by name; RFC 9110 section 7.6.1 says which end at a hop.
const SENT: readonly (readonly [name: string, values: readonly string[], told: readonly string[] | undefined])[] = [
  ['set-cookie', ['sid=1; Path=/; HttpOnly', 'lb=a, b'], ['sid=1; Path=/; HttpOnly', 'lb=a, b']],
  ['x-session', ['abc'], ['abc']],
  ['x-empty', [''], ['']],
  ['x-latin', ['gr\xfc\xdfe'], ['gr\xfc\xdfe']],
  ['date', ['Thu, 26 Nov 2026 10:00:00 GMT'], ['Thu, 26 Nov 2026 10:00:00 GMT']],
  ['server', ['up'], ['up']],
  ['via', ['1.1 inner'], ['1.1 inner', '1.1 tollgate']],
  ['x-auth-result', ['forged'], undefined],
  ['x_auth_result', ['forged'], undefined],
  ['x-tollgate', ['forged'], undefined],
  ['x-renewed-token', ['forged'], undefined],
  ['x-hop', ['named by connection'], undefined],
  ['keep-alive', ['timeout=5'], undefined],
  ['proxy-authenticate', ['Basic'], undefined],
  // RFC 9110 section 8.6: never in a 1xx.
  ['content-length', ['0'], undefined],
  ['sec-websocket-version', ['13'], undefined],
]

for (const transport of ['direct', 'undici'])
  t.test(
    `${transport}: what the upstream says with its 101 reaches the client, but for what is not its to say`,
    async (t) => {
      const lines = SENT.flatMap(([name, values]) => values.map((value) => `${name}: ${value}`))
      const upstream = await startSwitching(t, lines)
      const { port } = await start(t, upstream.url, { transport })
      const { answer } = await rawHandshake(port, ['X-Request-Id: from-the-client'], { quietMs: 300 })
      t.equal(statusOf(answer), 101)
      t.equal(answer.slice(answer.indexOf('\r\n\r\n') + 4), '\x81\x02hi', 'frames follow as they came')
      const fields = fieldsOf(answer)
      for (const [name, , told] of SENT) t.same(fields[name], told, name)
      t.same(fields['x-request-id'], ['from-the-client'])
      t.same(fields['connection'], ['Upgrade'])
      t.same(fields['upgrade'], ['websocket'])
      t.equal(fields['sec-websocket-accept']?.length, 1)
    },
  )

// RFC 6455 sections 4.2.2 and 4.4; RFC 9110 section 15.5.22: a 426 names the protocol in Upgrade.
t.test('another version is answered with the one that is spoken', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await start(t, upstream.url)
  const handshake = (...lines: string[]) =>
    ['GET /ws/a HTTP/1.1', 'Host: a', 'Upgrade: websocket', 'Connection: Upgrade', ...lines, '', ''].join('\r\n')
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
  for (const version of ['8', '7', '0', '14', '113', '13, 8', 'x', '', undefined]) {
    const name = `version ${version ?? 'none'}`
    const lines = version === undefined ? [key] : [key, `Sec-WebSocket-Version: ${version}`]
    const answer = await sendRaw(port, handshake(...lines))
    t.equal(statusOf(answer), 426, name)
    t.equal(codeOf(answer), 'websocket_version', name)
    const fields = fieldsOf(answer)
    t.same(fields['sec-websocket-version'], ['13'], name)
    t.same(fields['upgrade'], ['websocket'], name)
    t.same(fields['connection'], ['upgrade, close'], name)
  }
  t.equal(codeOf(await sendRaw(port, handshake('Sec-WebSocket-Version: 13'))), 'request_invalid', 'no key')
  t.same(upstream.requests, [])
})

t.test('a version is told to those alone who may come in', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await start(t, upstream.url, {}, { auth: 'required' })
  const { answer } = await rawHandshake(port, ['Sec-WebSocket-Version: 8'])
  t.equal(statusOf(answer), 401)
})

// RFC 9110 section 7.8: an Upgrade in a request of HTTP/1.0 must be ignored.
t.test('an offer to switch by HTTP/1.0 is passed over and the request served', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await start(t, upstream.url)
  const answer = await sendRaw(
    port,
    [
      'GET /ws/a HTTP/1.0',
      'Host: a',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      '',
      '',
    ].join('\r\n'),
  )
  t.equal(statusOf(answer), 200)
  t.equal(upstream.requests.length, 1)
  t.equal(upstream.requests[0]?.headers['upgrade'], undefined)
})
