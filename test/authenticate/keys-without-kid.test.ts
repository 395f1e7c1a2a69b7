// Tokens that name no key: RFC 7515 section 4.1.4 makes kid optional. Envoy (jwt_authn), Nimbus (JWKSecurityContext) and go-oidc
// (verifyJWT) try each key of the issuer that fits the algorithm.
import t from 'tap'

import { document, startRemoteIssuer } from '../support/remote-issuer.ts'
import { createSigner, type Signer } from '../support/tokens.ts'

const MINUTE = 60_000
const NAMELESS = { kid: undefined }
const many: Signer[] = await Promise.all(Array.from({ length: 10 }, (_, index) => createSigner('ES256', `k${index}`)))
const [first, second] = many as [Signer, Signer]
const rsa = await createSigner('RS256', 'r')
const stranger = await createSigner('ES256', 'stranger')
const withoutKid = (signer: Signer): Signer => ({ ...signer, jwk: { ...signer.jwk, kid: '' } })

t.test('each key that fits the algorithm is tried, whether keys have names or not', async (t) => {
  for (const published of [
    [first, second],
    [second, rsa, first],
    [withoutKid(first), withoutKid(second)],
    [withoutKid(second), first, rsa],
  ]) {
    const { sign, decide } = await startRemoteIssuer(() => document(published), {}, { algorithms: ['ES256', 'RS256'] })
    for (const signer of [first, second]) t.equal(decide(await sign(signer, NAMELESS)), 'ok')
    t.equal(decide(await sign(stranger, NAMELESS)), 'signature_invalid')
  }
})

t.test('keys without kid serve tokens with any kid that no key has, each of them', async (t) => {
  const { sign, decide } = await startRemoteIssuer(() => document([withoutKid(first), withoutKid(second), stranger]))
  for (const signer of [first, second]) t.equal(decide(await sign(signer, { kid: 'whatever' })), 'ok')
  t.equal(decide(await sign(first, { kid: 'stranger' })), 'signature_invalid', 'the key of that name is the one')
})

t.test('no more than eight keys are tried, and then the key is unknown', async (t) => {
  const { sign, decide } = await startRemoteIssuer(() => document(many))
  const told = await Promise.all(many.map(async (signer) => decide(await sign(signer, NAMELESS))))
  t.same(told, [...Array.from({ length: 8 }, () => 'ok'), 'key_unknown', 'key_unknown'])
  t.equal(decide(await sign(stranger, NAMELESS)), 'key_unknown')
  t.equal(decide(await sign(many[9] as Signer)), 'ok', 'by its name each is found')
})

t.test('the key that verified is remembered: with it the token goes, with another it stays a hit', async (t) => {
  let published = [first, second]
  const { sign, decide, clock, authenticator } = await startRemoteIssuer(() => document(published))
  const [one, two] = [await sign(first, NAMELESS), await sign(second, NAMELESS)]
  for (let round = 0; round < 3; round += 1) for (const token of [one, two]) t.equal(decide(token), 'ok')
  published = [second]
  await clock.advance(5 * MINUTE)
  const { misses } = authenticator.counts
  t.equal(decide(one), 'signature_invalid', 'its key is gone')
  t.equal(authenticator.counts.misses, misses + 1)
  t.equal(decide(two), 'ok')
  t.equal(authenticator.counts.misses, misses + 1, 'its signature is not checked again')
  t.equal(decide(one), 'signature_invalid')
})

t.test('a key that is added beside another is tried for a token that was refused a moment ago', async (t) => {
  let published = [first]
  const { sign, decideAfterWait, fetches, clock } = await startRemoteIssuer(() => document(published), {
    cooldown: '6s',
  })
  const token = await sign(second, NAMELESS)
  t.equal(await decideAfterWait(token), 'signature_invalid')
  t.equal(fetches.length, 2)
  published = [first, second]
  await clock.advance(7000)
  t.equal(await decideAfterWait(token), 'ok')
})
