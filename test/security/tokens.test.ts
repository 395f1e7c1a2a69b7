// Attacks on how a token is decided: by keys it brings along, by a route that is stricter, by time, by size, by their mass.
import t from 'tap'

import { createFakeClock } from '../support/fake-clock.ts'
import { headerValues, startUpstream } from '../support/recording-upstream.ts'
import { createTestAuthenticator } from '../support/test-authenticator.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { createSigner, hmacIssuer, ISSUER, signHmac, signText } from '../support/tokens.ts'

// Attack: a token that brings its own key. Amplifier: a library that takes it, or fetches it. Defence: only the issuer's keys.
t.test('a key in the header of a token is not believed and not fetched, though its algorithm is right', async (t) => {
  const [issuer, attacker] = [await createSigner('ES256', 'k'), await createSigner('ES256', 'k')]
  const fetched: string[] = []
  const { decide, issuers } = createTestAuthenticator(
    [{ name: 'main', issuer: ISSUER, algorithms: ['ES256'], keys: { jwksUrl: 'https://issuer.example.com/jwks' } }],
    {
      fetchJson: (url) => {
        fetched.push(url)
        return Promise.resolve({ json: { keys: [issuer.jwk] }, maxAgeSec: undefined })
      },
    },
  )
  await issuers[0]?.keys.remote?.start()
  for (const header of [
    { jwk: attacker.jwk },
    { jku: 'https://attacker.example.com/jwks' },
    { x5u: 'https://attacker.example.com/key.pem' },
    { x5c: ['MIIB'] },
  ]) {
    t.equal(decide(await attacker.sign({}, header)), 'signature_invalid')
    t.equal(decide(await attacker.sign({}, { ...header, kid: 'mine' })), 'key_unknown')
  }
  issuers[0]?.keys.remote?.stop()
  t.ok(fetched.every((url) => url === 'https://issuer.example.com/jwks'))
  t.equal(decide(await issuer.sign()), 'ok')
})

// Attack: a token seen on an easy route, used on a strict one. Amplifier: the cache. Defence: the route decides every time.
t.test('two routes that ask for different scopes decide the same cached token differently, in turn', async (t) => {
  const upstream = await startUpstream(t)
  const { url, gateway } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: '/read', upstream: 'up', require: { scopes: { all: ['read'] } } },
      { path: '/write', upstream: 'up', require: { scopes: { all: ['write'] } } },
    ],
  })
  const headers = { authorization: `Bearer ${await signHmac({ scope: 'read' })}` }
  for (let round = 0; round < 3; round += 1) {
    t.equal((await fetch(`${url}/read`, { headers })).status, 200)
    t.equal((await fetch(`${url}/write`, { headers })).status, 403)
  }
  t.equal(gateway.authenticator.counts.misses, 1)
})

t.test(
  'a token that expires while its request is under way lets that request end, and the next one is 401',
  async (t) => {
    const clock = createFakeClock()
    const nowSec = clock.now() / 1000
    const upstream = await startUpstream(t, (_request, response) => {
      clock.set((nowSec + 11) * 1000)
      response.end('late')
    })
    const { url } = await startTestGateway(
      t,
      {
        issuers: [hmacIssuer()],
        upstreams: { up: { targets: [upstream.url] } },
        routes: [{ path: '/*', upstream: 'up' }],
      },
      { clock, schedule: clock.schedule },
    )
    const headers = { authorization: `Bearer ${await signHmac({ iat: nowSec, exp: nowSec + 10 })}` }
    const first = await fetch(url, { headers })
    t.equal(first.status, 200)
    t.equal(await first.text(), 'late')
    const second = await fetch(url, { headers })
    t.equal(second.status, 401)
    t.match(await second.json(), { code: 'token_expired' })
  },
)

t.test('a refusal for want of a key is over when the key comes, whatever the clock tolerance', async (t) => {
  const clock = createFakeClock()
  const nowSec = clock.now() / 1000
  const [old, next] = [await createSigner('ES256', 'old'), await createSigner('ES256', 'next')]
  let published = [old]
  const { decide, issuers } = createTestAuthenticator(
    [
      {
        name: 'main',
        issuer: ISSUER,
        algorithms: ['ES256'],
        keys: { jwksUrl: 'https://issuer.example.com/jwks', cooldown: '1s' },
        clockTolerance: '60s',
      },
    ],
    {
      clock,
      schedule: clock.schedule,
      fetchJson: () => Promise.resolve({ json: { keys: published.map(({ jwk }) => jwk) }, maxAgeSec: undefined }),
    },
  )
  await issuers[0]?.keys.remote?.start()
  const token = await next.sign({ iat: nowSec, exp: nowSec + 600 })
  t.equal(decide(token), 'key_unknown')
  await clock.advance(2000)
  published = [old, next]
  t.equal(decide(token), 'key_unknown', 'this one asks for the keys')
  await clock.advance(1000)
  t.equal(decide(token), 'ok')
  issuers[0]?.keys.remote?.stop()
})

t.test('claims of 6 KB fail in our own words, and no upstream has to say 431', async (t) => {
  const upstream = await startUpstream(t)
  const { url } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up' }],
  })
  const call = async (claims: object) => fetch(url, { headers: { authorization: `Bearer ${await signHmac(claims)}` } })
  t.equal((await call({ groups: 'g'.repeat(5000) })).status, 200)
  const refused = await call({ groups: 'g'.repeat(5900) })
  t.equal(refused.status, 500)
  t.match(await refused.json(), { code: 'auth_result_too_large' })
  t.equal(upstream.requests.length, 1)
  t.match(headerValues(upstream.requests[0], 'x-auth-result'), [/^[\w-]+$/])
})

// Attack: bad tokens from many connections at once. Amplifier: a cache or a queue that good requests share with them.
t.test('good requests in the midst of bad ones are all served, from the cache, and quickly', async (t) => {
  const upstream = await startUpstream(t)
  const { url, gateway } = await startTestGateway(t, {
    log: { level: 'silent', access: 'off' },
    tokens: { cache: { maxTokens: 10, maxBytes: '1MiB', maxAge: '10m' } },
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up' }],
  })
  const good = await signHmac()
  const call = async (token: string) => (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status
  t.equal(await call(good), 200)
  const [header = '', payload = ''] = good.split('.')
  let sent = 0
  const attack = async () => {
    for (let turn = 0; turn < 60; turn += 1) {
      const index = (sent += 1)
      const signature = Buffer.alloc(32, index % 251)
      signature.writeUInt32BE(index, 4)
      const bad = [
        `${header}.${payload}.${signature.toString('base64url')}`,
        signText('{"alg":"none"}', `{"jti":"${index}"}`),
        `${index}`,
      ][index % 3] as string
      t.ok((await call(bad)) === 401)
    }
  }
  const durations: number[] = []
  const serve = async () => {
    for (let turn = 0; turn < 30; turn += 1) {
      const startedAt = performance.now()
      t.equal(await call(good), 200)
      durations.push(performance.now() - startedAt)
    }
  }
  await Promise.all([...Array.from({ length: 10 }, attack), serve()])
  t.equal(gateway.authenticator.counts.hits, 30)
  t.ok((durations.sort((a, b) => a - b)[15] ?? 0) < 1000)
})
