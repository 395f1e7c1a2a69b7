// Whoever waits for nothing any more is let go: the upstream's request ends with its client (PX-33), the client's with its upstream (PX-36).
import t from 'tap'
import type { Socket } from 'node:net'

import { openRaw } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { sendRaw } from '../support/raw-http.ts'
import { startSocketUpstream } from '../support/socket-upstream.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { waitFor } from '../support/wait-for.ts'

/** How soon the upstream must be told. Generous for a busy machine: the budget is for an idle one, and is measured with the median. */
const BUDGET_MS = 100

const start = (t: Teardown, target: string, more: Record<string, unknown> = {}) =>
  startTestGateway(t, {
    upstreams: { up: { targets: [target], ...more } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

t.test(
  'a client that goes away takes its upstream request with it: before the head, after it, and while it sends',
  async (t) => {
    let [begun, closes] = [0, 0]
    const upstream = await startUpstream(t, (request, response) => {
      begun += 1
      response.on('close', () => (closes += 1))
      if (request.url === '/after') response.write('begun')
    })
    const { port } = await start(t, upstream.url)
    const requests = {
      '/before': 'GET /before HTTP/1.1\r\nHost: a\r\n\r\n',
      '/after': 'GET /after HTTP/1.1\r\nHost: a\r\n\r\n',
      '/sending': 'POST /sending HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello',
    }
    for (const [path, bytes] of Object.entries(requests)) {
      for (const leave of ['resets', 'closes'] as const) {
        const times: number[] = []
        for (let round = 0; round < 7; round += 1) {
          const [begunBefore, closesBefore] = [begun, closes]
          const client = await openRaw(t, port)
          client.write(bytes)
          await waitFor(() => begun === begunBefore + 1)
          if (path === '/after') await client.until(/begun/)
          if (leave === 'resets') client.socket.resetAndDestroy()
          else client.socket.destroy()
          times.push(await waitFor(() => closes === closesBefore + 1))
        }
        t.ok(median(times) < BUDGET_MS, `${path}, it ${leave}: ${median(times).toFixed(1)} ms`)
      }
    }
    await waitFor(() => upstream.open() === 0)
  },
)

t.test('a client that leaves the queue is never sent to the upstream', async (t) => {
  const seen: string[] = []
  const finish: (() => void)[] = []
  const upstream = await startUpstream(t, (request, response) => {
    seen.push(request.url ?? '')
    finish.push(() => response.end('ok'))
  })
  const { port } = await start(t, upstream.url, { connections: 1 })
  const [first, second, third] = [await openRaw(t, port), await openRaw(t, port), await openRaw(t, port)]
  first.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n')
  await waitFor(() => seen.length === 1)
  second.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
  third.write('GET /3 HTTP/1.1\r\nHost: a\r\n\r\n')
  await new Promise((resolve) => setTimeout(resolve, 50))
  second.socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 50))
  finish[0]?.()
  await waitFor(() => seen.length === 2)
  finish[1]?.()
  t.match(await third.until(/ok/), /200 OK/)
  t.same(seen, ['/1', '/3'])
})

t.test(
  'an upstream that dies half-way takes the client’s connection with it, and nothing is added to pass it off as whole',
  async (t) => {
    const endings = {
      reset: (socket: Socket) => socket.resetAndDestroy(),
      close: (socket: Socket) => socket.end(),
    }
    const begun: Record<string, readonly [string, RegExp]> = {
      'a length': ['HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello', /\r\n\r\nhello$/],
      chunks: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', /\r\n5\r\nhello\r\n$/],
      'a chunk cut in two': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello', /\r\n5\r\nhello\r\n$/],
      'a head alone': ['HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n', /\r\n\r\n$/],
    }
    for (const [ending, end] of Object.entries(endings)) {
      for (const [title, [bytes, expected]] of Object.entries(begun)) {
        const upstream = await startSocketUpstream(t, (socket) => {
          socket.once('data', () => {
            socket.write(bytes)
            setTimeout(() => end(socket), 50)
          })
        })
        const { port } = await start(t, upstream.url)
        const client = await openRaw(t, port)
        client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        await waitFor(client.closed)
        t.match(client.received(), expected, `${title}, ${ending}`)
      }
    }
  },
)

t.test(
  'and when it dies in the same breath in which it began, the client still is not told that all is well',
  async (t) => {
    const upstream = await startSocketUpstream(t, (socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello'))
    })
    const answer = await sendRaw((await start(t, upstream.url)).port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 2000)
    t.notMatch(answer, /hello.*\S/)
    t.match(answer, /^$|Content-Length: 100/i)
  },
)
