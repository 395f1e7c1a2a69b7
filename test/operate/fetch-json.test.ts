import t from 'tap'
import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import type { Teardown } from '../support/test-gateway.ts'
import { createFetchJson } from '../../gateway/src/operate/fetch-json.ts'

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

const limits = { timeoutMs: 300, maxBytes: 1000 }

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
    ['an error', (_request, response) => response.writeHead(500).end('secret trouble'), /^the answer had status 500$/],
    [
      'a redirect',
      (_request, response) => response.writeHead(302, { location: target }).end(),
      /status 302 \(redirects are not followed\)/,
    ],
    ['HTML', (_request, response) => response.end('<html>secret</html>'), /^the answer is not JSON$/],
    [
      'too much',
      (_request, response) => response.end('x'.repeat(10_000_000)),
      /^the answer is larger than 1000 bytes$/,
    ],
    ['silence', () => undefined, /^no whole answer within 300 ms$/],
    ['one byte and silence', (_request, response) => void response.write('{'), /^no whole answer within 300 ms$/],
  ]
  for (const [title, listener, message] of cases) {
    await t.rejects(fetchJson(await serve(t, listener), limits), { message }, title)
  }
  t.equal(redirected, 0)
  await t.rejects(fetchJson('http://127.0.0.1:1/jwks', limits))
})
