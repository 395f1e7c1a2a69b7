// The signing key on disk.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { calculateJwkThumbprint } from 'jose'
import t from 'tap'

import { loadSigningKey } from '../../sample-backend/src/login/key-store.ts'

const modeOf = (path: string): number => statSync(path).mode & 0o777

t.test('the first start makes a key in a folder that only its owner can read', async (t) => {
  const directory = join(t.testdir({}), 'deep', 'keys')
  await loadSigningKey(directory)
  t.same(readdirSync(directory), ['es256-private.pem'])
  t.equal(modeOf(directory), 0o700)
  t.equal(modeOf(join(directory, 'es256-private.pem')), 0o600)
})

t.test('the next start uses the same key', async (t) => {
  const directory = t.testdir({})
  t.same(await loadSigningKey(directory), await loadSigningKey(directory))
})

t.test('ten starts at the same time agree on one key', async (t) => {
  const directory = t.testdir({})
  const keys = await Promise.all(Array.from({ length: 10 }, () => loadSigningKey(directory)))
  t.equal(new Set(keys.map((key) => key.publicJwk.kid)).size, 1)
  t.same(readdirSync(directory), ['es256-private.pem'])
})

t.test('a folder and a file that others could read are closed to them', async (t) => {
  const directory = t.testdir({})
  await loadSigningKey(directory)
  chmodSync(directory, 0o755)
  chmodSync(join(directory, 'es256-private.pem'), 0o644)
  await loadSigningKey(directory)
  t.equal(modeOf(directory), 0o700)
  t.equal(modeOf(join(directory, 'es256-private.pem')), 0o600)
})

t.test(
  'the public key belongs to the private one, holds nothing private, and is named by its RFC 7638 thumbprint',
  async (t) => {
    const { privatePem, publicJwk } = await loadSigningKey(t.testdir({}))
    const { kid, use, alg, ...jwk } = publicJwk
    t.same(createPublicKey(createPrivateKey(privatePem)).export({ format: 'jwk' }), jwk)
    t.same(Object.keys(jwk).sort(), ['crv', 'kty', 'x', 'y'])
    t.same({ use, alg, crv: jwk.crv }, { use: 'sig', alg: 'ES256', crv: 'P-256' })
    t.equal(kid, await calculateJwkThumbprint(jwk))
  },
)

t.test('a file that is not a P-256 private key is one line that names it, and is left as it is', async (t) => {
  const pemOf = (namedCurve: string): string => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve })
    return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  }
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const whole = pemOf('P-256')
  const cases = [
    ['an empty file', ''],
    ['no PEM', 'not a key'],
    ['half of a key', whole.slice(0, whole.length / 2)],
    ['a key on another curve', pemOf('P-384')],
    ['an Ed25519 key', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['a public key', publicKey.export({ type: 'spki', format: 'pem' }).toString()],
  ] as const

  const directory = t.testdir({})
  const path = join(directory, 'es256-private.pem')
  for (const [name, content] of cases) {
    writeFileSync(path, content)
    const message = `${path} is not a P-256 private key in PEM; delete it to get a new one (old tokens become invalid)`
    await t.rejects(loadSigningKey(directory), { name: 'StartupError', message }, name)
    t.equal(readFileSync(path, 'utf8'), content)
  }
})
