import t from 'tap'
import type { createPublicKey } from 'node:crypto'
import { generateKeyPairSync } from 'node:crypto'

import { createKeyRing } from '../../../gateway/src/authenticate/keys/key-ring.ts'
import {
  keySetFromJwks,
  keySetFromPem,
  keySetFromSecret,
  type KeyPolicy,
} from '../../../gateway/src/authenticate/keys/key-set.ts'
import { UnverifiedToken } from '../../../gateway/src/authenticate/token/token-shape.ts'
import { ALGORITHMS } from '../../../gateway/src/options/tokens.ts'
import { readToken } from '../../support/read-token.ts'
import { createSigner, signHmac, signText } from '../../support/tokens.ts'

const strict: KeyPolicy = { algorithms: ALGORITHMS, weakKeys: 'refuse', allowSecrets: false }
const jwkOf = (type: string, options: object, extra: object = {}) => {
  const { publicKey } = (
    generateKeyPairSync as unknown as (
      type: string,
      options: object,
    ) => { publicKey: Parameters<typeof createPublicKey>[0] }
  )(type, options)
  return { ...(publicKey as unknown as { export(options: object): object }).export({ format: 'jwk' }), ...extra }
}
const algorithms = (jwk: object, policy: Partial<KeyPolicy> = {}) =>
  keySetFromJwks({ keys: [jwk] }, { ...strict, ...policy }).keys.map(({ algorithm }) => algorithm)

