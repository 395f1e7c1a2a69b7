// What explain and decode say of claims: as they were signed, to the digit.
import t from 'tap'
import { join } from 'node:path'

import { runCli } from '../../support/run-cli.ts'
import { signText } from '../../support/tokens.ts'

const SECRET = 'a-secret-of-at-least-thirty-two-bytes'
const CONFIG = `
issuers:
  - { name: main, issuer: i, audiences: [a], algorithms: [HS256], keys: { secret: { value: ${SECRET} } } }
upstreams: { up: { targets: [http://127.0.0.1:1] } }
routes: [{ path: /api/*, upstream: up }]
`

t.test('explain and decode show numbers to the digit, and explain says why a bound token does not pass', async (t) => {
  const file = join(t.testdir({ 'c.yaml': CONFIG }), 'c.yaml')
  const tokenOf = (more: string) =>
    signText('{"alg":"HS256"}', `{"iss":"i","aud":"a","sub":"al","scope":"x","exp":4000000000,${more}}`, SECRET)
  const exact = tokenOf('"id":12345678901234567890,"__proto__":{"n":1e400}')
  for (const argv of [
    ['explain', '-c', file, 'GET', '/api/x', '-t', exact],
    ['explain', '-c', file, 'GET', '/api/x', '-t', exact, '--json'],
  ]) {
    const { code, out } = await runCli(...argv)
    t.equal(code, 0)
    t.equal(
      out.split('"id":12345678901234567890,"__proto__":{"n":1e400}').length,
      3,
      'as it came and as the upstream gets it',
    )
  }
  t.match(await runCli('token', 'decode', exact), { code: 0, out: /"id": 12345678901234567890,\n[^]*"n": 1e400\n/ })
  const year = await runCli('explain', '-c', file, 'GET', '/api/x', '-t', tokenOf('"exp":1e300'))
  t.match(year, { code: 1, out: /claim_invalid/ }, 'a time that is no date')
  const bound = await runCli('explain', '-c', file, 'GET', '/api/x', '-t', tokenOf('"cnf":{"jkt":"0ZcOCORZNYy"}'))
  t.match(bound, {
    code: 1,
    out: /FAIL claims +it is bound to a key of DPoP \(cnf: jkt\), and no proof[^]*401 binding_unproven/,
  })
})
