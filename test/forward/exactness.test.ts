import t from 'tap'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { gzipSync } from 'node:zlib'

import { headerValues, startUpstream } from '../support/recording-upstream.ts'
import { sendRaw, statusOf } from '../support/raw-http.ts'
import { startTestGateway } from '../support/test-gateway.ts'

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

async function start(
  t: Parameters<typeof startTestGateway>[0],
  listener?: Parameters<typeof startUpstream>[1],
  more: Record<string, unknown> = {},
) {
  const upstream = await startUpstream(t, listener)
  const gateway = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    ...more,
  })
  return { upstream, ...gateway }
}

t.test('bodies arrive byte for byte, whatever they are said to be', async (t) => {
  const { upstream, port } = await start(t)
  const body = randomBytes(3_000_000)
  const bodies: readonly [string | undefined, Buffer][] = [
    ['application/json', Buffer.from('{"a":12345678901234567890,"a":1.0}')],
    ['application/json', Buffer.from('{ not json')],
    ['text/plain; charset=latin1', Buffer.from('caf\xe9', 'latin1')],
    ['application/x-www-form-urlencoded', Buffer.from('a=1&a=2&%zz')],
    ['multipart/form-data; boundary=x', Buffer.from('--x\r\n\r\nhi\r\n--x--')],
    ['application/vnd.api+json', body],
    ['application/octet-stream', body],
    ['application/json ; charset', body],
    [';;;', body],
    ['a/b\tc', Buffer.from('tab')],
    [undefined, body],
  ]
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'QUERY', 'REPORT'].filter(
    (name) => name !== 'QUERY' || process.version >= 'v22',
  )) {
    for (const [type, bytes] of method === 'POST' ? bodies : bodies.slice(0, 1)) {
      for (const chunked of [false, true]) {
        const head = [
          `${method} /x HTTP/1.1`,
          'Host: a',
          'Connection: close',
          ...(type === undefined ? [] : [`Content-Type: ${type}`]),
        ]
        const framed = chunked
          ? Buffer.concat([
              Buffer.from(`Transfer-Encoding: chunked\r\n\r\n${bytes.length.toString(16)}\r\n`),
              bytes,
              Buffer.from('\r\n0\r\n\r\n'),
            ])
          : Buffer.concat([Buffer.from(`Content-Length: ${bytes.length}\r\n\r\n`), bytes])
        const answer = await sendRaw(port, Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n`), framed]), 3000)
        const title = `${method} ${type} ${chunked ? 'in chunks' : 'with a length'}`
        t.equal(statusOf(answer), 200, title)
        t.equal(sha256(upstream.requests.at(-1)?.body ?? Buffer.alloc(0)), sha256(bytes), title)
        t.same(headerValues(upstream.requests.at(-1), 'content-type'), type === undefined ? [] : [type], title)
      }
    }
  }
})

t.test('compressed requests and answers stay compressed', async (t) => {
  const zipped = gzipSync('hello hello hello')
  const { upstream, url } = await start(t, (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': zipped.length })
    response.end(zipped)
  })
  const { hostname, port } = new URL(url)
  const outgoing = request({
    hostname,
    port,
    method: 'POST',
    path: '/',
    headers: { 'content-encoding': 'gzip', 'content-length': zipped.length },
  })
  outgoing.end(zipped)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  t.same(Buffer.concat(chunks), zipped)
  t.same(upstream.requests[0]?.body, zipped)
})

t.test('status, reason, repeated headers and cookies come back as they were sent', async (t) => {
  const { port } = await start(t, (_request, response) => {
    response.writeHead(418, 'Short And Stout', [
      'Set-Cookie',
      'a=1',
      'X-Mixed-Case',
      'v',
      'set-cookie',
      'b=2',
      'Link',
      '</x>',
      'Link',
      '</y>',
    ])
    response.end('tea')
  })
  const answer = await sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  t.match(answer, /^HTTP\/1\.1 418 Short And Stout\r\n/)
  t.match(answer, /Set-Cookie: a=1\r\nX-Mixed-Case: v\r\nset-cookie: b=2\r\nLink: <\/x>\r\nLink: <\/y>\r\n/)
})

t.test('HEAD, 204 and 304 are framed right, and the connection serves the next request', async (t) => {
  const { port } = await start(t, (request, response) => {
    const status = Number(request.url?.slice(1))
    response.writeHead(status, status === 200 ? { 'content-length': 5 } : {})
    response.end(status === 200 && request.method !== 'HEAD' ? 'hello' : undefined)
  })
  const answer = await sendRaw(
    port,
    ['HEAD /200', 'GET /204', 'GET /304', 'GET /200'].map((line) => `${line} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''),
    500,
  )
  t.same(answer.match(/^HTTP\/1\.1 \d+/gm), ['HTTP/1.1 200', 'HTTP/1.1 204', 'HTTP/1.1 304', 'HTTP/1.1 200'])
  t.match(answer, /hello$/)
  t.equal(answer.match(/hello/g)?.length, 1)
})

t.test('an answer without a length, and one to an HTTP/1.0 client, arrive whole', async (t) => {
  const { port } = await start(t, (_request, response) => {
    response.write('one,')
    setImmediate(() => response.end('two'))
  })
  t.match(
    await sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    // Pieces that arrive together go on together.
    /transfer-encoding: chunked[^]*\r\n(4\r\none,\r\n3\r\ntwo|7\r\none,two)\r\n0\r\n\r\n$/i,
  )
  t.match(await sendRaw(port, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n'), /\r\n\r\none,two$/)
})

t.test('the head of an answer does not wait for its body', async (t) => {
  let finish: (() => void) | undefined
  const { url } = await start(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    finish = () => response.end('data: 1\n\n')
  })
  const response = await fetch(url)
  t.equal(response.headers.get('content-type'), 'text/event-stream')
  finish?.()
  t.equal(await response.text(), 'data: 1\n\n')
})

t.test(
  'a client that expects 100-continue is told so when the upstream is there, and refused before it sends',
  async (t) => {
    const { port, upstream } = await start(t)
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'
    const served = await sendRaw(port, `${head}hello`)
    t.match(served, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
    t.equal(upstream.requests[0]?.body.toString(), 'hello')
    t.same(headerValues(upstream.requests[0], 'expect'), [])
    const refused = await sendRaw(
      port,
      'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n',
    )
    t.equal(statusOf(refused), 413)
    t.notMatch(refused, /100 Continue/)
  },
)
