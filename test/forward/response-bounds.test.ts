// Answers of upstreams that are none: whatever is wrong is told as 502 as long as nothing of them is out, over both transports.
import t from 'tap'
import type { Socket } from 'node:net'

import { openRaw } from '../support/raw-connection.ts'
import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { startAnswering, startSocketUpstream } from '../support/socket-upstream.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { waitFor } from '../support/wait-for.ts'

function gatewayTo(t: Teardown, url: string, transport: string, limits: object = {}) {
  return startTestGateway(t, {
    limits,
    upstreams: { up: { targets: [url], transport, retries: 0 } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
}

const ask = (port: number) => sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 3000)
const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${OK}X-Own: 1\r\nTransfer-Encoding: chunked\r\n\r\n`

for (const transport of ['direct', 'undici']) {
  t.test(`${transport}: a status outside of the five classes is no answer (RFC 9110 section 15)`, async (t) => {
    for (const [status, code] of [
      ['099', 'upstream_invalid'],
      ['599', undefined],
      ['600', 'upstream_invalid'],
      ['745', 'upstream_invalid'],
      ['999', 'upstream_invalid'],
    ] as const) {
      const upstream = await startAnswering(t, `HTTP/1.1 ${status} X\r\nContent-Length: 2\r\n\r\nok`)
      const answer = await ask((await gatewayTo(t, upstream.url, transport)).port)
      t.equal(codeOf(answer), code, status)
      t.equal(statusOf(answer), code === undefined ? Number(status) : 502)
    }
  })

  t.test(`${transport}: a body that is broken from its first chunk on is 502, and nothing of it is out`, async (t) => {
    for (const [title, chunks] of Object.entries({
      'no size': 'zz\r\nhello\r\n0\r\n\r\n',
      'an empty size': '\r\nhello\r\n0\r\n\r\n',
      'a negative size': '-1\r\nhello\r\n0\r\n\r\n',
      'more than its size': '1\r\nhello\r\n0\r\n\r\n',
      'a good one before': '5\r\nhello\r\nzz\r\n',
    })) {
      const upstream = await startAnswering(t, CHUNKED + chunks)
      const answer = await ask((await gatewayTo(t, upstream.url, transport)).port)
      t.equal(statusOf(answer), 502, title)
      t.equal(codeOf(answer), 'upstream_invalid', title)
      t.notMatch(answer, /X-Own|hello/i, title)
    }
  })

  t.test(`${transport}: once the head is out, a broken chunk cuts the answer short`, async (t) => {
    const sockets: Socket[] = []
    const upstream = await startSocketUpstream(t, (socket) => {
      socket.once('data', () => socket.write(CHUNKED))
      sockets.push(socket)
    })
    const client = await openRaw(t, (await gatewayTo(t, upstream.url, transport)).port)
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until(/X-Own: 1[^]*\r\n\r\n/)
    sockets[0]?.write('zz\r\n')
    await waitFor(client.closed)
    t.equal(statusOf(client.received()), 200)
    t.notMatch(client.received(), /\r\n0\r\n\r\n$/)
  })

  t.test(
    `${transport}: a head has room for 64 KiB, as many as an option says, and more has a code of its own`,
    async (t) => {
      const cookies = (count: number) => `Set-Cookie: c=${'x'.repeat(987)}\r\n`.repeat(count)
      for (const [kib, limits, code] of [
        [24, {}, undefined],
        [60, {}, undefined],
        [66, {}, 'upstream_headers_too_large'],
        [66, { responseHeaderBytes: '128KiB' }, undefined],
        [8, { responseHeaderBytes: '4KiB' }, 'upstream_headers_too_large'],
        [2, { responseHeaderBytes: '4KiB' }, undefined],
      ] as const) {
        const upstream = await startAnswering(t, `${OK}${cookies(kib)}Content-Length: 2\r\n\r\nok`)
        const answer = await ask((await gatewayTo(t, upstream.url, transport, limits)).port)
        t.equal(codeOf(answer), code, `${kib} KiB, ${JSON.stringify(limits)}`)
        t.equal(statusOf(answer), code === undefined ? 200 : 502)
        t.equal(answer.match(/Set-Cookie/gi)?.length ?? 0, code === undefined ? kib : 0)
      }
    },
  )
}
