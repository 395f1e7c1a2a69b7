// The signer of successors, with every algorithm; jose, which is not what signs, verifies.
import t from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import { calculateJwkThumbprint, importJWK, jwtVerify, type JWK } from 'jose'

import { tokenIdOf } from '../../gateway/src/authenticate/token/token-id.ts'
import type { SigningKeyOptions } from '../../gateway/src/options/issuer/renewal.ts'
import { createTokenIssuer, type SigningKeyMaterial } from '../../gateway/src/renew/signing/token-issuer.ts'
import { SECRET } from '../support/tokens.ts'

const FORMAT = { type: 'pkcs8', format: 'pem' } as const
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(FORMAT) as string
const PEMS: Record<string, string> = {
  RS256: RSA,
  RS384: RSA,
  RS512: RSA,
  PS256: RSA,
  PS384: RSA,
  PS512: RSA,
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(FORMAT) as string,
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({
    type: 'sec1',
    format: 'pem',
  }) as string,
  ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey.export(FORMAT) as string,
  EdDSA: generateKeyPairSync('ed25519').privateKey.export(FORMAT) as string,
}
const CLAIMS = { iss: 'i', sub: 'a', iat: 1000, exp: 2000, nbf: 900, 'http://a.com': { b: [null, 'ü'] } }

function issuerOf(material: SigningKeyMaterial) {
  const issuer = createTokenIssuer(material)
  if (typeof issuer === 'string') throw new Error(issuer)
  return issuer
}

const MATERIALS: SigningKeyMaterial[] = [
  ...Object.entries(PEMS).map(([alg, pem]) => ({ alg: alg as SigningKeyOptions['alg'], pem })),
  ...(['HS256', 'HS384', 'HS512'] as const).map((alg) => ({
    alg,
    secret: { value: SECRET, encoding: 'utf8' as const },
  })),
]

for (const material of MATERIALS)
  t.test(
    `${material.alg}: two processes with one key make ${/^[EP]S/.test(material.alg) ? 'the same token' : 'the same bytes'}`,
    async (t) => {
      const [one, two] = [issuerOf(material), issuerOf(material)]
      const [a, b] = [one.sign(CLAIMS, 'at+jwt'), two.sign(CLAIMS, 'at+jwt')]
      t.equal(tokenIdOf(a), tokenIdOf(b))
      if (!/^[EP]S/.test(material.alg)) t.equal(a, b)
      t.equal(one.kid, two.kid)
      t.equal(one.jtiOf('T'), two.jtiOf('T'))
      const { payload, protectedHeader } = await jwtVerify(
        a,
        await importJWK(one.verificationKey as JWK, material.alg),
        {
          currentDate: new Date(1_500_000),
        },
      )
      t.same(payload, CLAIMS, 'nothing added, nothing lost')
      t.same(protectedHeader, { alg: material.alg, typ: 'at+jwt', kid: one.kid })
      if (one.publicKey === undefined) t.match(material.alg, /^HS/)
      else {
        t.equal(one.kid, await calculateJwkThumbprint(one.publicKey as JWK))
        for (const secret of ['d', 'p', 'q', 'k']) t.notOk(secret in one.publicKey, secret)
      }
    },
  )

t.test('ids differ by key and by token, and tell neither', async (t) => {
  const [one, two] = [
    issuerOf({ alg: 'ES256', pem: PEMS['ES256'] ?? '' }),
    issuerOf({ alg: 'EdDSA', pem: PEMS['EdDSA'] ?? '' }),
  ]
  t.equal(new Set([one.jtiOf('T'), two.jtiOf('T'), one.jtiOf('U')]).size, 3)
  t.match(one.jtiOf('T'), /^[\w-]{22}$/)
})

t.test('a key that cannot be used is said to be so, without its text', async (t) => {
  const publicPem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }) as string
  for (const [material, message] of [
    [{ alg: 'EdDSA', pem: 'x' }, /not a private key in PEM/],
    [{ alg: 'EdDSA', pem: publicPem }, /not a private key in PEM/],
    [{ alg: 'RS256', pem: PEMS['EdDSA'] ?? '' }, /cannot be used with RS256/],
    [{ alg: 'ES256', pem: PEMS['ES384'] ?? '' }, /cannot be used with ES256/],
  ] as const)
    t.match(createTokenIssuer(material), message)
})

t.test('a kid of one’s own is used', async (t) => {
  t.equal(issuerOf({ alg: 'EdDSA', kid: 'renewal-1', pem: PEMS['EdDSA'] ?? '' }).kid, 'renewal-1')
})
