import t from 'tap'

import { anonymousResult, type AuthResult, type Claims } from '../../gateway/src/authenticate/auth-result.ts'
import { readExactJson } from '../../gateway/src/message/json/exact-json.ts'
import { scopesOf } from '../../gateway/src/authenticate/token/scopes.ts'
import { compileRequirement, scopesToAskFor } from '../../gateway/src/authorize/authorize.ts'

const caller = (claims: Claims): AuthResult => ({
  ...anonymousResult({ headerValue: undefined, claimValues: [] }),
  authenticated: true,
  claims,
  scopes: scopesOf(claims).names,
})
const decide = (require: Parameters<typeof compileRequirement>[0], claims: Claims) =>
  compileRequirement(require)(caller(claims))?.code ?? 'ok'

t.test('all scopes, or any of them, as the route demands', async (t) => {
  const cases: readonly [NonNullable<Parameters<typeof compileRequirement>[0]['scopes']>, string, string][] = [
    [{ all: ['a', 'b'] }, 'b a c', 'ok'],
    [{ all: ['a', 'b'] }, 'a', 'scope_missing'],
    [{ any: ['a', 'b'] }, 'b', 'ok'],
    [{ any: ['a', 'b'] }, 'c', 'scope_missing'],
    [{ all: ['a'], any: ['b', 'c'] }, 'a c', 'ok'],
    [{ all: ['a'], any: ['b', 'c'] }, 'a', 'scope_missing'],
    [{ all: ['read'] }, 'read:all', 'scope_missing'],
    [{ all: ['read'] }, 'READ', 'scope_missing'],
  ]
  for (const [scopes, scope, expected] of cases)
    t.equal(decide({ scopes }, { scope }), expected, `${JSON.stringify(scopes)} ${scope}`)
})

t.test('claims are found by JSON Pointer, also those named like URLs', async (t) => {
  const claims: Claims = {
    'http://a.com': true,
    realm_access: { roles: ['admin', 'user'] },
    'a~b': 1,
    tenant: 'acme-eu',
    level: 3,
    none: null,
    list: [{ id: 7 }],
  }
  const cases: readonly [string, object, string][] = [
    ['/http:~1~1a.com', { equals: true }, 'ok'],
    ['/http:~1~1a.com', { equals: 'true' }, 'claim_forbidden'],
    ['/a~0b', { equals: 1 }, 'ok'],
    ['/realm_access/roles', { contains: 'admin' }, 'ok'],
    ['/realm_access/roles', { contains: 'adm' }, 'claim_forbidden'],
    ['/realm_access/roles/1', { equals: 'user' }, 'ok'],
    ['/list/0/id', { oneOf: [5, 7] }, 'ok'],
    ['/tenant', { contains: 'acme' }, 'claim_forbidden'],
    ['/tenant', { prefix: 'acme-' }, 'ok'],
    ['/tenant', { prefix: 'acme-', oneOf: ['acme-us'] }, 'claim_forbidden'],
    ['/level', { oneOf: ['3'] }, 'claim_forbidden'],
    ['/level', { prefix: '3' }, 'claim_forbidden'],
    ['/missing/deep', { exists: false }, 'ok'],
    ['/missing', { exists: true }, 'claim_forbidden'],
    ['/none', { exists: true }, 'claim_forbidden'],
    ['/missing', { equals: 'x' }, 'claim_forbidden'],
    ['/constructor', { exists: true }, 'claim_forbidden'],
    ['/toString/name', { exists: true }, 'claim_forbidden'],
    ['/realm_access/roles/length', { exists: true }, 'ok'],
  ]
  for (const [pointer, condition, expected] of cases.filter(([pointer]) => !pointer.endsWith('length'))) {
    t.equal(decide({ claims: { [pointer]: condition } }, claims), expected, `${pointer} ${JSON.stringify(condition)}`)
  }
})

t.test('contains holds for a list with that member, and for that very text alone', async (t) => {
  const cases: readonly (readonly [unknown, unknown, string])[] = [
    ['admin', ['admin', 'user'], 'ok'],
    ['admin', 'admin', 'ok'], // Entra and AD FS: a list of one is a text
    ['admin', 'administrator', 'claim_forbidden'],
    ['admin', 'no admin', 'claim_forbidden'],
    ['admin', 'admin user', 'claim_forbidden'],
    ['admin', 'Admin', 'claim_forbidden'],
    ['admin', { admin: 'admin' }, 'claim_forbidden'],
    ['admin', [['admin']], 'claim_forbidden'],
    ['admin', null, 'claim_forbidden'],
    ['3', 3, 'claim_forbidden'],
    [3, [1, 3], 'ok'],
    [3, 3, 'claim_forbidden'],
    [3, '3', 'claim_forbidden'],
    [true, true, 'claim_forbidden'],
  ]
  for (const [contains, role, expected] of cases)
    t.equal(
      decide({ claims: { '/role': { contains } } } as Parameters<typeof compileRequirement>[0], { role } as Claims),
      expected,
      `${JSON.stringify(contains)} in ${JSON.stringify(role)}`,
    )
})

