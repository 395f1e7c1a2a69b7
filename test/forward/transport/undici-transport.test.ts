// transport: undici, for services that do not get on with the gateway's own connections: it carries the same, but for what
// decision 0012 says it leaves undone.
import t from 'tap'
import { once } from 'node:events'
import type { Socket } from 'node:net'

import { openRaw } from '../../support/raw-connection.ts'
import { codeOf, sendRaw, statusOf } from '../../support/raw-http.ts'
import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import { startAnswering, startSocketUpstream } from '../../support/socket-upstream.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { waitFor } from '../../support/wait-for.ts'
import { openWebSocket, startWebSocketUpstream } from '../../support/websocket.ts'

function gatewayTo(t: Teardown, target: string, upstream: object = {}, route: object = {}) {
  return startTestGateway(t, {
    upstreams: { up: { targets: [target], transport: 'undici', retries: 0, ...upstream } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none', ...route }],
  })
}

const ask = (port: number, method = 'GET', rest = '\r\n') =>
  sendRaw(port, `${method} /a?b=%2F HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${rest}`, 3000)

t.test('requests arrive byte for byte, with a length and in chunks', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await gatewayTo(t, upstream.url)
  t.match(await ask(port, 'POST', 'Content-Length: 2\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\nhi'), /\{"ok":true\}$/)
  t.match(await ask(port, 'PUT', 'Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'), /\{"ok":true\}$/)
  t.same(
    upstream.requests.map(({ method, url, body }) => [method, url, body.toString()]),
    [
      ['POST', '/a?b=%2F', 'hi'],
      ['PUT', '/a?b=%2F', 'hi'],
    ],
  )
  t.same(headerValues(upstream.requests[0], 'x-twice'), ['1', '2'])
})

t.test(
  'responses come back byte for byte: hints, bodies and trailers, and a 304 with the length it does not send',
  async (t) => {
    const chunked = 'Transfer-Encoding: chunked\r\n\r\n3\r\n\xe9bc\r\n0\r\nX-Sum: 1\r\n\r\n'
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n'
    const upstream = await startAnswering(t, `${early}HTTP/1.1 200 OK\r\nX-Latin: caf\xe9\r\n${chunked}`)
    const { port } = await gatewayTo(t, upstream.url)
    const answer = await ask(port)
    t.match(answer, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload/i)
    t.match(answer, /X-Latin: caf\xe9\r\n/)
    t.match(answer, /\r\n3\r\n\xe9bc\r\n0\r\nX-Sum: 1\r\n\r\n$/)
    const unchanged = await startAnswering(t, 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n')
    t.equal(statusOf(await ask((await gatewayTo(t, unchanged.url)).port)), 304)
  },
)

t.test('what goes wrong with the upstream has the same codes', async (t) => {
  const silent = await startSocketUpstream(t, () => undefined)
  const resets = await startSocketUpstream(t, (socket) => socket.once('data', () => socket.resetAndDestroy()))
  const garbage = await startAnswering(t, 'garbage\r\n\r\n')
  const split = await startAnswering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n')
  for (const [url, code] of [
    [silent.url, 'upstream_timeout'],
    [resets.url, 'upstream_reset'],
    [garbage.url, 'upstream_invalid'],
    [split.url, 'upstream_invalid'],
    ['http://127.0.0.1:1', 'upstream_unreachable'],
  ] as const) {
    const { port } = await gatewayTo(t, url, { timeouts: { headers: '300ms' } })
    t.equal(codeOf(await ask(port)), code)
  }
})

t.test('a client that goes away takes its upstream request with it', async (t) => {
  let [begun, closes] = [0, 0]
  const upstream = await startUpstream(t, (_request, response) => {
    begun += 1
    response.write('begun')
    response.on('close', () => (closes += 1))
  })
  const { port } = await gatewayTo(t, upstream.url)
  const client = await openRaw(t, port)
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await waitFor(() => begun === 1)
  client.socket.destroy()
  await waitFor(() => closes === 1)
})

t.test('a refused upload does not hide the answer', async (t) => {
  const answered: Socket[] = []
  const upstream = await startSocketUpstream(t, (socket) => {
    socket.once('data', () => {
      socket.pause().end('HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno')
      answered.push(socket)
    })
  })
  const { port } = await gatewayTo(t, upstream.url)
  t.match(await ask(port, 'PUT', `Content-Length: ${1 << 20}\r\n\r\n${'x'.repeat(1 << 20)}`), /401 No[^]*no$/)
  for (const socket of answered) socket.destroy()
})

t.test('WebSockets are opened over it', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { url } = await gatewayTo(t, upstream.url, {}, { websocket: true })
  const { socket, status } = await openWebSocket(`${url}/ws`, [])
  t.equal(status, 101)
  socket.send('hello')
  const [message] = (await once(socket, 'message')) as [Buffer]
  t.equal(message.toString(), 'hello')
  socket.terminate()
})
