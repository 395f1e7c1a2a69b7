// The signature check against two others, fast-jwt and jose: over all algorithms, for good signatures and for changed ones.
import t from 'tap'
import fc from 'fast-check'
import { constants, createSecretKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { createSigner, createVerifier, type Algorithm as FastJwtAlgorithm } from 'fast-jwt'
import { compactVerify } from 'jose'

import { createSignatureCheck } from '../../gateway/src/authenticate/keys/token-verifier.ts'
import type { Algorithm } from '../../gateway/src/options/tokens.ts'
import {
  createTokenReader,
  UnverifiedToken,
  type TokenHeader,
} from '../../gateway/src/authenticate/token/token-shape.ts'
import { Failure } from '../../gateway/src/failure.ts'
import { goodClaims } from '../support/tokens.ts'

const read = createTokenReader(8192)
const SECRET = 's'.repeat(64)

interface Kind {
  readonly title: string
  readonly algorithm: Algorithm
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

function kind(title: string, algorithm: string, pair: { publicKey: KeyObject; privateKey: KeyObject }): Kind {
  return { title, algorithm: algorithm as Algorithm, ...pair }
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
// 257 bytes of modulus: the length of a signature is that of the key, not one of a few round numbers.
const oddRsa = generateKeyPairSync('rsa', { modulusLength: 2056 })
const secret = createSecretKey(SECRET, 'utf8')
const KINDS: readonly Kind[] = [
  ...['HS256', 'HS384', 'HS512'].map((alg) => kind(alg, alg, { publicKey: secret, privateKey: secret })),
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg) => kind(alg, alg, rsa)),
  kind('RS256 with a modulus of 2056 bits', 'RS256', oddRsa),
  kind('ES256', 'ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  kind('ES384', 'ES384', generateKeyPairSync('ec', { namedCurve: 'P-384' })),
  kind('ES512', 'ES512', generateKeyPairSync('ec', { namedCurve: 'P-521' })),
  kind('EdDSA with Ed25519', 'EdDSA', generateKeyPairSync('ed25519')),
  kind('EdDSA with Ed448', 'EdDSA', generateKeyPairSync('ed448')),
]

/** What Tollgate says: the shape of the token, then its signature. */
function ours({ publicKey, algorithm }: Kind): (token: string) => boolean {
  const isSignedBy = createSignatureCheck(publicKey, algorithm)
  return (raw) => {
    const token = read(raw)
    return !(token instanceof Failure) && isSignedBy(token)
  }
}

function fastJwt({ publicKey, algorithm }: Kind): (token: string) => boolean {
  const key = publicKey.type === 'secret' ? SECRET : publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const verify = createVerifier({ key, algorithms: [algorithm as FastJwtAlgorithm], cache: false })
  return (token) => {
    try {
      return typeof verify(token) === 'object'
    } catch {
      return false
    }
  }
}

/** jose has no Ed448: it is on WebCrypto, which has none. */
function jose({ publicKey, algorithm, title }: Kind): ((token: string) => Promise<boolean>) | undefined {
  if (title.endsWith('Ed448')) return undefined
  return (token) =>
    compactVerify(token, publicKey, { algorithms: [algorithm] }).then(
      () => true,
      () => false,
    )
}

function signerOf({ privateKey, algorithm }: Kind): (claims: object) => string {
  const key = privateKey.type === 'secret' ? SECRET : privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const sign: (claims: Record<string, unknown>) => string = createSigner({
    key,
    algorithm: algorithm as FastJwtAlgorithm,
  })
  return (claims) => sign({ ...claims })
}

/** Changes of the bytes of a signature, so that only the bytes differ and never their spelling. */
const change = fc.oneof(
  fc.record({ at: fc.nat(), bit: fc.nat(7) }).map(({ at, bit }) => (bytes: Buffer) => {
    bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << bit)
    return bytes
  }),
  fc.nat().map((at) => (bytes: Buffer) => bytes.subarray(0, at % bytes.length)),
  fc.constantFrom(1, 2, 3).map((more) => (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(more)])),
  fc.constantFrom(1, 2, 3).map((more) => (bytes: Buffer) => Buffer.concat([Buffer.alloc(more), bytes])),
  fc.constant((bytes: Buffer) => Buffer.alloc(bytes.length)),
  fc.constant((bytes: Buffer) => Buffer.alloc(bytes.length, 0xff)),
  fc.constant((bytes: Buffer) =>
    Buffer.concat([bytes.subarray(bytes.length / 2), bytes.subarray(0, bytes.length / 2)]),
  ),
  fc.constant((bytes: Buffer) => bytes),
)

