// Scopes are taken apart once for all tokens that say the same, and what is remembered is bounded.
import t from 'tap'

import { createScopeReader } from '../../../gateway/src/authenticate/token/scopes.ts'

t.test('scopes come from `scope` as text or from `scp` as text or array', async (t) => {
  const scopesOf = createScopeReader()
  t.same(scopesOf({ scope: 'a b  c' }).names, ['a', 'b', 'c'])
  t.same(scopesOf({ scp: ['a', 'b', 5] }).names, ['a', 'b'])
  t.same(scopesOf({ scp: 'a b' }).names, ['a', 'b'])
  t.same(scopesOf({ scope: 'a', scp: 'b' }).names, ['a'])
  t.equal(scopesOf({ scope: 'a "b\\' }).json, '["a","\\"b\\\\"]')
  for (const claims of [{}, { scope: 5 }, { scope: null }, { scope: '' }])
    t.same(scopesOf(claims), { names: [], json: '[]' })
})

t.test('the list is frozen, wherever it came from: all requests of many tokens share it', async (t) => {
  const scopesOf = createScopeReader()
  for (const claims of [{ scope: 'a b' }, { scope: 'a  b' }, { scp: ['a', 'b'] }, { scope: 'a '.repeat(500) }, {}])
    t.ok(Object.isFrozen(scopesOf(claims).names))
})

t.test('tokens that say the same share one list, and each text has its own', async (t) => {
  const scopesOf = createScopeReader()
  const first = scopesOf({ scope: 'a b' })
  t.equal(scopesOf({ sub: 'bob', scope: 'a b' }), first)
  t.equal(scopesOf({ scp: 'a b' }), first)
  for (const scope of ['a b ', 'b a', 'a', 'A B', 'ab', '']) t.not(scopesOf({ scope }), first, `'${scope}'`)
  for (const scope of ['__proto__', 'constructor', 'toString']) t.same(scopesOf({ scope }).names, [scope])
})

t.test('what is remembered is bounded: a thousand texts, and none that is long', async (t) => {
  const scopesOf = createScopeReader()
  const first = scopesOf({ scope: 'a b' })
  for (let index = 1; index < 1000; index += 1) scopesOf({ scope: `s${index}` })
  t.equal(scopesOf({ scope: 'a b' }), first)
  scopesOf({ scope: 'one more' })
  t.not(scopesOf({ scope: 'a b' }), first)
  t.same(scopesOf({ scope: 'a b' }), first)
  const long = 'a'.repeat(257)
  t.not(scopesOf({ scope: long }), scopesOf({ scope: long }))
})
