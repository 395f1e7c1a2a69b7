import t from 'tap'

import { Failure } from '../../gateway/src/failure.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createTestAuthenticator } from '../support/test-authenticator.ts'
import { createSigner, goodClaims, hmacIssuer, ISSUER, signHmac, signText } from '../support/tokens.ts'

const NOW = 1_900_000_000
const at = (changes: Record<string, unknown> = {}) => ({ iat: NOW, exp: NOW + 600, ...changes })

t.test('a cached token is refused the moment it expires', async (t) => {
  const clock = createFakeClock(NOW * 1000)
  const { decide, authenticator } = createTestAuthenticator([hmacIssuer()], { clock })
  const token = await signHmac(at({ exp: NOW + 1 }))
  t.equal(decide(token), 'ok')
  clock.set((NOW + 1) * 1000 - 1)
  t.equal(decide(token), 'ok')
  t.equal(authenticator.counts.hits, 1)
  clock.set((NOW + 1) * 1000)
  t.equal(decide(token), 'token_expired')
  t.equal(authenticator.cache.ready, 0)
})

t.test('a token without iat is not served from the cache after its end', async (t) => {
  const clock = createFakeClock(NOW * 1000)
  const { decide } = createTestAuthenticator([hmacIssuer()], { clock })
  const token = await signHmac({ iat: undefined, exp: NOW + 1 })
  t.equal(decide(token), 'ok')
  clock.set((NOW + 2) * 1000)
  t.equal(decide(token), 'token_expired')
})

t.test('a clock that is set back or forward lets no expired token in', async (t) => {
  const clock = createFakeClock(NOW * 1000)
  const { decide } = createTestAuthenticator([hmacIssuer()], { clock })
  const token = await signHmac(at())
  t.equal(decide(token), 'ok')
  clock.set((NOW - 3600) * 1000)
  t.equal(decide(token), 'token_not_yet_valid')
  clock.set((NOW + 3600) * 1000)
  t.equal(decide(token), 'token_expired')
  clock.set((NOW + 1) * 1000)
  t.equal(decide(token), 'ok')
})

t.test('forged tokens never push out a good one', async (t) => {
  const { decide, authenticator } = createTestAuthenticator([hmacIssuer()], {
    cache: { maxTokens: 100, maxBytes: 1e6, maxAge: 60_000 },
  })
  const good = await signHmac()
  t.equal(decide(good), 'ok')
  const [header = '', body = ''] = good.split('.')
  for (let index = 0; index < 10_000; index += 1) {
    const signature = Buffer.alloc(32)
    signature.writeUInt32BE(index, 3)
    decide(`${header}.${body}.${signature.toString('base64url')}`)
  }
  t.equal(authenticator.cache.ready, 1)
  t.equal(decide(good), 'ok')
  t.equal(authenticator.counts.hits, 1)
})

t.test('good tokens beyond the bounds leave in the order of their last use', async (t) => {
  const { decide, authenticator } = createTestAuthenticator([hmacIssuer()], {
    cache: { maxTokens: 2, maxBytes: 1e6, maxAge: 60_000 },
  })
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((sub) => signHmac({ sub })))
  for (const token of [a, b, a, c, a]) t.equal(decide(token as string), 'ok')
  t.equal(authenticator.cache.ready, 2)
  t.equal(authenticator.counts.hits, 2)
})

t.test('the cache is bounded by bytes too', async (t) => {
  const { decide, authenticator } = createTestAuthenticator([hmacIssuer()], {
    cache: { maxTokens: 1000, maxBytes: 20_000, maxAge: 60_000 },
  })
  for (let index = 0; index < 50; index += 1) t.equal(decide(await signHmac({ sub: `user-${index}` })), 'ok')
  t.ok(authenticator.cache.readyBytes <= 20_000)
  t.ok(authenticator.cache.ready < 20)
})

t.test('many small values in the claims count for the heap that they take, not for their text', async (t) => {
  const bytesOf = async (claims: Record<string, unknown>) => {
    const { decide, authenticator } = createTestAuthenticator([hmacIssuer()])
    t.equal(decide(await signHmac(claims)), 'ok')
    return authenticator.cache.readyBytes
  }
  const plain = await bytesOf({})
  const lists = await bytesOf({ lists: Array.from({ length: 1000 }, () => []) })
  t.ok(lists > 40_000, `${lists} bytes: each empty list takes 40`)
  const text = await bytesOf({ text: 'x'.repeat(3000) })
  t.ok(text > plain + 3000 * (1 + 4 / 3 + 4 / 3) && text < lists / 3, `${text} bytes: the claim, the token, the header`)
  const names = await bytesOf({
    rights: Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`right-${index}`, 1])),
  })
  t.ok(names > 10_000, `${names} bytes: names that no other token has`)
})

t.test('after maxAge a token is verified again', async (t) => {
  const clock = createFakeClock(NOW * 1000)
  const { decide, authenticator } = createTestAuthenticator([hmacIssuer()], {
    clock,
    cache: { maxTokens: 10, maxBytes: 1e6, maxAge: 5000 },
  })
  const token = await signHmac(at())
  decide(token)
  clock.set((NOW + 5) * 1000)
  t.equal(decide(token), 'ok')
  t.equal(authenticator.counts.misses, 2)
})

t.test('claims are frozen all the way down: no request can change what the next one sees', async (t) => {
  const { authenticator, issuers } = createTestAuthenticator([hmacIssuer()])
  const token = await signHmac({ realm: { roles: ['reader'] } })
  const first = authenticator.authenticate(token, issuers)
  if (first instanceof Failure) throw new Error(first.code)
  const realm = first.claims['realm'] as unknown as { roles: string[] }
  t.throws(() => realm.roles.push('admin'), TypeError)
  t.throws(() => Object.assign(first.claims, { sub: 'root' }), TypeError)
  t.equal(authenticator.authenticate(token, issuers), first)
})

