import t from 'tap'

import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'

t.test('the debug log tells the story of a refusal under its request id, without token and claims', async (t) => {
  const upstream = await startUpstream(t)
  const { url, lines } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up' }],
  })
  const token = await signHmac({ exp: Math.floor(Date.now() / 1000) - 40, iat: undefined, email: 'alice@example.com' })
  const answer = await fetch(`${url}/x?access_token=${token}`, { headers: { authorization: `Bearer ${token}` } })
  t.equal(answer.status, 401)
  const refused = lines.find(({ message }) => message === 'refused')
  t.match(refused, {
    requestId: answer.headers.get('x-request-id'),
    route: '/*',
    code: 'token_expired',
    story:
      /^request passed, token passed, origin passed, shape passed, issuer passed, algorithm passed, claims passed, time failed: it expired \d+ s ago/,
  })
  const log = JSON.stringify(lines)
  t.notMatch(log, /alice/)
  for (const part of token.split('.')) t.notOk(log.includes(part))
})
