import t from 'tap'

import { createFakeClock } from '../support/fake-clock.ts'
import { createTestAuthenticator } from '../support/test-authenticator.ts'
import { createSigner, goodClaims } from '../support/tokens.ts'

const FIVE_MINUTES = 300_000
const signer = await createSigner('ES256', 'one')

t.test('discovery follows the document of exactly the configured issuer', async (t) => {
  const issuer = 'https://login.example.com/tenant'
  let stated = issuer
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
  t.match(events.at(-1), /names another issuer/)
  stated = issuer
  jwksUri = 'http://keys.example.com/jwks'
  await clock.advance(FIVE_MINUTES)
  t.match(events.at(-1), /not https/)
  jwksUri = undefined
  await clock.advance(FIVE_MINUTES)
  t.match(events.at(-1), /no jwks_uri/)
  issuers[0]?.keys.remote?.stop()
})
