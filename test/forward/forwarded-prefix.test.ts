// X-Forwarded-Prefix: what was taken off in front of the path, as Traefik, Zuul and Spring Cloud Gateway say it, so that a service
// can write links that lead back.
import t from 'tap'

import { headerValues, startUpstream } from '../support/recording-upstream.ts'
import { sendRaw } from '../support/raw-http.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { openWebSocket, startWebSocketUpstream } from '../support/websocket.ts'

const ROUTES: readonly (readonly [path: string, rewrite: string | undefined])[] = [
  ['/shop/*', '/*'],
  ['/api/things/*', '/things/*'],
  ['/api/status', '/status'],
  ['/t/:tenant/x/*', '/x/*'],
  ['/u/:id/y/*', '/:id/y/*'],
  ['/renamed/*', '/other/*'],
  ['/moved/:id', '/:id/moved'],
  ['/longer/*', '/even/longer/*'],
  ['/same/*', '/same/*'],
  ['/plain/*', undefined],
]

const CASES: readonly (readonly [target: string, expected: readonly string[]])[] = [
  ['/shop/things', ['/shop']],
  ['/shop', ['/shop']],
  ['/shop/?a=/b', ['/shop']],
  ['/s%68op/things', ['/shop']],
  ['/api/things/1', ['/api']],
  ['/api/things', ['/api']],
  ['/api/status?x', ['/api']],
  ['/t/acme%20ltd/x/1', ['/t/acme%20ltd']],
  ['/u/7/y/1', ['/u']],
  ['/renamed/1', []],
  ['/moved/1', []],
  ['/longer/1', []],
  ['/same/1', []],
  ['/plain/1', []],
]

const routes = ROUTES.map(([path, rewrite]) => ({
  path,
  upstream: 'up',
  auth: 'none',
  websocket: true,
  ...(rewrite === undefined ? {} : { rewrite }),
}))

for (const transport of ['direct', 'undici']) {
  t.test(
    `${transport}: the prefix that was taken off is said, and a client’s own word about it is not passed on`,
    async (t) => {
      const upstream = await startUpstream(t)
      const { port } = await startTestGateway(t, { upstreams: { up: { targets: [upstream.url], transport } }, routes })
      for (const [target, expected] of CASES) {
        for (const lie of ['', 'X-Forwarded-Prefix: /evil\r\n', 'x_forwarded_prefix: /evil\r\n']) {
          await sendRaw(port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lie}\r\n`)
          t.same(headerValues(upstream.requests.at(-1), 'x-forwarded-prefix'), expected, `${target} ${lie}`)
        }
      }
    },
  )
}

t.test('what a trusted proxy took off comes first, as one prefix', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await startTestGateway(t, {
    proxy: { trustedProxies: ['127.0.0.1'] },
    upstreams: { up: { targets: [upstream.url] } },
    routes,
  })
  const cases: readonly (readonly [target: string, said: readonly string[], expected: readonly string[]])[] = [
    ['/shop/things', [], ['/shop']],
    ['/shop/things', ['/outer'], ['/outer/shop']],
    ['/shop/things', ['/a/, /b'], ['/a/b/shop']],
    ['/shop/things', ['/a', '/b'], ['/a/b/shop']],
    ['/plain/1', ['/outer'], ['/outer']],
    ['/plain/1', [], []],
  ]
  for (const [target, said, expected] of cases) {
    const lines = said.map((prefix) => `X-Forwarded-Prefix: ${prefix}\r\n`).join('')
    await sendRaw(port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines}\r\n`)
    t.same(headerValues(upstream.requests.at(-1), 'x-forwarded-prefix'), expected, `${target} ${said.join()}`)
  }
})

t.test(
  'a prefix of slashes alone is empty, and one of slashes with something behind them takes no quadratic time',
  async (t) => {
    const upstream = await startUpstream(t)
    const { port } = await startTestGateway(t, {
      limits: { headerBytes: '64KiB' },
      proxy: { trustedProxies: ['127.0.0.1'] },
      upstreams: { up: { targets: [upstream.url] } },
      routes,
    })
    const ask = (prefix: string) =>
      sendRaw(
        port,
        `GET /shop/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-Prefix: ${prefix}\r\n\r\n`,
        5000,
      )
    await ask('///')
    t.same(headerValues(upstream.requests.at(-1), 'x-forwarded-prefix'), ['/shop'])
    const startedAt = performance.now()
    // The upstream's own limit of heads refuses it: what counts is that the gateway is through.
    await ask(`${'/'.repeat(60_000)}x`)
    t.ok(performance.now() - startedAt < 1000, `it took ${(performance.now() - startedAt).toFixed()} ms`)
  },
)

t.test('handshakes say it as well', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { url } = await startTestGateway(t, { upstreams: { up: { targets: [upstream.url] } }, routes })
  for (const [target, [expected]] of CASES) {
    const { socket, status } = await openWebSocket(url + target, [], { headers: { 'x-forwarded-prefix': '/evil' } })
    socket.terminate()
    t.equal(status, 101)
    t.equal(upstream.handshakes.at(-1)?.headers['x-forwarded-prefix'], expected, target)
  }
})
