// What did not change is carried from one generation to the next: connections, keys, known tokens, counts.
import t from 'tap'
import type { Socket } from 'node:net'

import { startUpstream } from '../../support/recording-upstream.ts'
import { createSigner, hmacIssuer, ISSUER, signHmac } from '../../support/tokens.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startChangeable, statusOf } from '../../support/changeable-gateway.ts'

const OPEN = { auth: 'none' }

t.test(
  'an upstream with equal options keeps its connections, one with others gets new ones and the old are closed',
  async (t) => {
    const sockets: Socket[] = []
    const upstream = await startUpstream(t, ({ socket }, response) => {
      if (!sockets.includes(socket)) sockets.push(socket)
      response.end()
    })
    const options = (path: string, more: object = {}) => ({
      upstreams: { up: { targets: [upstream.url], ...more } },
      routes: [{ path, upstream: 'up', ...OPEN }],
    })
    const { url, change } = await startChangeable(t, options('/a'))
    t.equal(await statusOf(`${url}/a`), 200)
    const [first] = sockets
    await change(options('/b'))
    t.equal(await statusOf(`${url}/b`), 200)
    t.equal(sockets.length, 1, 'the same connection')
    await change(options('/b', { connections: 7 }))
    t.equal(await statusOf(`${url}/b`), 200)
    await waitFor(() => first?.destroyed === true)
    t.equal(sockets.length, 2, 'a connection of the new one')
    t.equal(upstream.open(), 1)
  },
)

t.test('known tokens, fetched keys and revocations are carried; a rule that changed holds at once', async (t) => {
  const signer = await createSigner('ES256')
  let fetches = 0
  const fetchJson = () => {
    fetches += 1
    return Promise.resolve({ json: { keys: [signer.jwk] }, maxAgeSec: undefined })
  }
  const upstream = await startUpstream(t)
  const issuer = {
    name: 'far',
    issuer: ISSUER,
    algorithms: ['ES256'],
    keys: { jwksUrl: 'https://issuer.example.com/jwks' },
  }
  const options = (paths: string[], more: object = {}) => ({
    issuers: [{ ...issuer, ...more }],
    upstreams: { up: { targets: [upstream.url] } },
    routes: paths.map((path) => ({ path, upstream: 'up' })),
  })
  const { gateway, url, change } = await startChangeable(t, options(['/a']), { fetchJson })
  const good = await signer.sign()
  const bad = await signer.sign({ jti: 'gone' })
  t.equal(await statusOf(`${url}/a`, good), 200)
  t.equal(await statusOf(`${url}/a`, bad), 200)
  await gateway.revocation.block([
    {
      kind: 'jti',
      issuer: ISSUER,
      value: 'gone',
      issuedBeforeSec: undefined,
      overlapSec: 0,
      untilSec: 9e9,
      reason: 'revoked',
    },
  ])
  t.equal(await statusOf(`${url}/a`, bad), 401)

  const { misses } = gateway.authenticator.counts
  await change(options(['/a', '/b']))
  t.ok(gateway.authenticator.cache.has(good), 'with all tokens that it knows')
  t.equal(await statusOf(`${url}/b`, good), 200)
  t.equal(await statusOf(`${url}/b`, bad), 401)
  t.equal(gateway.authenticator.counts.misses, misses, 'none was verified again')
  await change(options(['/a'], { audiences: ['another'] }))
  t.equal(await statusOf(`${url}/a`, good), 401, 'the rule is new, though the token was known')
  t.equal(await statusOf(`${url}/a`, await signer.sign({ aud: 'another' })), 200)
  t.equal(
    await statusOf(`${url}/a`, await signer.sign({ aud: 'another', jti: 'gone' })),
    401,
    'and the list is the same',
  )
  t.equal(fetches, 1, 'nobody asked the issuer again')
  await change(options(['/a'], { keys: { ...issuer.keys, maxAge: '1h' } }))
  t.equal(fetches, 2, 'keys from elsewhere are fetched')
  t.equal(await statusOf(`${url}/a`, good), 200)
})

t.test('counts go on: failed tokens of a client, requests by route', async (t) => {
  const upstream = await startUpstream(t)
  const options = (path: string, max = 2) => ({
    issuers: [hmacIssuer()],
    limits: { authFailures: { max } },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: '/a', upstream: 'up' },
      { path, upstream: 'up' },
    ],
  })
  const { gateway, url, change } = await startChangeable(t, options('/b'))
  const bad = () =>
    signHmac(
      { jti: String(Math.random()) },
      {},
      'another-secret-of-at-least-sixty-four-bytes-so-that-it-is-long-enough',
    )
  t.equal(await statusOf(`${url}/a`, await bad()), 401)
  await change(options('/c'))
  t.equal(await statusOf(`${url}/a`, await bad()), 401)
  t.equal(await statusOf(`${url}/a`, await bad()), 429, 'two generations counted together')
  await change(options('/c', 3))
  t.equal(await statusOf(`${url}/a`, await bad()), 401, 'another limit counts anew')
  t.match(await gateway.metrics.text(), 'tollgate_requests_total{route="/a",status="401"} 3')
})