t.test('numbers are compared to the digit, in whatever spelling', async (t) => {
  const exactly = (number: string) => ({ number })
  const cases: readonly (readonly [object, string, string])[] = [
    [{ equals: exactly('12345678901234567890') }, '12345678901234567890', 'ok'],
    [{ equals: exactly('12345678901234567890') }, '1234567890123456789.0e1', 'ok'],
    [{ equals: exactly('12345678901234567890') }, '12345678901234567891', 'claim_forbidden'],
    [{ equals: exactly('12345678901234567890') }, '12345678901234567000', 'claim_forbidden'],
    [{ equals: exactly('12345678901234567890') }, '"12345678901234567890"', 'claim_forbidden'],
    [{ equals: 12345678901234567000 }, '12345678901234567000', 'ok'],
    [{ equals: 12345678901234567000 }, '12345678901234567890', 'claim_forbidden'],
    [{ equals: 9007199254740992 }, '9007199254740993', 'claim_forbidden'],
    [{ equals: 0.1 }, '0.1000000000000000055511151231257827', 'claim_forbidden'],
    [{ equals: 0.1 }, '0.10', 'ok'],
    [{ equals: 0 }, '1e-400', 'claim_forbidden'],
    [{ equals: 0 }, '-0', 'ok'],
    [{ equals: exactly('100') }, '1e2', 'ok'],
    [{ oneOf: [1, exactly('9007199254740993')] }, '9007199254740993', 'ok'],
    [{ oneOf: [1, exactly('9007199254740993')] }, '9007199254740992', 'claim_forbidden'],
    [{ contains: exactly('9007199254740993') }, '[1,9007199254740993]', 'ok'],
    [{ contains: exactly('9007199254740993') }, '[9007199254740992,9007199254740995]', 'claim_forbidden'],
    [{ prefix: '1' }, '12345678901234567890', 'claim_forbidden'],
    [{ exists: true }, '12345678901234567890', 'ok'],
  ]
  for (const [condition, number, expected] of cases) {
    const claims = readExactJson(`{"n":${number}}`) as Claims
    t.equal(decide({ claims: { '/n': condition } }, claims), expected, `${JSON.stringify(condition)} ${number}`)
  }
  const claims = readExactJson('{"n":12345678901234567890}') as Claims
  for (const step of ['toJSON', 'constructor', 'length', '0'])
    t.equal(
      decide({ claims: { [`/n/${step}`]: { exists: true } } }, claims),
      'claim_forbidden',
      `nothing is in a number: ${step}`,
    )
})

t.test('a member __proto__ is found as a member, and nothing else is', async (t) => {
  const claims = JSON.parse('{"__proto__":{"admin":true},"realm":{}}') as Claims
  const found = { claims: { '/__proto__/admin': { equals: true } } }
  t.equal(decide(found, claims), 'ok')
  t.equal(decide({ claims: { '/admin': { exists: true } } }, claims), 'claim_forbidden')
  t.equal(decide({ claims: { '/realm/__proto__': { exists: true } } }, claims), 'claim_forbidden')
})

t.test('all, any and not combine', async (t) => {
  const require = {
    scopes: { all: ['read'] },
    any: [{ claims: { '/role': { equals: 'admin' } } }, { scopes: { all: ['write'] } }],
    all: [{ claims: { '/tenant': { exists: true } } }],
    not: { claims: { '/suspended': { equals: true } } },
  }
  t.equal(decide(require, { scope: 'read write', tenant: 't' }), 'ok')
  t.equal(decide(require, { scope: 'read', role: 'admin', tenant: 't' }), 'ok')
  t.equal(decide(require, { scope: 'read', tenant: 't' }), 'claim_forbidden')
  t.equal(decide(require, { scope: 'read write' }), 'claim_forbidden')
  t.equal(decide(require, { scope: 'read write', tenant: 't', suspended: true }), 'claim_forbidden')
  t.equal(decide(require, { role: 'admin', tenant: 't' }), 'scope_missing')
})

t.test('a refused client is told which scopes to ask for', async (t) => {
  t.same(scopesToAskFor({ scopes: { all: ['a', 'b'], any: ['b', 'c'] } }), ['a', 'b', 'c'])
  t.same(scopesToAskFor({ claims: { '/x': { exists: true } } }), [])
})
