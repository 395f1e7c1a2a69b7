// RFC 9864: Ed25519 and Ed448 are the names, EdDSA is the older one for both. They are one and the same in tokens, keys and config.
import t from 'tap'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

import { createTestAuthenticator } from '../support/test-authenticator.ts'
import { runCli } from '../support/run-cli.ts'
import { ISSUER, nowSec } from '../support/tokens.ts'

const pairs = { Ed25519: generateKeyPairSync('ed25519'), Ed448: generateKeyPairSync('ed448') }

function tokenOf(alg: string, key: KeyObject): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg, kid: 'k' })}.${part({ iss: ISSUER, exp: nowSec() + 60 })}`
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`
}

async function decide(curve: 'Ed25519' | 'Ed448', stated: string | undefined, algorithms: string[], used: string) {
  const jwk = {
    ...pairs[curve].publicKey.export({ format: 'jwk' }),
    kid: 'k',
    ...(stated === undefined ? {} : { alg: stated }),
  }
  const issuer = { name: 'ed', issuer: ISSUER, algorithms, keys: { jwksUrl: 'https://issuer.example.com/jwks' } }
  const test = createTestAuthenticator([issuer], {
    fetchJson: () => Promise.resolve({ json: { keys: [jwk] }, maxAgeSec: undefined }),
  })
  await test.issuers[0]?.keys.remote?.start()
  return test.decide(tokenOf(used, pairs[curve].privateKey))
}

t.test('either name may stand in the key, the token and the config, where the key fits', async (t) => {
  for (const curve of ['Ed25519', 'Ed448'] as const) {
    const other = curve === 'Ed25519' ? 'Ed448' : 'Ed25519'
    for (const algorithms of [['EdDSA'], [curve], ['EdDSA', curve], ['RS256', curve]])
      for (const stated of [undefined, 'EdDSA', curve])
        for (const used of ['EdDSA', curve])
          t.equal(
            await decide(curve, stated, algorithms, used),
            'ok',
            `${curve}: ${String(stated)} ${algorithms.join()} ${used}`,
          )
    t.equal(await decide(curve, undefined, [other], curve), 'algorithm_not_allowed')
    t.equal(await decide(curve, undefined, [other], 'EdDSA'), 'keys_unavailable', 'no key of the other curve is there')
    t.equal(await decide(curve, other, ['EdDSA'], curve), 'keys_unavailable', 'the key says that it is another one')
    t.equal(await decide(curve, undefined, ['EdDSA'], other), 'key_unknown', 'the token says the other curve')
    t.equal(await decide(curve, undefined, ['RS256'], curve), 'algorithm_not_allowed')
    for (const spelling of ['ed25519', 'ED448', 'Ed25519ph'])
      t.equal(await decide(curve, undefined, ['EdDSA'], spelling), 'algorithm_not_allowed', spelling)
  }
})

t.test('the command line makes and signs with either name', async (t) => {
  for (const [alg, crv] of [
    ['EdDSA', 'Ed25519'],
    ['Ed25519', 'Ed25519'],
    ['Ed448', 'Ed448'],
  ] as const) {
    const folder = t.testdir({})
    t.equal((await runCli('keys', 'generate', '--alg', alg, '--kid', 'k', '--out', folder)).code, 0)
    const { out } = await runCli('token', 'sign', '--key', `${folder}/k.private.pem`, '--alg', alg, '--kid', 'k')
    const verified = await runCli('token', 'verify', out.trim(), '--key', `${folder}/k.jwks.json`)
    t.match(verified, { code: 0 })
    t.match(JSON.parse(verified.out), { header: { alg } })
    const byDefault = await runCli('token', 'sign', '--key', `${folder}/k.private.pem`)
    t.match(JSON.parse(Buffer.from(byDefault.out.split('.')[0] ?? '', 'base64url').toString()), { alg: 'EdDSA' }, crv)
  }
})
