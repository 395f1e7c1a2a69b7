// Scopes are read from the claims that issuers put them in, and shared by all requests of a token.
import t from 'tap'

import { scopesOf } from '../../../gateway/src/authenticate/token/scopes.ts'

t.test('scopes come from `scope` as text or from `scp` as text or array', async (t) => {
  t.same(scopesOf({ scope: 'a b  c' }).names, ['a', 'b', 'c'])
  t.same(scopesOf({ scp: ['a', 'b', 5] }).names, ['a', 'b'])
  t.same(scopesOf({ scp: 'a b' }).names, ['a', 'b'])
  t.same(scopesOf({ scope: 'a', scp: 'b' }).names, ['a'])
  t.equal(scopesOf({ scope: 'a "b\\' }).json, '["a","\\"b\\\\"]')
  for (const claims of [{}, { scope: 5 }, { scope: null }, { scope: '' }])
    t.same(scopesOf(claims), { names: [], json: '[]' })
})

t.test('the list is frozen, wherever it came from: all requests of many tokens share it', async (t) => {
  for (const claims of [{ scope: 'a b' }, { scope: 'a  b' }, { scp: ['a', 'b'] }, { scope: 'a '.repeat(500) }, {}])
    t.ok(Object.isFrozen(scopesOf(claims).names))
})

t.test('texts that say the same are the same list, and each other text has its own', async (t) => {
  const first = scopesOf({ scope: 'a b' })
  t.same(scopesOf({ sub: 'bob', scope: 'a b' }), first)
  t.same(scopesOf({ scp: 'a b' }), first)
  t.same(scopesOf({ scope: 'a b ' }), first)
  for (const scope of ['b a', 'a', 'A B', 'ab', '']) t.strictNotSame(scopesOf({ scope }), first, `'${scope}'`)
  for (const scope of ['__proto__', 'constructor', 'toString', 'a'.repeat(257)])
    t.same(scopesOf({ scope }).names, [scope])
})
