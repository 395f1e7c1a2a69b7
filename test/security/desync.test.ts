// Attack: an answer reaches whom it is not for. Amplifiers: connections to upstreams and from clients that are used again.
// Defence: no pipelining, connections with an answer too many are thrown away, and what is half is never completed.
import t from 'tap'

import { openRaw } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { codeOf, sendRaw } from '../support/raw-http.ts'
import { startAnswering, startSocketUpstream } from '../support/socket-upstream.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { pause, waitFor } from '../support/wait-for.ts'

const start = (t: Teardown, target: string, more: Record<string, unknown> = {}) =>
  startTestGateway(t, {
    upstreams: { up: { targets: [target], connections: 1, retries: 0, ...more } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
const ask = (port: number, path: string) =>
  sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 1000)
const answer = (text: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`

t.test(
  'an answer too many never reaches another client: sent at once, in the next packet, or a little later',
  async (t) => {
    for (const delayMs of [undefined, 0, 20]) {
      const upstream = await startSocketUpstream(t, (socket) => {
        socket.on('data', (chunk: Buffer) => {
          const own = answer(/GET (\S+)/.exec(chunk.toString())?.[1] ?? '')
          const more = answer('/evil')
          if (delayMs === undefined) socket.write(own + more)
          else {
            socket.write(own)
            setTimeout(() => socket.write(more), delayMs)
          }
        })
      })
      const { port } = await start(t, upstream.url)
      for (let round = 0; round < 5; round += 1) {
        const got = await ask(port, `/mine${round}`)
        t.match(got, new RegExp(`/mine${round}$|upstream_reset`), `after ${delayMs} ms`)
        t.notMatch(got, /evil/)
        await pause(delayMs === 20 ? 40 : 5)
      }
      t.ok(upstream.connections() > 1, 'the connection was thrown away')
    }
  },
)

t.test('more body than was announced is cut off, and does not become the next answer', async (t) => {
  const { port } = await start(
    t,
    (await startAnswering(t, `${answer('mine')}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`)).url,
  )
  for (let round = 0; round < 3; round += 1) {
    const got = await ask(port, '/')
    t.match(got, /mine$|upstream_reset/)
    t.notMatch(got, /evil/)
  }
})

t.test('an upstream that answers before it was asked is not listened to', async (t) => {
  const upstream = await startSocketUpstream(t, (socket) => {
    socket.write(answer('evil'))
    socket.on('data', () => socket.write(answer('mine')))
  })
  const { port } = await start(t, upstream.url)
  for (let round = 0; round < 3; round += 1) {
    const got = await ask(port, '/')
    t.match(codeOf(got) ?? got, /upstream_(reset|invalid)|(mine|evil)$/)
  }
})

t.test('pipelined requests are answered in their order, each with its own answer', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    setTimeout(() => response.end(`<${request.url}>`), request.url === '/1' ? 80 : 0)
  })
  const { port } = await start(t, upstream.url, { connections: 10 })
  const got = await sendRaw(
    port,
    ['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''),
    500,
  )
  t.same(got.match(/<[^>]*>/g), ['</1>', '</2>', '</3>'])
})

t.test('what stands behind a request’s body is the next request of that client, and of nobody else', async (t) => {
  const upstream = await startUpstream(t, (request, response) => response.end(`<${request.method}${request.url}>`))
  const { port } = await start(t, upstream.url)
  const attacker = await openRaw(t, port)
  attacker.write('POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcdGET /smuggled HTTP/1.1\r\nHost: a\r\nX: ')
  await attacker.until(/<POST\/1>/)
  t.match(await ask(port, '/victim'), /<GET\/victim>$/)
  attacker.write('1\r\n\r\n')
  t.match(await attacker.until(/<GET\/smuggled>/), /<GET\/smuggled>$/)
})

t.test(
  'two upstreams behind one name share no connection, and paths reach their own (GHSA-v574-grg6-r2p5)',
  async (t) => {
    const upstreams = await Promise.all(
      ['one', 'two'].map((name) => startUpstream(t, (request, response) => response.end(`<${name}${request.url}>`))),
    )
    const { port } = await startTestGateway(t, {
      upstreams: { one: { targets: [upstreams[0]?.url] }, two: { targets: [upstreams[1]?.url] } },
      routes: [
        { path: '/x/*', upstream: 'one', rewrite: '/a/*', auth: 'none' },
        { path: '/y/*', upstream: 'two', rewrite: '/a/b/*', auth: 'none' },
      ],
    })
    for (let round = 0; round < 10; round += 1) {
      const [x, y] = await Promise.all([ask(port, '/x/b/c'), ask(port, '/y/c')])
      t.match(x, /<one\/a\/b\/c>$/)
      t.match(y, /<two\/a\/b\/c>$/)
    }
  },
)

t.test('a request that is sent a byte a second, head or body, ends at its time limit', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await startTestGateway(t, {
    limits: { requestTimeout: '1s' },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  for (const start of ['GET / HTTP/1.1\r\nHo', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nh']) {
    const client = await openRaw(t, port)
    client.write(start)
    const drip = setInterval(() => client.write('x'), 200)
    t.teardown(() => {
      clearInterval(drip)
    })
    await waitFor(client.closed, 6000)
    clearInterval(drip)
    t.match(client.received(), /^HTTP\/1\.1 408 /)
  }
  await waitFor(() => upstream.open() === 0)
  t.equal(upstream.requests.length, 0)
})
