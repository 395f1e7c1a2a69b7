import t from 'tap'

import { anonymousResult, type AuthResult, type Claims } from '../../gateway/src/authenticate/auth-result.ts'
import { createScopeReader } from '../../gateway/src/authenticate/scopes.ts'
import { compileRequirement, scopesToAskFor } from '../../gateway/src/authorize/authorize.ts'

const scopesOf = createScopeReader()
const caller = (claims: Claims): AuthResult => ({
  ...anonymousResult(undefined),
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
