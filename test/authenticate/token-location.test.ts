import t from 'tap'

import { createTokenFinder, createTokenLocation } from '../../gateway/src/authenticate/token-location.ts'
import { Failure } from '../../gateway/src/failure.ts'

const bearer = createTokenFinder([createTokenLocation({ header: 'authorization', scheme: 'Bearer' })])

function find(finder: typeof bearer, headers: Record<string, string>, url = '/'): string {
  const found = finder({ headers, url })
  return found instanceof Failure ? found.code : (found?.token ?? 'none')
}

t.test('the scheme is read in any case, with one or more spaces behind it', async (t) => {
  const cases: Record<string, string> = {
    'Bearer x.y.z': 'x.y.z',
    'bearer x.y.z': 'x.y.z',
    'BEARER x.y.z': 'x.y.z',
    'Bearer   x.y.z': 'x.y.z',
    Bearer: 'token_malformed',
    'Bearer\tx.y.z': 'none',
    'Bearerx.y.z': 'none',
    'Token x.y.z': 'none',
    'Basic eA==': 'none',
    'Basic a, Basic b': 'none',
    'Bearer a, Bearer b': 'token_ambiguous',
    '': 'none',
  }
  for (const [authorization, expected] of Object.entries(cases))
    t.equal(find(bearer, { authorization }), expected, authorization)
  t.equal(find(bearer, {}), 'none')
})

t.test('a header of one’s own needs no scheme, or another one', async (t) => {
  t.equal(find(createTokenFinder([createTokenLocation({ header: 'X-Token' })]), { 'x-token': 'x.y.z' }), 'x.y.z')
  t.equal(
    find(createTokenFinder([createTokenLocation({ header: 'authorization', scheme: 'JWT' })]), {
      authorization: 'jwt x.y.z',
    }),
    'x.y.z',
  )
})

t.test('a cookie is found among others, by its whole name', async (t) => {
  const finder = createTokenFinder([createTokenLocation({ cookie: 'access_token' })])
  const cases: Record<string, string> = {
    'access_token=x.y.z': 'x.y.z',
    'a=1; access_token=x.y.z; b=2': 'x.y.z',
    'access_token="x.y.z"': 'x.y.z',
    'my_access_token=x.y.z': 'none',
    'access_token2=x.y.z': 'none',
    'access_token=': 'none',
    'access_token=x; access_token=x': 'x',
    'access_token=x; access_token=y': 'token_ambiguous',
    access_token: 'none',
  }
  for (const [cookie, expected] of Object.entries(cases)) t.equal(find(finder, { cookie }), expected, cookie)
})

t.test('a query parameter is found where that is configured', async (t) => {
  const finder = createTokenFinder([createTokenLocation({ query: 'access_token' })])
  t.equal(find(finder, {}, '/a?b=1&access_token=x.y.z&c'), 'x.y.z')
  t.equal(find(finder, {}, '/access_token=x?b=1'), 'none')
  t.equal(find(finder, {}, '/?access_token=x&access_token=y'), 'token_ambiguous')
  t.equal(find(bearer, {}, '/?access_token=x'), 'none')
})

t.test('tokens in two places are refused, even when they are the same', async (t) => {
  const finder = createTokenFinder([
    createTokenLocation({ header: 'authorization', scheme: 'Bearer' }),
    createTokenLocation({ cookie: 't' }),
    createTokenLocation({ query: 't' }),
  ])
  t.equal(find(finder, { authorization: 'Bearer x' }), 'x')
  t.equal(find(finder, { cookie: 't=x' }), 'x')
  t.equal(find(finder, { authorization: 'Bearer x', cookie: 't=x' }), 'token_ambiguous')
  t.equal(find(finder, { cookie: 't=x' }, '/?t=x'), 'token_ambiguous')
})
