// The header's text is JSON as JSON.stringify writes it, however its parts were put together.
import t from 'tap'
import fc from 'fast-check'

import type { Claims } from '../../../gateway/src/authenticate/auth-result.ts'
import { scopesOf } from '../../../gateway/src/authenticate/token/scopes.ts'
import { Failure } from '../../../gateway/src/failure.ts'
import { createAuthResultEncoder } from '../../../gateway/src/forward/headers/auth-result-header.ts'

const write = (value: unknown) => JSON.stringify(value)
const claimsKind = fc
  .dictionary(fc.string(), fc.jsonValue(), { maxKeys: 5 })
  .map((value) => JSON.parse(JSON.stringify(value)) as Claims)
const factsKind = fc
  .record({
    issuer: fc.string({ unit: 'binary' }),
    subject: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
    scope: fc.string(),
    expiresAtSec: fc.oneof(fc.integer(), fc.double({ noNaN: true }), fc.constant(Infinity)),
    claims: claimsKind,
    known: fc.boolean(),
  })
  .map(({ scope, known, ...facts }) => ({
    ...facts,
    scopes: scopesOf({ scope }).names,
    scopesJson: scopesOf({ scope }).json,
    claimsJson: known ? JSON.stringify(facts.claims) : undefined,
    write,
  }))

const options = { header: 'x-auth-result', pad: false, maxBytes: 1_000_000 }
const textOf = (value: string | Failure | undefined) =>
  value instanceof Failure || value === undefined ? value : Buffer.from(value, 'base64url').toString()

t.test('the whole result, the claims alone, and chosen claims', (t) => {
  const result = createAuthResultEncoder({ ...options, format: 'result' })
  const alone = createAuthResultEncoder({ ...options, format: 'claims' })
  const chosen = createAuthResultEncoder({ ...options, format: 'claims', claims: ['', 'sub', '__proto__'] })
  fc.assert(
    fc.property(factsKind, (facts) => {
      const { issuer, subject, scopes, claims, expiresAtSec } = facts
      const expiresAt = Number.isFinite(expiresAtSec) ? expiresAtSec : undefined
      const content = { authenticated: true, issuer, subject, scopes, expiresAt, claims }
      t.equal(textOf(result.encode(facts)), JSON.stringify(content))
      t.equal(textOf(alone.encode(facts)), JSON.stringify(claims))
      const some = Object.entries(claims).filter(([name]) => name === '' || name === 'sub' || name === '__proto__')
      t.equal(textOf(chosen.encode(facts)), JSON.stringify(Object.fromEntries(some)))
    }),
  )
  t.end()
})

t.test('a value of just maxBytes passes, and one byte more is refused and not cut', (t) => {
  const encode = (claims: Claims, claimsJson?: string) =>
    createAuthResultEncoder({ ...options, format: 'claims', maxBytes: 40 }).encode({
      ...{ issuer: 'a', subject: undefined, scopes: [], scopesJson: '[]', expiresAtSec: Infinity },
      ...{ claims, claimsJson, write },
    })
  for (const letter of ['a', 'é', '日']) {
    const size = Buffer.byteLength(letter)
    const claims = { sub: letter.repeat(Math.floor(20 / size)) + 'a'.repeat(20 % size) }
    for (const known of [JSON.stringify(claims), undefined]) {
      t.equal(textOf(encode(claims, known)), JSON.stringify(claims))
      t.match(encode({ sub: `${claims.sub}a` }), { code: 'auth_result_too_large' })
    }
  }
  t.end()
})
