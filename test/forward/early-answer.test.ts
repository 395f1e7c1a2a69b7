// Answers that come before the upload ends: none is lost, nor is the next request of the connection
// (fastify/fastify-http-proxy#474, traefik/traefik#11258).
import t from 'tap'

import { openRaw } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { startSocketUpstream } from '../support/socket-upstream.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { pause, waitFor } from '../support/wait-for.ts'

const MIB = 1_048_576
const NEXT = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n'

function start(t: Teardown, target: string, more: Record<string, unknown> = {}) {
  return startTestGateway(t, {
    upstreams: { up: { targets: [target] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    limits: { bodyBytes: '64MiB' },
    ...more,
  })
}

t.test('the next request is answered after an upload that the upstream refused half-way', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    if (request.method === 'POST') response.writeHead(401).end('refused')
    else response.end('served')
  })
  const { port } = await start(t, upstream.url)
  for (const framing of ['length', 'chunks']) {
    const client = await openRaw(t, port)
    const half = Buffer.alloc(4 * MIB)
    const size = `${(2 * half.length).toString(16)}\r\n`
    const head =
      framing === 'length' ? `Content-Length: ${2 * half.length}\r\n\r\n` : `Transfer-Encoding: chunked\r\n\r\n${size}`
    client.write(`POST / HTTP/1.1\r\nHost: a\r\n${head}`)
    client.write(half)
    t.match(await client.until(/refused/), /^HTTP\/1\.1 401 /, framing)
    client.write(half)
    if (framing === 'chunks') client.write('\r\n0\r\n\r\n')
    client.write(NEXT)
    t.match(await client.until(/served/), /served/, `${framing}: the next request on the same connection`)
  }
})

t.test('nor is it lost when the upstream stops reading first, so that the client has been slowed down', async (t) => {
  const upstream = await startSocketUpstream(t, (socket) => {
    socket.on('data', (chunk: Buffer) => {
      if (chunk.toString('latin1').startsWith('GET')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nserved')
      else if (!socket.isPaused()) {
        socket.pause()
        setTimeout(() => socket.write('HTTP/1.1 401 No\r\nContent-Length: 6\r\n\r\nrefuse'), 300)
      }
    })
  })
  const { port } = await start(t, upstream.url)
  const client = await openRaw(t, port)
  const half = Buffer.alloc(16 * MIB)
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${2 * half.length}\r\n\r\n`)
  client.write(half)
  t.match(await client.until(/refuse/), /^HTTP\/1\.1 401 /)
  client.write(half)
  client.write(NEXT)
  t.match(await client.until(/served/), /served/)
})

t.test('what is read and dropped of a refused upload is bounded as well', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.writeHead(401).end('refused'))
  const { port } = await start(t, upstream.url, { limits: { bodyBytes: '1MiB' } })
  const client = await openRaw(t, port)
  client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
  await client.until(/refused/)
  const chunk = Buffer.alloc(MIB / 4)
  for (let count = 0; count < 8 && !client.closed(); count += 1) {
    client.write(`${chunk.length.toString(16)}\r\n`)
    client.write(chunk)
    client.write('\r\n')
    await pause(20)
  }
  await waitFor(client.closed)
})

t.test('the answer of an upstream that stops reading and closes is passed on', async (t) => {
  const answer = 'HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfull'
  for (const ending of ['it closes at once', 'it closes later', 'it closes half']) {
    const upstream = await startSocketUpstream(t, (socket) => {
      socket.once('data', () => {
        socket.pause()
        socket.write(answer)
        if (ending === 'it closes half') socket.end()
        else setTimeout(() => socket.destroy(), ending === 'it closes later' ? 50 : 0)
      })
    })
    const { port, lines } = await start(t, upstream.url)
    const wrong: string[] = []
    for (let round = 0; round < 20; round += 1) {
      const client = await openRaw(t, port)
      client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${8 * MIB}\r\n\r\n`)
      for (let part = 0; part < 8; part += 1) client.write(Buffer.alloc(MIB))
      const got = await client.until(/full|problem/)
      if (!got.startsWith('HTTP/1.1 413 ')) wrong.push(got.split('\r\n')[0] ?? '')
      client.socket.destroy()
    }
    t.same(
      wrong,
      [],
      `${ending} ${JSON.stringify(
        lines
          .map(({ cause }) => cause)
          .filter(Boolean)
          .slice(0, 2),
      )}`,
    )
  }
})
