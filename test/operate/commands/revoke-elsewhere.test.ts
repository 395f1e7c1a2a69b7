// tollgate revoke at an address that is not the admin listener: nothing was blocked, so nothing may sound as if it were.
import t from 'tap'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import { startUpstream } from '../../support/recording-upstream.ts'
import { runCli } from '../../support/run-cli.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../../support/tokens.ts'

async function serve(t: Teardown, status: number, type: string, body: string): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status, { 'content-type': type }).end(body))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('whoever else answers is told as that, with its status', async (t) => {
  const upstream = await startUpstream(t)
  const proxy = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: '/*', upstream: 'up', auth: 'none' },
      { path: '/api/*', upstream: 'up', hosts: ['localhost'] },
    ],
  })
  const closed = `http://localhost:${new URL(proxy.url).port}`
  const cases: readonly [what: string, admin: string, status: number][] = [
    ['the proxy, a route for anybody', proxy.url, 200],
    ['the proxy, a route that needs a token', closed, 401],
    ['a page', await serve(t, 200, 'text/html', '<html>hello</html>'), 200],
    ['JSON of something else', await serve(t, 201, 'application/json', '{"created":true}'), 201],
    ['no object', await serve(t, 200, 'application/json', 'null'), 200],
    ['entries that are none', await serve(t, 200, 'application/json', '{"entries":"many"}'), 200],
    ['a refusal of something else', await serve(t, 404, 'text/html', 'Not Found'), 404],
    ['JSON of a refusal', await serve(t, 403, 'application/json', '"no"'), 403],
  ]
  const token = await signHmac({ jti: '1' })
  for (const [what, admin, status] of cases)
    for (const more of [[token], [token, '--json']])
      t.same(
        await runCli('revoke', ...more, '--admin', admin, '--admin-token', 'x'),
        {
          code: 1,
          out: '',
          err: `${admin} answered ${status}, but it is not the admin listener of a gateway (--admin, or TOLLGATE_ADMIN_URL)\n`,
        },
        what,
      )
})

t.test('an entry that the store does not have yet: what follows from that', async (t) => {
  const entry = '{"entries":[{"kind":"jti","issuer":"main","value":"1","until":1900000000}],"stored":false}'
  const admin = await serve(t, 201, 'application/json', entry)
  const { code, out } = await runCli('revoke', '--jti', '1', '--admin', admin, '--admin-token', 'x')
  t.equal(code, 0)
  t.match(
    out,
    /\nthe store has not taken it yet \(\/readyz says why\): until then it holds here alone, and not after a restart\n$/,
  )
})
