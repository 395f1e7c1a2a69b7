// What the debug log tells of a refusal.
import t from 'tap'

import { CHECKS, FAILURES } from '../../gateway/src/failure.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'

t.test(
  'the debug log has the decision trace of a refusal under its request id, without token and claims',
  async (t) => {
    const upstream = await startUpstream(t)
    const { url, lines } = await startTestGateway(t, {
      issuers: [hmacIssuer()],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
    })
    const token = await signHmac({
      exp: Math.floor(Date.now() / 1000) - 40,
      iat: undefined,
      email: 'alice@example.com',
    })
    const answer = await fetch(`${url}/x?access_token=${token}`, { headers: { authorization: `Bearer ${token}` } })
    t.equal(answer.status, 401)
    const refused = lines.find(({ message }) => message === 'refused')
    t.match(refused, {
      requestId: answer.headers.get('x-request-id'),
      route: '/*',
      code: 'token_expired',
      trace:
        /^request passed, token passed, origin passed, limit passed, shape passed, issuer passed, algorithm passed, claims passed, time failed: it expired \d+ s ago/,
    })
    const log = JSON.stringify(lines)
    t.notMatch(log, /alice/)
    for (const part of token.split('.')) t.notOk(log.includes(part))
  },
)

t.test('a client with too many failures is told of at the check that refused it', async (t) => {
  const upstream = await startUpstream(t)
  const { url, lines } = await startTestGateway(t, {
    limits: { authFailures: { max: 1, per: '1m' } },
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up' }],
  })
  const ask = async (authorization: string) => (await fetch(url, { headers: { authorization } })).status
  t.equal(await ask('Bearer nonsense'), 401)
  t.equal(await ask('Bearer nonsense'), 429)
  const traces = lines.filter(({ message }) => message === 'refused').map(({ trace }) => trace)
  t.match(traces[0], /^request passed, token passed, origin passed, limit passed, shape failed: /)
  t.match(
    traces[1],
    /^request passed, token passed, origin passed, limit failed: too many tokens of this client failed/,
  )
})

t.test('every failure is given by a check', (t) => {
  for (const [code, { check }] of Object.entries(FAILURES)) t.ok(CHECKS.includes(check), code)
  t.end()
})
