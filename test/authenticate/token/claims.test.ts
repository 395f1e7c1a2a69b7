import t from 'tap'

import { durationText } from '../../../gateway/src/authenticate/token/claims.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createTestAuthenticator } from '../../support/test-authenticator.ts'
import { hmacIssuer, ISSUER, signText } from '../../support/tokens.ts'

const NOW = 1_900_000_000
const base = { iss: ISSUER, sub: 'alice', aud: 'api', iat: NOW, exp: NOW + 600 }

async function decide(
  claims: string | Record<string, unknown>,
  issuer: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
) {
  const { decide } = createTestAuthenticator([hmacIssuer(issuer)], { clock: createFakeClock(NOW * 1000) })
  const payload = typeof claims === 'string' ? claims : JSON.stringify({ ...base, ...claims })
  return decide(signText(JSON.stringify({ alg: 'HS256', ...header }), payload))
}

const cases: readonly [string, Record<string, unknown>, string][] = [
  ['a good token passes', {}, 'ok'],
  ['exp is the first second that does not count', { exp: NOW }, 'token_expired'],
  ['a float is a date', { exp: NOW + 0.5 }, 'ok'],
  ['exp is needed by default', { exp: undefined }, 'claim_missing'],
  ['exp as a string is refused', { exp: '9999999999' }, 'claim_invalid'],
  ['exp null is refused', { exp: null }, 'claim_invalid'],
  ['a negative exp is refused', { exp: -1 }, 'claim_invalid'],
  ['exp in milliseconds is refused', { exp: (NOW + 600) * 1000 }, 'claim_invalid'],
  ['exp 1e20 is refused', { exp: 1e20 }, 'claim_invalid'],
  ['nbf in the future is not yet valid', { nbf: NOW + 1 }, 'token_not_yet_valid'],
  ['nbf now is valid', { nbf: NOW }, 'ok'],
  ['iat a day ahead is not yet valid', { iat: NOW + 86_400, exp: NOW + 90_000 }, 'token_not_yet_valid'],
  ['iat after exp is refused', { iat: NOW + 700 }, 'claim_invalid'],
  ['nbf after exp is refused', { nbf: NOW + 700 }, 'claim_invalid'],
  ['an array of audiences with ours passes', { aud: ['other', 'api'] }, 'ok'],
  ['another audience is refused', { aud: 'other' }, 'audience_mismatch'],
  ['no audience is refused when one is needed', { aud: undefined }, 'audience_mismatch'],
  ['an empty array of audiences is refused', { aud: [] }, 'audience_mismatch'],
  ['an array of mixed audiences is refused', { aud: ['api', 5] }, 'claim_invalid'],
  ['an issuer in an array is refused', { iss: [ISSUER] }, 'issuer_unknown'],
  ['an empty sub is refused', { sub: '' }, 'claim_invalid'],
  ['a sub that is a number is refused', { sub: 5 }, 'claim_invalid'],
]

for (const [title, claims, expected] of cases) {
  t.test(title, async (t) => {
    t.equal(await decide(claims), expected)
  })
}

t.test('exp 1e400, which JSON reads as Infinity, is refused', async (t) => {
  t.equal(await decide(`{"iss":"${ISSUER}","aud":"api","exp":1e400}`), 'claim_invalid')
})

t.test('claims that nothing reads are not judged', async (t) => {
  const unread: readonly (readonly [string, Record<string, unknown>])[] = [
    ['auth_time as text (AD FS)', { auth_time: '2026-03-14T18:52:01.180Z' }],
    ['auth_time null', { auth_time: null }],
    ['auth_time in milliseconds', { auth_time: NOW * 1000 }],
    ['sid null', { sid: null }],
    ['sid empty', { sid: '' }],
    ['sid a number', { sid: 7 }],
    ['jti a number', { jti: 12345 }],
    ['jti null', { jti: null }],
    ['jti an object', { jti: {} }],
    ['renewed_from a number', { renewed_from: 1 }],
    ['azp, nonce and others of any kind', { azp: [], nonce: {}, acr: 0, amr: null, client_id: false }],
  ]
  for (const [title, claims] of unread) t.equal(await decide(claims), 'ok', title)
  t.equal(await decide({ iss: 5 }, { issuer: undefined }), 'ok', 'iss, where it is not looked at')
  t.equal(await decide({ aud: 5 }, { audiences: undefined }), 'ok', 'aud, where it is not looked at')
  for (const claims of [{ exp: '1900000600' }, { nbf: null }, { iat: 'now' }, { aud: 5 }])
    t.equal(await decide(claims), 'claim_invalid', JSON.stringify(claims))
})

