// The edges of a message: how long a body is, what comes after it, and which words stand in its first line.
import t from 'tap'
import { request as sendRequest } from 'node:http'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'

import { startUpstream } from '../support/recording-upstream.ts'
import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { startAnswering } from '../support/socket-upstream.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'

async function start(t: Teardown, answer: string | ((head: string) => string)) {
  const upstream = await startAnswering(t, answer)
  const gateway = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  return { upstream, ...gateway }
}
const ask = (port: number, method = 'GET', version = '1.1') =>
  sendRaw(port, `${method} / HTTP/${version}\r\nHost: a\r\n\r\n`, 200)

t.test('HEAD, 204 and 304 end where their head ends, whatever the upstream says or sends after it', async (t) => {
  const cases: readonly [string, string, string, RegExp, RegExp | undefined][] = [
    ['HEAD', '200 OK', 'Content-Length: 5\r\n\r\n', /Content-Length: 5\r\n/, undefined],
    ['HEAD', '200 OK', 'Content-Length: 5\r\n\r\nhello', /Content-Length: 5\r\n/, undefined],
    ['HEAD', '200 OK', 'Transfer-Encoding: chunked\r\n\r\n', /./, /content-length/i],
    ['HEAD', '404 No', '\r\n', /./, undefined],
    ['GET', '204 No Content', '\r\n', /./, /content-length|transfer-encoding/i],
    ['GET', '204 No Content', 'Content-Length: 0\r\n\r\n', /./, /content-length|transfer-encoding/i],
    ['GET', '204 No Content', 'Content-Length: 5\r\n\r\nhello', /./, /content-length|transfer-encoding/i],
    ['GET', '304 Not Modified', 'Content-Length: 5\r\nETag: "1"\r\n\r\n', /ETag: "1"\r\n/, /transfer-encoding/i],
    ['GET', '304 Not Modified', 'Content-Length: 5\r\n\r\nhello', /./, /transfer-encoding/i],
    ['GET', '200 OK', 'Content-Length: 0\r\n\r\n', /Content-Length: 0\r\n/, undefined],
  ]
  for (const [method, status, rest, has, hasNot] of cases) {
    const title = `${method} ${status} ${JSON.stringify(rest)}`
    const { port } = await start(t, `HTTP/1.1 ${status}\r\n${rest}`)
    const twice = await sendRaw(port, `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(2), 300)
    const parts = twice.split(/(?=HTTP\/1\.1 )/)
    t.same(
      parts.map((part) => [statusOf(part), part.endsWith('\r\n\r\n')]),
      Array.from({ length: 2 }, () => [Number(status.slice(0, 3)), true]),
      title,
    )
    t.match(parts[0], has, title)
    if (hasNot !== undefined) t.notMatch(parts[0], hasNot, title)
  }
})

t.test('trailers come back with the body they belong to, but none that says how to read or believe it', async (t) => {
  const trailers =
    'X-Sum: 1\r\nX-Sum: 2\r\nX-Auth-Result: evil\r\nX-Tollgate: evil\r\nSet-Cookie: evil=1\r\nContent-Type: evil\r\n'
  const body = '3\r\nabc\r\n'
  const { port } = await start(
    t,
    `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n${body}0\r\n${trailers}Host: evil\r\n\r\n`,
  )
  const answer = await ask(port)
  t.match(answer, /3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n$/)
  t.match(await ask(port, 'GET', '1.0'), /\r\n\r\nabc$/, 'a client of HTTP/1.0 gets the body alone')
  const outgoing = sendRequest({ port, path: '/' }).end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  await once(response.resume(), 'end')
  t.same(response.trailers, { 'x-sum': '1, 2' })
})

t.test('an answer without a length ends with its connection, and so does one of HTTP/1.0', async (t) => {
  for (const version of ['1.1', '1.0']) {
    const upstream = await startUpstream(t, (_request, response) => {
      response.socket?.end(`HTTP/${version} 200 OK\r\nConnection: close\r\n\r\nto the end`)
    })
    const { port } = await startTestGateway(t, {
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    })
    t.match(await ask(port), /transfer-encoding: chunked\r\n[^]*\r\na\r\nto the end\r\n0\r\n\r\n$/i, version)
  }
})

t.test('reason phrases are passed on, whatever they say', async (t) => {
  for (const [sent, expected] of [
    ['200 Fine Indeed', 'HTTP/1.1 200 Fine Indeed'],
    ['200 ', 'HTTP/1.1 200 '],
    ['200', 'HTTP/1.1 200 '],
    ['599 Own Status', 'HTTP/1.1 599 Own Status'],
    ['200 Tr\xe8s bien', 'HTTP/1.1 200 Tr\xe8s bien'],
    ['200 \xe2\x9c\x93', 'HTTP/1.1 200 \xe2\x9c\x93'],
  ] as const) {
    const { port } = await start(t, `HTTP/1.1 ${sent}\r\nContent-Length: 2\r\n\r\nok`)
    const answer = await ask(port)
    t.ok(answer.startsWith(`${expected}\r\n`), `${sent}: ${answer.slice(0, 30)}`)
    t.match(answer, /ok$/)
  }
})

t.test('header values keep their bytes, also those that are no UTF-8', async (t) => {
  const { port } = await start(
    t,
    'HTTP/1.1 200 OK\r\nX-Latin: caf\xe9\r\nX-Utf8: \xc3\xa9\r\nX-Empty:\r\nContent-Length: 2\r\n\r\nok',
  )
  t.match(await ask(port), /X-Latin: caf\xe9\r\nX-Utf8: \xc3\xa9\r\nX-Empty: \r\n/)
})

t.test('answers whose framing can be read in two ways are 502 and never passed on', async (t) => {
  const cases: Record<string, string> = {
    'length and chunks': 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    'two lengths': 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
    'a length that is none': 'Content-Length: 5x\r\n\r\nhello',
    'a negative length': 'Content-Length: -1\r\n\r\nhello',
    'two lengths, one with a blank before its colon': 'Content-Length : 5\r\nContent-Length: 6\r\n\r\nhello!',
    'a zero byte': 'X-A: \u0000\r\nContent-Length: 5\r\n\r\nhello',
    'a bare line feed': 'X-A: 1\nContent-Length: 5\r\n\r\nhello',
  }
  for (const [title, rest] of Object.entries(cases)) {
    const { port } = await start(t, `HTTP/1.1 200 OK\r\n${rest}`)
    t.match(codeOf(await ask(port)), /upstream_(invalid|reset)/, title)
  }
})

t.test(
  'a blank before a colon of an answer is not passed on, and its length counts (RFC 9112 section 5.1)',
  async (t) => {
    const { port } = await start(t, 'HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length \t: 5\r\n\r\nhello')
    const answer = await ask(port)
    t.match(answer, /\r\nX-A: 1\r\nContent-Length: 5\r\n[^]*\r\n\r\nhello$/)
  },
)
