import t from 'tap'
import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import type { Teardown } from '../../support/test-gateway.ts'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

import { createFetchJson } from '../../../gateway/src/operate/issuer-client/fetch-json.ts'

async function serve(t: Teardown, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
}

const limits = { timeoutMs: 10_000, maxBytes: 1000 }
/** For those that never answer. */
const SOON = { ...limits, timeoutMs: 300 }

t.test('a document comes with the max-age of its answer', async (t) => {
  const { fetchJson, close } = createFetchJson()
  t.teardown(close)
  const cases: readonly [string | undefined, number | undefined][] = [
    ['max-age=600', 600],
    ['public, max-age=60, must-revalidate', 60],
    ['s-maxage=5', undefined],
    ['no-store', undefined],
    [undefined, undefined],
  ]
  for (const [header, maxAgeSec] of cases) {
    const url = await serve(t, (_request, response) => {
      if (header !== undefined) response.setHeader('cache-control', header)
      response.end('{"keys":[]}')
    })
    t.same(await fetchJson(url, limits), { json: { keys: [] }, maxAgeSec }, header ?? 'none')
  }
})

t.test('everything else is refused, in words that are fit for the log', async (t) => {
  const { fetchJson, close } = createFetchJson()
  t.teardown(close)
  let redirected = 0
  const target = await serve(t, (_request, response) => {
    redirected += 1
    response.end('{"keys":[]}')
  })
  const cases: readonly [string, RequestListener, RegExp][] = [
    [
      'an error',
      (_request, response) => response.writeHead(500).end('secret trouble'),
      /^http:\/\/127\.0\.0\.1:\d+\/jwks: the answer had status 500$/,
    ],
    [
      'a redirect',
      (_request, response) => response.writeHead(302, { location: target }).end(),
      /^http:.*\/jwks: the answer had status 302 \(redirects are not followed\)/,
    ],
    ['HTML', (_request, response) => response.end('<html>secret</html>'), /^http:.*\/jwks: the answer is not JSON$/],
    [
      'too much',
      (_request, response) => response.end('x'.repeat(10_000_000)),
      /^http:.*\/jwks: the answer is larger than 1000 bytes$/,
    ],
    [
      'an end',
      (_request, response) => response.destroy(),
      /^http:.*\/jwks: the connection ended before the answer was whole$/,
    ],
    [
      'an end in the middle',
      (_request, response) => response.write('{', () => response.destroy()),
      /^http:.*\/jwks: the connection ended before the answer was whole$/,
    ],
    [
      'what is no HTTP',
      (_request, response) => response.socket?.end('SSH-2.0-OpenSSH_9.6\r\n'),
      /^http:.*\/jwks: the answer is not HTTP$/,
    ],
    ['silence', () => undefined, /^http:.*\/jwks: no whole answer within 300 ms$/],
    [
      'one byte and silence',
      (_request, response) => void response.write('{'),
      /^http:.*\/jwks: no whole answer within 300 ms$/,
    ],
  ]
  for (const [title, listener, message] of cases) {
    await t.rejects(
      fetchJson(`${await serve(t, listener)}?key=secret`, /silence/.test(title) ? SOON : limits),
      { message },
      title,
    )
  }
  t.equal(redirected, 0)
  await t.rejects(fetchJson('http://127.0.0.1:1/jwks', limits), {
    message: 'http://127.0.0.1:1/jwks: connect ECONNREFUSED 127.0.0.1:1',
  })
  // Two addresses where there is IPv6: Node's error for all of them has no text.
  await t.rejects(fetchJson('http://localhost:1/jwks', limits), {
    message: /^http:\/\/localhost:1\/jwks: connect ECONNREFUSED [^ ]+$/,
  })
})

t.test('content codings are undone though none is asked for, and a byte order mark is passed over', async (t) => {
  // RFC 9110 section 12.5.3: without Accept-Encoding, or with one that is not understood, a server may send any coding.
  const { fetchJson, close } = createFetchJson()
  t.teardown(close)
  const text = '{"keys":["\u00e9"]}'
  const cases: readonly [string | undefined, string | Buffer][] = [
    [undefined, text],
    [undefined, `\uFEFF${text}`],
    ['', text],
    ['identity', text],
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['GZIP', gzipSync(`\uFEFF${text}`)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['gzip, br', brotliCompressSync(gzipSync(text))],
    ['identity, gzip', gzipSync(text)],
  ]
  for (const [coding, body] of cases) {
    let asked: string | undefined
    const url = await serve(t, (request, response) => {
      asked = request.headers['accept-encoding']
      if (coding !== undefined) response.setHeader('content-encoding', coding)
      response.end(body)
    })
    t.match(await fetchJson(url, limits), { json: { keys: ['\u00e9'] } }, coding ?? 'none')
    t.equal(asked, 'identity')
  }
  const wrong: readonly [string, string | Buffer, RegExp][] = [
    ['gzip', text, /^http:.*\/jwks: the answer is not the gzip that it says it is$/],
    ['gzip', gzipSync(text).subarray(0, 20), /^http:.*\/jwks: the answer is not the gzip/],
    ['gzip', '', /^http:.*\/jwks: the answer is not the gzip/],
    ['br', text, /^http:.*\/jwks: the answer is not the br/],
    ['deflate', text, /^http:.*\/jwks: the answer is not the deflate/],
    ['zstd', text, /^http:.*\/jwks: the answer has a content-encoding that is not supported$/],
    ['gzip, gzip, gzip, gzip', text, /more content-encodings than make sense/],
    // A bomb: 9 MB in 9 KB and less.
    ['gzip', gzipSync(gzipSync(Buffer.alloc(400_000))), /^http:.*\/jwks: the answer is not JSON$/],
    ['gzip', gzipSync(Buffer.alloc(900_000)), /^http:.*\/jwks: the answer is larger than 1000 bytes$/],
    ['br', brotliCompressSync(Buffer.alloc(9_000_000)), /^http:.*\/jwks: the answer is larger than 1000 bytes$/],
    ['deflate', deflateSync(Buffer.alloc(900_000)), /^http:.*\/jwks: the answer is larger than 1000 bytes$/],
  ]
  for (const [coding, body, message] of wrong) {
    const url = await serve(t, (_request, response) => response.setHeader('content-encoding', coding).end(body))
    await t.rejects(fetchJson(url, limits), { message }, `${coding} ${String(message)}`)
  }
})