t.test('a key serves the algorithms of its kind and curve, whatever a token says', async (t) => {
  const rsa = jwkOf('rsa', { modulusLength: 2048 })
  t.same(algorithms(rsa), ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'])
  t.same(algorithms(jwkOf('ec', { namedCurve: 'P-256' })), ['ES256'])
  t.same(algorithms(jwkOf('ec', { namedCurve: 'P-384' })), ['ES384'])
  t.same(algorithms(jwkOf('ec', { namedCurve: 'P-521' })), ['ES512'])
  t.same(algorithms(jwkOf('ed25519', {})), ['Ed25519'])
  t.same(algorithms(jwkOf('ed448', {})), ['Ed448'])
  t.same(algorithms(jwkOf('ec', { namedCurve: 'secp256k1' })), [], 'secp256k1 is no ES256')
  t.same(algorithms(jwkOf('x25519', {})), [], 'a key for key agreement signs nothing')
  t.same(algorithms({ ...rsa, alg: 'PS384' }), ['PS384'], 'a stated alg is the only one')
  t.same(algorithms({ ...rsa, alg: 'RSA-OAEP' }), [])
  t.same(algorithms(rsa, { algorithms: ['RS256', 'ES256'] }), ['RS256'], 'only what the issuer may use')
})

t.test('keys that are not for verifying signatures are left out', async (t) => {
  const jwk = jwkOf('ec', { namedCurve: 'P-256' })
  t.same(algorithms({ ...jwk, use: 'sig' }), ['ES256'])
  t.same(algorithms({ ...jwk, use: 'enc' }), [])
  t.same(algorithms({ ...jwk, key_ops: ['verify'] }), ['ES256'])
  t.same(algorithms({ ...jwk, key_ops: ['encrypt'] }), [])
  t.same(algorithms({ ...jwk, key_ops: 'verify' }), [])
})

t.test('weak keys are refused, or used and named when the operator wants that', async (t) => {
  const weak = jwkOf('rsa', { modulusLength: 1024 })
  t.same(algorithms(weak), [])
  const warned = keySetFromJwks({ keys: [weak] }, { ...strict, algorithms: ['RS256'], weakKeys: 'warn' })
  t.equal(warned.keys.length, 1)
  t.match(warned.remarks, [/1024 bits, 2048 are needed/])
  t.match(
    keySetFromJwks(
      { keys: [jwkOf('rsa', { modulusLength: 2048, publicExponent: 3 })] },
      { ...strict, algorithms: ['RS256'] },
    ).remarks,
    [/exponent 3/],
  )
  for (const [value, fitting] of [
    ['x'.repeat(31), []],
    ['x'.repeat(32), ['HS256']],
    ['x'.repeat(64), ['HS256', 'HS384', 'HS512']],
  ] as const) {
    t.same(
      keySetFromSecret({ value, encoding: 'utf8' }, strict).keys.map(({ algorithm }) => algorithm),
      fitting,
    )
  }
})

t.test('a shared secret is taken from a file, never from a URL', async (t) => {
  const jwk = { kty: 'oct', kid: 's', k: Buffer.alloc(64, 7).toString('base64url') }
  t.same(algorithms(jwk), [])
  t.same(algorithms(jwk, { allowSecrets: true }), ['HS256', 'HS384', 'HS512'])
  t.same(algorithms({ kty: 'oct' }, { allowSecrets: true }), [])
})

t.test('one odd key does not cost the others', async (t) => {
  const good = jwkOf('ec', { namedCurve: 'P-256' }, { kid: 'a/b=c' })
  const odd = [
    null,
    5,
    {},
    { kty: 'XYZ' },
    { kty: 'EC', crv: 'P-256', x: '!', y: '!' },
    { kty: 'RSA', n: 'AQAB' },
    { ...good, kid: 5 },
    { kty: 'oct' },
  ]
  const { keys, remarks } = keySetFromJwks({ keys: [...odd, good] }, strict)
  t.same(
    keys.map(({ kid }) => kid),
    ['a/b=c'],
  )
  t.equal(remarks.length, odd.length)
})

t.test('documents as identity providers publish them are read', async (t) => {
  const [rsa, ec] = [await createSigner('RS256', 'r/1='), await createSigner('ES256', 'e')]
  const keys = [
    { ...rsa.jwk, use: 'sig', x5c: ['MIIC...'], x5t: 'abc', 'x5t#S256': 'def' },
    { ...rsa.jwk, use: 'enc', kid: 'r/1=' },
    { ...ec.jwk, use: 'sig', alg: 'ES256', ext: true },
    { kty: 'OKP', crv: 'X25519', x: 'AAAA', use: 'enc' },
  ]
  const ring = createKeyRing(keySetFromJwks({ keys }, { ...strict, algorithms: ['RS256', 'ES256'] }).keys)
  t.equal(ring.find({ alg: 'RS256', kid: 'r/1=', typ: undefined })[0]?.isSignedBy(readToken(await rsa.sign())), true)
  t.equal(ring.find({ alg: 'ES256', kid: 'e', typ: undefined })[0]?.isSignedBy(readToken(await ec.sign())), true)
  t.same(ring.find({ alg: 'RS256', kid: 'e', typ: undefined }), [], 'a kid with another algorithm is another key')
})

t.test('without kid each key that fits the algorithm may have signed, with one only a key of that name', async (t) => {
  const [a, b, r] = [
    await createSigner('ES256', 'a'),
    await createSigner('ES256', 'b'),
    await createSigner('RS256', 'r'),
  ]
  const find = (signers: (typeof a)[], alg = 'ES256', kid?: string) =>
    createKeyRing(
      keySetFromJwks({ keys: signers.map(({ jwk }) => jwk) }, { ...strict, algorithms: ['ES256', 'RS256'] }).keys,
    ).find({ alg, kid, typ: undefined }).length
  t.equal(find([a]), 1)
  t.equal(find([a, r]), 1)
  t.equal(find([a, b]), 2)
  t.equal(find([a, b, r]), 2)
  t.equal(find([a, b], 'ES256', 'b'), 1)
  for (const kid of ['../../dev/null', "' or 1=1", '__proto__', 'constructor', ''])
    t.equal(find([a], 'ES256', kid), 0, kid)
})

t.test('two keys that share a kid and an algorithm are both tried', async (t) => {
  const [first, second] = [await createSigner('ES256', 'k'), await createSigner('ES256', 'k')]
  const ring = createKeyRing(keySetFromJwks({ keys: [first.jwk, second.jwk] }, strict).keys)
  const token = await second.sign()
  t.ok(ring.find({ alg: 'ES256', kid: 'k', typ: undefined }).some((key) => key.isSignedBy(readToken(token))))
})

t.test('PEM files: public keys and padding around them are read, nothing else is', async (t) => {
  const signer = await createSigner('RS256')
  for (const pem of [signer.pem, `\n\n  ${signer.pem}  \n`, signer.pem.replaceAll('\n', '\r\n')]) {
    t.equal(keySetFromPem(pem, { ...strict, algorithms: ['RS256'] }).keys.length, 1)
  }
  for (const pem of [
    '',
    'hello',
    signer.pem.slice(0, 200),
    '-----BEGIN RSA PUBLIC KEY-----\nMIIBCgKCAQEA\n-----END RSA PUBLIC KEY-----',
  ]) {
    t.same(keySetFromPem(pem, strict).keys, [])
  }
})

t.test('a signature check answers false, and never throws or returns anything else', async (t) => {
  const [key] = keySetFromSecret({ value: 'x'.repeat(32), encoding: 'utf8' }, { ...strict, algorithms: ['HS256'] }).keys
  const good = await signHmac({}, {}, 'x'.repeat(32))
  t.equal(key?.isSignedBy(readToken(good)), true)
  const forged = readToken(await signHmac({}, {}, 'y'.repeat(32)))
  for (let round = 0; round < 2; round += 1) t.equal(key?.isSignedBy(forged), false)
  const { header } = forged
  for (const [signed, signature] of [
    ['', ''],
    ['a.b', 'c'],
    ['.', '.'],
    ['', '\0'],
    [forged.signed, `${forged.signature}A`],
  ] as const)
    t.equal(key?.isSignedBy(new UnverifiedToken(header, {}, '{}', signed, signature)), false)
  const other = readToken(signText('{"alg":"HS512"}', '{}', 'x'.repeat(32)))
  t.equal(key?.isSignedBy(other), false)
})
