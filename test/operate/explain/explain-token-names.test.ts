// What explain calls a token that is within a tolerance, or that is no signed token at all.
import t from 'tap'
import { join } from 'node:path'

import { runCli } from '../../support/run-cli.ts'
import { goodClaims, ISSUER, nowSec, SECRET, signHmac } from '../../support/tokens.ts'

const CONFIG = `
issuers: [{ name: main, issuer: ${ISSUER}, audiences: [api], algorithms: [HS256], clockTolerance: 60s, keys: { secret: { value: ${SECRET} } } }]
tokens: { from: [{ header: x-token }] }
upstreams: { up: { targets: [http://127.0.0.1:1] } }
routes: [{ path: /*, upstream: up }]
`

t.test('tokens are named as what they are', async (t) => {
  const file = join(t.testdir({ 'c.yaml': CONFIG }), 'c.yaml')
  const at = nowSec()
  const good = await signHmac(goodClaims({ iat: at - 600, exp: at + 600 }))
  const [header = '', payload = '', signature = ''] = good.split('.')
  const none = Buffer.from('{"alg":"none"}').toString('base64url')

  for (const [title, token, code, told] of [
    [
      'within the tolerance',
      await signHmac(goodClaims({ iat: at - 600, exp: at - 34 })),
      0,
      /ok +time +it expired 34 s ago, within the clock tolerance of 1 min/,
    ],
    [
      'beyond it',
      await signHmac(goodClaims({ iat: at - 600, exp: at - 61 })),
      1,
      /FAIL +time +it expired 1 s ago, .*clock tolerance included/,
    ],
    [
      'early, within it',
      await signHmac(goodClaims({ nbf: at + 20 })),
      0,
      /ok +time +it is valid in 20 s, within the clock tolerance/,
    ],
    ['in time', good, 0, /ok +time +it expires 2/],
    // RFC 7516 section 3.1, and section 4.5 of RFC 7518: direct encryption has no encrypted key.
    ['JWE', `${header}.a.b.c.d`, 1, /FAIL +shape +it is an encrypted token \(JWE\), five parts/],
    ['JWE, direct', `${header}..b.c.d`, 1, /FAIL +shape +it is an encrypted token \(JWE\), five parts/],
    // RFC 7515 appendix A.5.
    ['alg none', `${none}.${payload}.`, 1, /FAIL +shape +it is not signed: .*alg none/],
    ['alg none with a signature', `${none}.${payload}.${signature}`, 1, /FAIL +algorithm +it is signed with "none"/],
    ['quoted', `"${good}"`, 1, /FAIL +shape +it stands in quotes/],
    ['in single quotes', `'${good}'`, 1, /FAIL +shape +it stands in quotes/],
    ['a line break', `${header}.${payload}.\n${signature}`, 1, /FAIL +shape +it has a line break inside/],
    ['a blank', `${header}.${payload}. ${signature}`, 1, /FAIL +shape +it has a blank inside/],
    ['Bearer twice', `Bearer Bearer ${good}`, 1, /FAIL +shape +it begins with the word Bearer/],
    ['four parts', `${good}.x`, 1, /FAIL +shape +its third part is no signature/],
    ['two parts', `${header}.${payload}`, 1, /FAIL +shape +it has two parts, wanted are three/],
  ] as const) {
    const { code: exit, out } = await runCli('explain', '-c', file, '--at', String(at), 'GET', '/x', '-t', token)
    t.equal(exit, code, title)
    t.match(out, told, title)
  }
})
