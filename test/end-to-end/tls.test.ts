import t from 'tap'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'

import { makeCertificate } from '../support/certificates.ts'
import { requireComponent } from '../support/require-component.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'

const isHere = requireComponent(t, 'openssl', '/usr/bin/openssl')

t.test(
  'the certificate of an upstream is verified: who signed it, and for which name',
  { skip: !isHere },
  async (t) => {
    const directory = t.testdir({})
    const { cert, key } = makeCertificate(directory, 'things.internal')
    const other = makeCertificate(directory, 'other.internal')
    const upstream = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_request, response) =>
      response.end('secret'),
    )
    upstream.listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    t.teardown(() => {
      upstream.closeAllConnections()
      upstream.close()
    })
    const target = `https://127.0.0.1:${(upstream.address() as AddressInfo).port}`
    const cases: readonly [string, Record<string, string> | undefined, number][] = [
      ['signed by nobody known', undefined, 502],
      ['signed by somebody else', { ca: other.cert, servername: 'things.internal' }, 502],
      ['for another name', { ca: cert, servername: 'other.internal' }, 502],
      ['as configured', { ca: cert, servername: 'things.internal' }, 200],
    ]
    for (const [title, tls, status] of cases) {
      const { url } = await startTestGateway(t, {
        upstreams: { up: { targets: [target], ...(tls === undefined ? {} : { tls }) } },
        routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
      })
      const response = await fetch(url)
      t.equal(response.status, status, title)
      if (status === 502) t.match(await response.json(), { code: 'upstream_unreachable' }, title)
    }
  },
)

t.test('the gateway serves HTTPS, and says so to the upstream', { skip: !isHere }, async (t) => {
  const { cert, key } = makeCertificate(t.testdir({}), 'gateway.internal')
  const upstream = await startUpstream(t)
  const { port } = await startTestGateway(t, {
    listen: { port: 0, tls: { cert, key } },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  const dispatcher = new Agent({ connect: { ca: readFileSync(cert), servername: 'gateway.internal' } })
  t.teardown(() => dispatcher.close())
  const { statusCode, body } = await request(`https://127.0.0.1:${port}/x`, { dispatcher })
  await body.dump()
  t.equal(statusCode, 200)
  t.equal(upstream.requests[0]?.headers['x-forwarded-proto'], 'https')
})
