// jose as independent oracle: what it signs is accepted here, and whatever is changed about it is refused or is the same token.
import t from 'tap'
import fc from 'fast-check'

import { Failure } from '../../gateway/src/failure.ts'
import { createTestAuthenticator } from '../support/test-authenticator.ts'
import { createSigner, ISSUER, nowSec, type Signer } from '../support/tokens.ts'

const CASES: readonly [string, { crv?: string }][] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'].map(
    (alg): [string, { crv?: string }] => [alg, {}],
  ),
  ['EdDSA', { crv: 'Ed25519' }],
]

const name = fc
  .string({ minLength: 1, maxLength: 12 })
  .filter((text) => !['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid', 'auth_time', '__proto__'].includes(text))
// A member named __proto__ is refused at any depth; that has its own test.
const extra = fc
  .dictionary(name, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 6 })
  .filter((claims) => !JSON.stringify(claims).includes('__proto__'))

/** The authenticate stage for an issuer that publishes this signer's key, with the key already fetched. */
async function trusting(signer: Signer, audiences?: readonly string[]) {
  const issuer = {
    name: 'main',
    issuer: ISSUER,
    ...(audiences === undefined ? {} : { audiences }),
    algorithms: [signer.alg],
    keys: { jwksUrl: 'https://issuer.example.com/jwks' },
  }
  const test = createTestAuthenticator([issuer], {
    fetchJson: () => Promise.resolve({ json: { keys: [signer.jwk] }, maxAgeSec: undefined }),
  })
  const remote = test.issuers[0]?.keys.remote
  await remote?.start()
  remote?.stop()
  return test
}

for (const [alg, options] of CASES) {
  t.test(`${alg}: random valid claims are accepted, and every mutation is refused`, async () => {
    const signer = await createSigner(alg, 'k', options)
    const { authenticator, issuers } = await trusting(signer, ['api'])
    await fc.assert(
      fc.asyncProperty(extra, fc.nat(), fc.nat(63), async (claims, position, replacement) => {
        const token = await signer.sign({ ...claims, exp: nowSec() + 1000 })
        const accepted = authenticator.authenticate(token, issuers)
        if (accepted instanceof Failure)
          throw new Error(`${accepted.code}: ${accepted.detail} for ${JSON.stringify(claims)}`)
        const at = position % token.length
        const character = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[replacement] ?? 'A'
        const mutated = token.slice(0, at) + character + token.slice(at + 1)
        const outcome = authenticator.authenticate(mutated, issuers)
        if (mutated !== token && !(outcome instanceof Failure))
          throw new Error(`accepted with ${character} at ${at} of ${token}`)
        for (const other of [token.slice(0, at), `${token}.`, token.slice(0, at) + token.slice(at + 1)]) {
          if (!(authenticator.authenticate(other, issuers) instanceof Failure)) throw new Error(`accepted ${other}`)
        }
      }),
      { numRuns: alg.startsWith('R') || alg.startsWith('P') ? 15 : 40 },
    )
  })
}

t.test('the twin of an ECDSA signature, (r, n - s), is the same token', async (t) => {
  const signer = await createSigner('ES256', 'k')
  const { authenticator, issuers } = await trusting(signer)
  const token = await signer.sign()
  const end = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(end + 1), 'base64url')
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`)
  const twin = Buffer.concat([
    signature.subarray(0, 32),
    Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex'),
  ])
  const spelling = `${token.slice(0, end)}.${twin.toString('base64url')}`
  const first = authenticator.authenticate(token, issuers)
  const second = authenticator.authenticate(spelling, issuers)
  if (first instanceof Failure || second instanceof Failure) throw new Error('both verify')
  t.not(first, second)
  t.equal(first.tokenId, second.tokenId)
})

t.test('ECDSA signatures of other shapes are refused', async (t) => {
  const signer = await createSigner('ES256', 'k')
  const { decide } = await trusting(signer)
  const token = await signer.sign()
  const end = token.lastIndexOf('.')
  const raw = Buffer.from(token.slice(end + 1), 'base64url')
  const der = Buffer.concat([
    Buffer.from([0x30, 68, 0x02, 32]),
    raw.subarray(0, 32),
    Buffer.from([0x02, 32]),
    raw.subarray(32),
  ])
  for (const [title, signature] of [
    ['zeros', Buffer.alloc(64)],
    ['63 bytes', raw.subarray(1)],
    ['65 bytes', Buffer.concat([raw, Buffer.alloc(1)])],
    ['DER', der],
  ] as const) {
    t.equal(decide(`${token.slice(0, end)}.${signature.toString('base64url')}`), 'signature_invalid', title)
  }
})