t.test('times with more digits than a double has are times (Jackson writes nanoseconds)', async (t) => {
  const start = `{"iss":"${ISSUER}","aud":"api","sub":"a"`
  t.equal(
    await decide(`${start},"iat":${NOW}.000000001,"exp":${NOW + 600}.123456789012}`, { clockTolerance: '1s' }),
    'ok',
  )
  t.equal(await decide(`${start},"exp":${NOW - 1}.123456789012}`), 'token_expired')
  t.equal(await decide(`${start},"nbf":${NOW + 9}.123456789012,"exp":${NOW + 600}}`), 'token_not_yet_valid')
  t.equal(
    await decide(`${start},"iat":${NOW},"exp":${NOW + 600}.123456789012}`, { maxLifetime: '600s' }),
    'token_too_old',
  )
  t.equal(await decide(`${start},"exp":12345678901234567890}`), 'claim_invalid')
})

t.test('a token with cnf is refused, unless the issuer says that bindings are ignored', async (t) => {
  const bindings: readonly unknown[] = [
    { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' }, // RFC 9449 section 6.1
    { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' }, // RFC 8705 section 3.1
    { jwk: { kty: 'EC' } }, // RFC 7800 section 3.2
    { kid: 'k' }, // RFC 7800 section 3.4
    {},
    [],
    'x',
    0,
    false,
  ]
  for (const cnf of bindings) {
    t.equal(await decide({ cnf }), 'binding_unproven', JSON.stringify(cnf))
    t.equal(await decide({ cnf }, { binding: 'ignore' }), 'ok')
  }
  t.equal(await decide({ cnf: null }), 'ok', 'nothing is bound')
  t.equal(await decide({ cnf: {}, exp: NOW - 1, iat: NOW - 9 }), 'binding_unproven', 'before the time is looked at')
})

t.test('a required claim must be there and not empty', async (t) => {
  const issuer = { requiredClaims: ['exp', 'email'] }
  t.equal(await decide({ email: 'a@example.com' }, issuer), 'ok')
  for (const email of [undefined, null, '', [], {}]) t.equal(await decide({ email }, issuer), 'claim_missing')
  t.equal(
    await decide({}, { requiredClaims: ['toString'] }),
    'claim_missing',
    'what every object inherits is not a claim',
  )
})

t.test('a list of required claims replaces the default', async (t) => {
  t.equal(await decide({ exp: undefined }, { requiredClaims: [] }), 'ok')
})

t.test('one clock tolerance serves exp, nbf and iat alike', async (t) => {
  const issuer = { clockTolerance: '60s' }
  t.equal(await decide({ exp: NOW - 59, iat: NOW - 600 }, issuer), 'ok')
  t.equal(await decide({ exp: NOW - 60, iat: NOW - 600 }, issuer), 'token_expired')
  t.equal(await decide({ nbf: NOW + 60 }, issuer), 'ok')
  t.equal(await decide({ nbf: NOW + 61 }, issuer), 'token_not_yet_valid')
  t.equal(await decide({ iat: NOW + 60 }, issuer), 'ok')
  t.equal(await decide({ iat: NOW + 61 }, issuer), 'token_not_yet_valid')
})

t.test('a token that lives longer than maxLifetime is refused', async (t) => {
  const issuer = { maxLifetime: '1h' }
  t.equal(await decide({ exp: NOW + 3600 }, issuer), 'ok')
  t.equal(await decide({ exp: NOW + 3601 }, issuer), 'token_too_old')
  t.equal(await decide({ iat: undefined }, issuer), 'claim_missing')
})

t.test('typ is compared without case and without application/', async (t) => {
  const issuer = { typ: 'at+jwt' }
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt']) t.equal(await decide({}, issuer, { typ }), 'ok')
  for (const typ of ['JWT', undefined]) t.equal(await decide({}, issuer, { typ }), 'type_mismatch')
})

t.test('an issuer without `issuer` does not look at iss', async (t) => {
  t.equal(await decide({ iss: 'whoever' }, { issuer: undefined }), 'ok')
  t.equal(await decide({ iss: undefined }, { issuer: undefined }), 'ok')
})

t.test('durations are told in the two largest units that say something', async (t) => {
  for (const [seconds, text] of [
    [0, '0 s'],
    [0.2, '1 s'],
    [59.5, '1 min'],
    [35, '35 s'],
    [3700, '1 h 1 min'],
    [86_400, '1 d'],
    [3_254_430, '37 d 16 h'],
  ] as const)
    t.equal(durationText(seconds), text)
})