t.test('a refusal is not remembered when the clock may change it', async (t) => {
  const clock = createFakeClock(NOW * 1000)
  const { decide } = createTestAuthenticator([hmacIssuer()], { clock })
  const token = await signHmac(at({ nbf: NOW + 1 }))
  t.equal(decide(token), 'token_not_yet_valid')
  clock.set((NOW + 1) * 1000)
  t.equal(decide(token), 'ok')
})

t.test('the same forged token again costs no signature check', async (t) => {
  const { decide, issuers } = createTestAuthenticator([hmacIssuer()])
  const key = issuers[0]?.keys.ring.find({ alg: 'HS256', kid: undefined, typ: undefined })[0]
  if (key === undefined) throw new Error('no key')
  let checks = 0
  const original = key.isSignedBy
  Object.assign(key, { isSignedBy: (token: Parameters<typeof original>[0]) => ((checks += 1), original(token)) })
  const forged = await signHmac({}, {}, 'another-secret-of-at-least-thirty-two-bytes')
  for (let index = 0; index < 5; index += 1) t.equal(decide(forged), 'signature_invalid')
  t.equal(checks, 1)
})

t.test('one token on routes with different issuers is decided for each route, cached or not', async (t) => {
  const { decide } = createTestAuthenticator([
    hmacIssuer(),
    hmacIssuer({ name: 'other', issuer: 'https://other.example.com/' }),
  ])
  const token = await signHmac()
  for (let round = 0; round < 3; round += 1) {
    t.equal(decide(token, ['main']), 'ok')
    t.equal(decide(token, ['other']), 'issuer_unknown')
    t.equal(decide(token), 'ok')
  }
})

t.test('keys are looked up by issuer and kid, never by kid alone', async (t) => {
  const [a, b] = await Promise.all([createSigner('ES256', 'shared'), createSigner('ES256', 'shared')])
  const issuerOf = (name: string, { jwk }: typeof a) => ({
    name,
    issuer: `https://${name}.example.com/`,
    algorithms: ['ES256'],
    keys: { jwksUrl: `https://${name}.example.com/jwks` },
    clockTolerance: '0s',
    jwk,
  })
  const [first, second] = [issuerOf('a', a), issuerOf('b', b)]
  const { decide, issuers } = createTestAuthenticator(
    [first, second].map(({ jwk: _jwk, ...options }) => options),
    {
      fetchJson: (url) =>
        Promise.resolve({ json: { keys: [url.includes('//a.') ? a.jwk : b.jwk] }, maxAgeSec: undefined }),
    },
  )
  for (const { keys } of issuers) await keys.remote?.start()
  t.equal(decide(await a.sign({ iss: 'https://a.example.com/' })), 'ok')
  t.equal(decide(await b.sign({ iss: 'https://b.example.com/' })), 'ok')
  t.equal(decide(await b.sign({ iss: 'https://a.example.com/' })), 'signature_invalid')
  for (const { keys } of issuers) keys.remote?.stop()
})

t.test('an issuer without `issuer` serves tokens by being the only one of a route', async (t) => {
  const { decide } = createTestAuthenticator([
    hmacIssuer({ issuer: undefined, name: 'open' }),
    hmacIssuer({ name: 'main' }),
  ])
  const token = await signHmac({ iss: 'https://nobody.example.com/' })
  t.equal(decide(token, ['open']), 'ok')
  t.equal(decide(token, ['main', 'open']), 'issuer_unknown')
})

t.test('an attacker cannot make a public key serve as a shared secret', async (t) => {
  const signer = await createSigner('RS256', 'k')
  const { decide, issuers } = createTestAuthenticator(
    [{ name: 'main', issuer: ISSUER, algorithms: ['RS256'], keys: { jwksUrl: 'https://issuer.example.com/jwks' } }],
    { fetchJson: () => Promise.resolve({ json: { keys: [signer.jwk] }, maxAgeSec: undefined }) },
  )
  await issuers[0]?.keys.remote?.start()
  issuers[0]?.keys.remote?.stop()
  const secrets = [
    signer.pem,
    `\n${signer.pem}`,
    signer.pem.trim(),
    signer.pem.replaceAll('\n', '\r\n'),
    JSON.stringify(signer.jwk),
    String(signer.jwk.n),
    Buffer.from(signer.pem.replaceAll(/-----.*-----|\s/g, ''), 'base64'),
    '',
  ]
  for (const secret of secrets) {
    for (const alg of ['HS256', 'RS256']) {
      const token = signText(JSON.stringify({ alg, kid: 'k' }), JSON.stringify(goodClaims()), secret)
      t.match(decide(token), /algorithm_not_allowed|signature_invalid/)
    }
  }
  t.equal(decide(await signer.sign()), 'ok')
})

t.test('a result carries what the upstream needs and a token id that no spelling changes', async (t) => {
  const { authenticator, issuers } = createTestAuthenticator([hmacIssuer()])
  const result = authenticator.authenticate(await signHmac({ scope: 'a b', jti: 'j' }), issuers)
  t.match(result, { authenticated: true, issuer: 'main', subject: 'alice', scopes: ['a', 'b'], tokenId: /^[\w-]{43}$/ })
})

t.test('claims that are too large for the header are refused, never cut', async (t) => {
  const { decide } = createTestAuthenticator([hmacIssuer()])
  t.equal(decide(await signHmac({ groups: 'g'.repeat(5000) })), 'ok')
  t.equal(decide(await signHmac({ groups: 'g'.repeat(5800) })), 'auth_result_too_large')
})
