// Each detail shows both values: what the token has, and what is wanted. It is for operators: clients see the title alone.
import t from 'tap'
import { createHmac } from 'node:crypto'
import { join } from 'node:path'

import { createFailureLimit } from '../../gateway/src/accept/failure-limit.ts'
import type { AuthResult } from '../../gateway/src/authenticate/auth-result.ts'
import { checkBlocked, unknownBlockStatus } from '../../gateway/src/authenticate/block-check.ts'
import { systemClock } from '../../gateway/src/clock.ts'
import { differenceOf, kindOfValue, mismatch, quoted } from '../../gateway/src/message/shown-value.ts'
import { ExactNumber, readNumber } from '../../gateway/src/message/json/exact-number.ts'
import { runCli } from '../support/run-cli.ts'

const SECRET = 'a-secret-of-at-least-thirty-two-bytes'
const ISSUER = 'https://issuer.example.com'
const KEYS = JSON.stringify({
  keys: [{ kty: 'oct', kid: 'k1', alg: 'HS256', k: Buffer.from(SECRET).toString('base64url') }],
})
const CONFIG = `limits: { tokenBytes: 1KiB }
issuers:
  - name: main
    issuer: ${ISSUER}
    audiences: [one, two]
    algorithms: [HS256]
    keys: { jwksFile: jwks.json }
    requiredClaims: [exp, sub]
    maxLifetime: 1h
    typ: at+jwt
upstreams: { up: { targets: [http://127.0.0.1:1] } }
routes:
  - { path: /scope, upstream: up, require: { scopes: { all: [read, write] } } }
  - { path: /claim, upstream: up, require: { claims: { /email: { equals: someone@example.com }, /roles: { contains: admin } } } }
  - { path: /not, upstream: up, require: { not: { scopes: { any: [guest] }, claims: { /email: { equals: bob@example.com } } } } }
  - { path: /*, upstream: up }
`
interface Case {
  readonly claims?: object
  readonly path?: string
  readonly header?: object
  readonly code: string
  readonly told: RegExp
}
const NOW = Math.floor(Date.now() / 1000)
const CASES: Readonly<Record<string, Case>> = {
  'iss with a slash': {
    claims: { iss: `${ISSUER}/` },
    code: 'issuer_unknown',
    told: /iss is "https:\/\/issuer\.example\.com\/" \(this issuer is "https:\/\/issuer\.example\.com": it differs by the last \/\)/,
  },
  'iss in capitals': {
    claims: { iss: ISSUER.toUpperCase() },
    code: 'issuer_unknown',
    told: /it differs by upper and lower case/,
  },
  'iss over http': {
    claims: { iss: ISSUER.replace('https', 'http') },
    code: 'issuer_unknown',
    told: /differs by http and https/,
  },
  'another iss': { claims: { iss: 'x' }, code: 'issuer_unknown', told: /iss is "x", wanted is "https:\/\/issuer/ },
  'no iss': { claims: { iss: undefined }, code: 'issuer_unknown', told: /iss is missing, wanted is "https:\/\/issuer/ },
  'an iss that is a number': { claims: { iss: 5 }, code: 'issuer_unknown', told: /iss is a number, wanted is "https/ },
  'another algorithm': {
    header: { alg: 'HS384' },
    code: 'algorithm_not_allowed',
    told: /signed with "HS384", allowed are HS256/,
  },
  'another audience': {
    claims: { aud: ['x', 'y'] },
    code: 'audience_mismatch',
    told: /aud is "x", "y", wanted is one of "one", "two"/,
  },
  'an audience that differs by a slash': {
    claims: { aud: 'two/' },
    code: 'audience_mismatch',
    told: /aud is "two\/" \(an audience of this issuer is "two": it differs by the last/,
  },
  'no audience': {
    claims: { aud: undefined },
    code: 'audience_mismatch',
    told: /aud is missing, wanted is one of "one", "two"/,
  },
  'an empty list of audiences': {
    claims: { aud: [] },
    code: 'audience_mismatch',
    told: /aud is an empty list, wanted is one of/,
  },
  'an audience that is an object': {
    claims: { aud: { a: 1 } },
    code: 'claim_invalid',
    told: /aud is an object with 1 members?, and neither/,
  },
  'another typ': { header: { typ: 'JWT' }, code: 'type_mismatch', told: /its typ is "jwt", wanted is "at\+jwt"/ },
  'no sub': {
    claims: { sub: undefined },
    code: 'claim_missing',
    told: /sub is missing; the token has "iat", "exp", "iss", "aud"/,
  },
  'an empty sub': { claims: { sub: '' }, code: 'claim_invalid', told: /sub is empty text/ },
  'a sub that is a number': { claims: { sub: 4711 }, code: 'claim_invalid', told: /sub is a number(?!.*4711)/ },
  'exp in milliseconds': {
    claims: { exp: 1_800_000_000_000_000 },
    code: 'claim_invalid',
    told: /exp is 1800000000000000, and not a number of seconds/,
  },
  'exp as text': {
    claims: { exp: '1800000000' },
    code: 'claim_invalid',
    told: /exp is text of 10 characters, and not a number/,
  },
  'iat after exp': {
    claims: { iat: NOW + 900, exp: NOW + 100 },
    code: 'claim_invalid',
    told: /iat \(\d{4}-\S+Z\) is after exp \(\d{4}-\S+Z\)/,
  },
  'nbf after exp': {
    claims: { nbf: NOW + 900, exp: NOW + 100 },
    code: 'claim_invalid',
    told: /nbf \(\d{4}-\S+Z\) is after exp \(\d{4}-\S+Z\)/,
  },
  'no iat': {
    claims: { iat: undefined },
    code: 'claim_missing',
    told: /maxLifetime needs iat and exp: iat is missing/,
  },
  'too long a life': {
    claims: { iat: NOW, exp: NOW + 7200 },
    code: 'token_too_old',
    told: /it lives 2 h, allowed are 1 h/,
  },
  expired: { claims: { iat: NOW - 900, exp: NOW - 600 }, code: 'token_expired', told: /expired .* ago, at \d{4}-\S+Z/ },
  'not yet valid': {
    claims: { iat: NOW + 600, exp: NOW + 900 },
    code: 'token_not_yet_valid',
    told: /valid in .*, at \d{4}-\S+Z/,
  },
  'another kid': {
    header: { kid: 'k9' },
    code: 'key_unknown',
    told: /by key "k9" with HS256, which issuer main does not publish: it has "k1"/,
  },
  'a large token': {
    claims: { filler: 'x'.repeat(1000) },
    code: 'token_too_large',
    told: /it has \d{4} characters, at most 1024 are read/,
  },
  'another scope': {
    path: '/scope',
    claims: { scope: 'read' },
    code: 'scope_missing',
    told: /it needs read write; it has "read"/,
  },
  'no scope': { path: '/scope', code: 'scope_missing', told: /it needs read write; it has none/ },
  'what the route does not allow': {
    path: '/not',
    claims: { email: 'bob@example.com', scope: 'guest' },
    code: 'claim_forbidden',
    told: /it meets what this route does not allow \(not: scope guest, claim \/email\)/,
  },
  'a claim that is missing': {
    path: '/claim',
    code: 'claim_forbidden',
    told: /the claim \/email .*\(equals\): it is missing/,
  },
  'a claim that may be personal': {
    path: '/claim',
    claims: { email: 'alice@example.com' },
    code: 'claim_forbidden',
    told: /the claim \/email .*\(equals\): it is text of 17 characters/,
  },
  'a claim that is a list': {
    path: '/claim',
    claims: { email: 'someone@example.com', roles: ['secret-role', 'b'] },
    code: 'claim_forbidden',
    told: /the claim \/roles .*\(contains\): it is a list of 2/,
  },
}

function signed(header: object, claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part(header)}.${part(claims)}`
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`
}

t.test('each failure with a detail shows what came and what is wanted, and never what may be personal', async (t) => {
  const config = join(t.testdir({ 'c.yaml': CONFIG, 'jwks.json': KEYS }), 'c.yaml')
  for (const [title, { claims = {}, path = '/x', header = {}, code, told }] of Object.entries(CASES)) {
    const all = { iat: NOW, exp: NOW + 900, iss: ISSUER, aud: 'one', sub: 'alice', ...claims }
    const token = signed({ alg: 'HS256', typ: 'at+jwt', kid: 'k1', ...header }, all)
    const { out } = await runCli('explain', '-c', config, 'GET', path, '-t', token)
    t.match(out, new RegExp(`\\d{3} ${code}`), `${title}: ${code}`)
    t.match(out, told, `${title}: both values`)
    t.notMatch(/FAIL.*/.exec(out)?.[0], /(alice|bob)@example\.com|secret-role/, `${title}: nothing personal`)
  }
})

t.test('a revocation is told by what it blocks, never by whom', (t) => {
  const entries = [
    [{ reason: 'revoked', kind: 'jti' }, 'it was revoked (blocked by its jti)'],
    [{ reason: 'logout', kind: 'sid' }, 'its user logged out (blocked by its sid)'],
    [
      { reason: 'revoked', kind: 'sub', issuedBeforeSec: 1_800_000_000 },
      'it was revoked (blocked by its sub, for sessions begun before 2027-01-15T08:00:00.000Z)',
    ],
    [{ reason: 'revoked', kind: 'sub', issuedBeforeSec: 2 ** 53 }, 'it was revoked (blocked by its sub)'],
  ] as const
  for (const [entry, told] of entries) {
    const found = { issuedBeforeSec: undefined, value: 'alice', ...entry }
    const list = { epoch: 1, check: () => ({ entry: found, holdsUntilSec: 0 }) }
    const token = { result: {} as AuthResult, blockStatus: unknownBlockStatus() }
    t.match(checkBlocked(token, list, 0), { code: 'token_revoked', detail: told })
  }
  t.end()
})

t.test('a limit on failed tokens is told with its numbers', (t) => {
  const { refusal } = createFailureLimit({ max: 5, per: 60_000 }, systemClock)
  t.match(refusal, { code: 'rate_limited', detail: /failed: 5 within 60 s/ })
  t.end()
})

t.test('values are bounded and printable; of a claim its kind alone', (t) => {
  t.equal(quoted('a"b\n\u009b\u202e'), '"a\\"b\\n\\u009b\\u202e"')
  t.equal(quoted('x'.repeat(1000)).length, 103)
  for (const [value, kind] of [
    [undefined, 'missing'],
    [null, 'null'],
    ['', 'empty text'],
    ['a', 'text of 1 character'],
    [1.5, 'a number'],
    [false, 'true or false'],
    [[], 'a list of 0'],
    [{ a: 1, b: 2 }, 'an object with 2 members'],
  ] as const)
    t.equal(kindOfValue(value), kind)
  const large = readNumber('12345678901234567890')
  t.ok(large instanceof ExactNumber)
  t.equal(kindOfValue(large), 'a number')
  t.equal(differenceOf('a', 'b'), undefined)
  t.match(mismatch('aud', ['1', '2', '3', '4', '5', '6'], ['x'], 'it'), /"5" and 1 more, wanted is "x"$/)
  t.end()
})