for (const each of KINDS) {
  t.test(`${each.title}: it says what fast-jwt and jose say, also of changed signatures`, async (t) => {
    const [sign, check, second, third] = [signerOf(each), ours(each), fastJwt(each), jose(each)]
    const token = sign(goodClaims())
    t.equal(check(token), true)
    await fc.assert(
      fc.asyncProperty(change, fc.integer({ min: -1, max: 100_000 }), async (change, at) => {
        const end = token.lastIndexOf('.') + 1
        const signature = change(Buffer.from(token.slice(end), 'base64url')).toString('base64url')
        // In a third of the cases a character of header or payload is changed as well.
        const place = at % 3 === 0 ? at % (end - 1) : -1
        const input =
          place < 0
            ? token.slice(0, end)
            : `${token.slice(0, place)}${token[place] === 'A' ? 'B' : 'A'}${token.slice(place + 1, end)}`
        const text = input + signature
        const answers = [check(text), second(text), (await third?.(text)) ?? check(text)]
        if (new Set(answers).size !== 1) throw new Error(`${answers.join()} of ${text}`)
        if (text === token && answers[0] !== true) throw new Error('a good token is refused')
      }),
      { numRuns: 60 },
    )
  })

  t.test(`${each.title}: of all spellings of a signature one is taken`, async (t) => {
    const [token, check] = [signerOf(each)(goodClaims()), ours(each)]
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const spellings = [...alphabet].map((last) => token.slice(0, -1) + last)
    t.same(spellings.filter(check), [token])
    t.same([...alphabet].map((more) => token + more).filter(check), [])
  })

  t.test(`${each.title}: what it takes fast-jwt takes, whatever character of a token is another one`, async () => {
    const [sign, check, second] = [signerOf(each), ours(each), fastJwt(each)]
    const token = sign(goodClaims())
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...'AQgw_-+/=. \u00e9'), (at, character) => {
        const text = token.slice(0, at) + character + token.slice(at + 1)
        if (check(text) && (!second(text) || text !== token)) throw new Error(`accepted ${text}`)
      }),
      { numRuns: 40 },
    )
  })
}

function withHeader({ claims, signed, signature }: UnverifiedToken, header: TokenHeader): UnverifiedToken {
  return new UnverifiedToken(header, claims, JSON.stringify(claims), signed, signature)
}

t.test(
  'a key with an algorithm takes no token whose header names another, though the signature is right',
  async (t) => {
    for (const each of KINDS) {
      const token = read(signerOf(each)(goodClaims()))
      if (token instanceof Failure) throw new Error(token.code)
      const isSignedBy = createSignatureCheck(each.publicKey, each.algorithm)
      t.equal(isSignedBy(token), true, each.title)
      for (const alg of ['none', '', 'HS256', 'RS256', 'PS256', 'ES256', 'EdDSA']) {
        if (alg !== each.algorithm) t.equal(isSignedBy(withHeader(token, { ...token.header, alg })), false, alg)
      }
    }
  },
)

t.test('PS*: a salt of another length than the hash is refused (RFC 7518 section 3.5)', async (t) => {
  const isSignedBy = createSignatureCheck(rsa.publicKey, 'PS256')
  const signed = `${Buffer.from('{"alg":"PS256"}').toString('base64url')}.e30`
  const header = { alg: 'PS256', kid: undefined, typ: undefined }
  const padding = constants.RSA_PKCS1_PSS_PADDING
  const withSalt = (saltLength: number) =>
    sign('sha256', Buffer.from(signed), { key: rsa.privateKey, padding, saltLength }).toString('base64url')
  t.equal(isSignedBy(new UnverifiedToken(header, {}, '{}', signed, withSalt(32))), true)
  for (const length of [0, 20, 64, constants.RSA_PSS_SALTLEN_MAX_SIGN])
    t.equal(isSignedBy(new UnverifiedToken(header, {}, '{}', signed, withSalt(length))), false, String(length))
})

t.test('a key that cannot serve is found when it is loaded', async (t) => {
  t.throws(() => createSignatureCheck(generateKeyPairSync('x25519').publicKey, 'EdDSA'))
  t.throws(() => createSignatureCheck(generateKeyPairSync('ed25519').publicKey, 'RS256'))
  t.throws(() => createSignatureCheck(rsa.publicKey, 'EdDSA'))
})
