import t from 'tap'

import { createFakeClock } from '../support/fake-clock.ts'
import { createTestAuthenticator } from '../support/test-authenticator.ts'
import { createSigner, goodClaims } from '../support/tokens.ts'

const FIVE_MINUTES = 300_000
const signer = await createSigner('ES256', 'one')

t.test('discovery follows the document of exactly the configured issuer', async (t) => {
  const issuer = 'https://login.example.com/tenant'
  let stated: string | undefined = issuer
  let jwksUri: unknown = 'https://keys.example.com/jwks'
  const asked: string[] = []
  const clock = createFakeClock()
  const { decide, issuers, events } = createTestAuthenticator(
    [{ name: 'main', issuer, algorithms: ['ES256'], keys: { discovery: true }, clockTolerance: '0s' }],
    {
      clock,
      schedule: clock.schedule,
      fetchJson: (url) => {
        asked.push(url)
        const json = url.endsWith('openid-configuration')
          ? { issuer: stated, jwks_uri: jwksUri }
          : { keys: [signer.jwk] }
        return Promise.resolve({ json, maxAgeSec: undefined })
      },
    },
  )
  await issuers[0]?.keys.remote?.start()
  t.same(asked, [`${issuer}/.well-known/openid-configuration`, 'https://keys.example.com/jwks'])
  t.equal(
    decide(
      await signer.sign({ ...goodClaims({ iss: issuer, iat: clock.now() / 1000, exp: clock.now() / 1000 + 60 }) }),
    ),
    'ok',
  )

  stated = `${issuer}/`
  await clock.advance(FIVE_MINUTES)
  t.match(events.at(-1), /\/\.well-known\/openid-configuration: the discovery document names another issuer: it is/)
  stated = undefined
  await clock.advance(FIVE_MINUTES)
  t.match(events.at(-1), /openid-configuration: this is no discovery document: its issuer is missing/)
  stated = issuer
  jwksUri = 'http://keys.example.com/jwks'
  await clock.advance(FIVE_MINUTES)
  t.match(events.at(-1), /not https/)
  jwksUri = undefined
  await clock.advance(FIVE_MINUTES)
  t.match(events.at(-1), /openid-configuration: the discovery document has no jwks_uri/)
  issuers[0]?.keys.remote?.stop()
})

t.test('a document that is no JWK set is told with its address, without its query', async (t) => {
  const { issuers, events } = createTestAuthenticator(
    [{ name: 'main', algorithms: ['ES256'], keys: { jwksUrl: 'https://login.example.com/openid?key=secret' } }],
    { fetchJson: () => Promise.resolve({ json: { jwks_uri: 'https://a.example/' }, maxAgeSec: undefined }) },
  )
  await issuers[0]?.keys.remote?.start()
  issuers[0]?.keys.remote?.stop()
  t.match(events.at(-1), /https:\/\/login\.example\.com\/openid: the JWK set has no usable key: it has no array `keys`/)
})
