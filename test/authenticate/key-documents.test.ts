// Key documents as they are served in the wild: what is usable in them is used, and nothing in them is an accident.
import t from 'tap'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { join } from 'node:path'

import fc from 'fast-check'

import { parseDocument } from '../../gateway/src/authenticate/keys/key-document.ts'
import { keySetFromDocument, type KeyPolicy } from '../../gateway/src/authenticate/keys/key-set.ts'
import { ALGORITHMS } from '../../gateway/src/options/tokens.ts'
import { makeCertificate } from '../support/certificates.ts'
import { createTestAuthenticator } from '../support/test-authenticator.ts'
import { createSigner, ISSUER } from '../support/tokens.ts'

const policy: KeyPolicy = { algorithms: ALGORITHMS, weakKeys: 'refuse', allowSecrets: false }
const pairOf = (type: string, options: object = {}) =>
  (generateKeyPairSync as unknown as (type: string, options: object) => { publicKey: KeyObject })(type, options)
    .publicKey
const ec = pairOf('ec', { namedCurve: 'P-256' })
const rsa = pairOf('rsa', { modulusLength: 2048 })
const ecJwk = ec.export({ format: 'jwk' })
const rsaJwk = rsa.export({ format: 'jwk' })
const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()
const namesIn = (document: unknown) =>
  keySetFromDocument(document, policy).keys.map(({ kid, algorithm }) => `${kid ?? '-'}:${algorithm}`)

t.test('members that are null or empty text are as not there', async (t) => {
  const empties = ['alg', 'use', 'key_ops', 'x5t', 'x5c', 'x5u', 'x5t#S256', 'ext', 'iat']
  for (const nothing of [null, '']) {
    for (const name of empties) {
      t.same(namesIn({ keys: [{ ...ecJwk, kid: 'a', [name]: nothing }] }), ['a:ES256'], `${name}: ${String(nothing)}`)
    }
    t.same(namesIn({ keys: [{ ...ecJwk, kid: nothing }] }), ['-:ES256'], `kid: ${String(nothing)}`)
    // A serialiser that writes all fields of all kinds of keys.
    const all = { d: nothing, p: nothing, q: nothing, dp: nothing, dq: nothing, qi: nothing, oth: nothing, k: nothing }
    t.same(namesIn({ keys: [{ ...ecJwk, ...all, n: nothing, e: nothing, kid: 'a' }] }), ['a:ES256'])
    t.same(namesIn({ keys: [{ ...rsaJwk, ...all, crv: nothing, x: nothing, kid: 'r', alg: 'RS256' }] }), ['r:RS256'])
  }
})

t.test('what says that a key is for something else is believed', async (t) => {
  const cases: readonly [object, boolean][] = [
    [{ use: 'sig' }, true],
    [{ use: 'jwt-svid' }, true],
    [{ use: 'x509-svid' }, false],
    [{ use: 'enc' }, false],
    [{ use: 'SIG' }, false],
    [{ use: ['sig'] }, false],
    [{ key_ops: ['verify'] }, true],
    [{ key_ops: ['sign', 'verify'] }, true],
    [{ key_ops: ['encrypt'] }, false],
    [{ alg: 'ES256' }, true],
    [{ alg: 'ES384' }, false],
    [{ alg: 'ECDH-ES' }, false],
    [{ alg: 5 }, false],
    [{ kid: 5 }, false],
  ]
  for (const [members, isUsed] of cases)
    t.equal(namesIn({ keys: [{ ...ecJwk, ...members }] }).length, isUsed ? 1 : 0, JSON.stringify(members))
})

t.test('a map of kid to PEM: certificates (Google, Firebase), public keys (Identity-Aware Proxy)', async (t) => {
  const folder = t.testdir({})
  const { cert } = makeCertificate(folder, 'google')
  const certificate = execFileSync('/usr/bin/openssl', ['x509', '-in', cert]).toString()
  t.same(namesIn({ one: certificate, two: `\n${certificate.replaceAll('\n', '\r\n')}` }), ['one:ES256', 'two:ES256'])
  t.same(namesIn({ iap: pemOf(ec), r: pemOf(rsa) }).slice(0, 2), ['iap:ES256', 'r:RS256'])
  t.same(namesIn({ '': pemOf(ec) }), ['-:ES256'])
  const { keys, remarks } = keySetFromDocument(
    { bad: certificate.slice(0, 200), good: certificate, note: 'hello', number: 5, none: null },
    policy,
  )
  t.same(
    keys.map(({ kid }) => kid),
    ['good'],
  )
  t.equal(remarks.length, 4)
  const crowd = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`k${index}`, certificate]))
  t.same(namesIn(crowd), [])
  t.match(keySetFromDocument(crowd, policy).remarks, [/101 keys/])
})

t.test('tokens of such a map are verified, from a URL and from a file with a byte order mark', async (t) => {
  const signer = await createSigner('RS256', 'g1')
  const document = JSON.stringify({ g1: signer.pem, g0: pemOf(rsa) })
  const file = join(t.testdir({ 'keys.json': `\uFEFF${document}`, 'key.pem': `\uFEFF${signer.pem}` }), 'keys.json')
  for (const keys of [
    { jwksUrl: 'https://www.example.com/keys' },
    { jwksFile: file },
    { pemFile: file.replace('keys.json', 'key.pem') },
  ]) {
    const { issuers, decide } = createTestAuthenticator(
      [{ name: 'google', issuer: ISSUER, algorithms: ['RS256'], keys }],
      { fetchJson: () => Promise.resolve({ json: parseDocument(document), maxAgeSec: undefined }) },
    )
    await issuers[0]?.keys.remote?.start()
    t.equal(decide(await signer.sign()), 'ok', JSON.stringify(keys))
  }
})

t.test('whatever stands beside it, a good key is used, and nothing is thrown', async () => {
  const good = { ...ecJwk, kid: 'good', use: 'sig' }
  const odd = fc.oneof(
    fc.anything(),
    fc.jsonValue(),
    fc
      .tuple(
        fc.constantFrom(ecJwk, rsaJwk, {}),
        fc.dictionary(
          fc.constantFrom('kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use', 'key_ops', 'k', 'd', 'x5c'),
          fc.jsonValue(),
        ),
      )
      .map(([key, changes]) => ({ ...key, ...changes })),
  )
  fc.assert(
    fc.property(fc.array(odd, { maxLength: 12 }), fc.nat(), (others, at) => {
      const keys = [...others]
      keys.splice(at % (others.length + 1), 0, good)
      const found = keySetFromDocument({ keys, more: others[0] }, policy)
      return found.keys.some(({ kid, algorithm }) => kid === 'good' && algorithm === 'ES256')
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(fc.dictionary(fc.string(), odd), (others) => {
      const found = keySetFromDocument({ ...others, keys: undefined, good: pemOf(ec) }, policy)
      return found.keys.some(({ kid }) => kid === 'good')
    }),
    { numRuns: 300 },
  )
  fc.assert(
    fc.property(fc.anything(), (document) => {
      keySetFromDocument(document, policy)
    }),
    { numRuns: 1000 },
  )
})
