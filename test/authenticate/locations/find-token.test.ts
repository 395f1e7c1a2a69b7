import t from 'tap'

import { createTokenLocation } from '../../../gateway/src/authenticate/locations/create-location.ts'
import { createTokenFinder } from '../../../gateway/src/authenticate/locations/find-token.ts'
import { Failure } from '../../../gateway/src/failure.ts'

const bearer = createTokenFinder([createTokenLocation({ header: 'authorization', scheme: 'Bearer' })])

function find(finder: typeof bearer, headers: Record<string, string>, url = '/'): string {
  const found = finder({ headers, url })
  if (found instanceof Failure) return found.code
  return found?.rivals === undefined ? (found?.token ?? 'none') : found.rivals.map(({ token }) => token).join(' or ')
}

t.test('the scheme is read in any case, with one or more spaces behind it', async (t) => {
  const cases: Record<string, string> = {
    'Bearer x.y.z': 'x.y.z',
    'bearer x.y.z': 'x.y.z',
    'BEARER x.y.z': 'x.y.z',
    'Bearer   x.y.z': 'x.y.z',
    Bearer: 'token_malformed',
    'Bearer\tx.y.z': 'token_malformed', // Python's split() reads it
    'Bearer:x.y.z': 'token_malformed',
    'Bearer-x.y.z': 'none', // another scheme
    'Bearerx.y.z': 'none',
    'Token x.y.z': 'none',
    'Basic eA==': 'none',
    'Basic a, Basic b': 'none',
    'Bearer a, Bearer b': 'token_ambiguous',
    'Basic eA==, Bearer b': 'token_ambiguous',
    'Basic eA==,bearer b': 'token_ambiguous',
    'Digest username="Bearer"': 'none',
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
    'access_token=x; access_token=y': 'x or y', // which counts is decided when they are verified
    'access_token=1; access_token=2; access_token=3; access_token=4': '1 or 2 or 3 or 4',
    'access_token=1; access_token=2; access_token=3; access_token=4; access_token=5': 'token_ambiguous',
    access_token: 'none',
    'a=1;\taccess_token\t= x ;': 'x',
    '\u00a0access_token=x': 'none', // a blank to trim(), part of the name to RFC 6265
    'access_token\u00a0=x': 'none',
    '\u00a0access_token=x; access_token=y': 'y',
    'access_token=\u00a0x': '\u00a0x',
    'access%5Ftoken=x': 'x', // PHP, before CVE-2020-7070
    'access_token=x; access%5ftoken=y': 'x or y',
    'access.token=y; access_token=x': 'y or x', // PHP
    'access_token=x; access[token=y': 'x or y',
    'ACCESS_TOKEN=x': 'none',
    'access-token=x': 'none',
    'a="b; access_token=x"; access_token=y': 'x" or y', // who knows no quotes reads the first
  }
  for (const [cookie, expected] of Object.entries(cases)) t.equal(find(finder, { cookie }), expected, cookie)
})

t.test('another spelling of a name with a prefix is not that cookie: any host of the domain can set it', (t) => {
  // RFC 6265bis section 4.1.3; browsers look at the name as it is sent.
  for (const name of ['__Host-token', '__Secure-token']) {
    const cookie = createTokenFinder([createTokenLocation({ cookie: name })])
    t.equal(find(cookie, { cookie: `a=1;  ${name} =x` }), 'x')
    const rest = name.slice(1)
    for (const spelt of [
      `%5f${rest}`,
      `_.${rest.slice(1)}`,
      `..${rest.slice(1)}`,
      `${name}[]`,
      `_%5F${rest.slice(1)}`,
    ]) {
      t.equal(find(cookie, { cookie: `${spelt}=x` }), 'token_ambiguous', spelt)
      t.equal(find(cookie, { cookie: `${name}=x; ${spelt}=y` }), 'token_ambiguous', `beside it: ${spelt}`)
    }
  }
  t.end()
})

t.test('a query parameter is found where that is configured', async (t) => {
  const finder = createTokenFinder([createTokenLocation({ query: 'access_token' })])
  t.equal(find(finder, {}, '/a?b=1&access_token=x.y.z&c'), 'x.y.z')
  t.equal(find(finder, {}, '/access_token=x?b=1'), 'none')
  t.equal(find(finder, {}, '/?access_token=x&access_token=y'), 'token_ambiguous')
  t.equal(find(finder, {}, '/?access_token=&b'), 'none')
  t.equal(find(finder, {}, '/?access_token=x%2Ey'), 'x.y')
  t.equal(find(bearer, {}, '/?access_token=x'), 'none')
})

// What is read as access_token, and by whom.
const SPELLINGS: Record<string, string> = {
  'access%5ftoken': 'everybody: RFC 3986 section 2.1',
  'access%5Ftoken': 'everybody',
  '%61ccess_token': 'everybody',
  ACCESS_TOKEN: 'ASP.NET',
  'Access%5FToken': 'ASP.NET',
  'access.token': 'PHP',
  'access+token': 'PHP',
  'access%20token': 'PHP',
  'access%2Etoken': 'PHP',
  '+access_token': 'PHP',
  '%20%09access_token': 'PHP',
  'access_token%00x': 'PHP',
  'access[token': 'PHP',
  'access_token[]': 'PHP, Rack, qs',
  'access_token%5B0%5D': 'PHP, Rack, qs',
  'access%u005ftoken': 'IIS',
}

t.test('a query parameter is seen in every spelling that an upstream reads', async (t) => {
  const finder = createTokenFinder([
    createTokenLocation({ header: 'authorization', scheme: 'Bearer' }),
    createTokenLocation({ query: 'access_token' }),
  ])
  for (const [spelling, reader] of Object.entries(SPELLINGS)) {
    t.equal(find(finder, {}, `/?a=1&${spelling}=x`), 'x', `${spelling}: ${reader}`)
    for (const url of [`/?${spelling}=y`, `/?a=1;${spelling}=y`, `/?a=1&b&${spelling}=y&c`])
      t.equal(find(finder, { authorization: 'Bearer x' }, url), 'token_ambiguous', `beside a header: ${url}`)
    t.equal(find(finder, {}, `/?access_token=x&${spelling}=y`), 'token_ambiguous')
  }
  for (const other of [
    'access',
    'access_tokens',
    'my_access_token',
    'access-token',
    'accesstoken',
    'x[access_token]',
    'access%255ftoken',
  ])
    t.equal(find(finder, { authorization: 'Bearer x' }, `/?${other}=y`), 'x', `${other} is another one`)
})

t.test('a cookie with a scheme holds a token where its value has that scheme', async (t) => {
  const finder = createTokenFinder([createTokenLocation({ cookie: 't', scheme: 'Bearer' })])
  const cases: Record<string, string> = {
    't="Bearer x.y.z"': 'x.y.z', // Python's SimpleCookie: FastAPI
    't=Bearer x.y.z': 'x.y.z',
    't=Bearer%20x.y.z': 'x.y.z', // encodeURIComponent: Express
    't=bearer+x.y.z; a=1': 'x.y.z',
    't="Bearer%20x.y.z"': 'x.y.z',
    't=x.y.z': 'none',
    't=Basic x': 'none',
    't=Bearer': 'token_malformed',
    't=Bearer%09x': 'none', // a scheme of its own: % may be in its name
    't=Bearer x; t=Bearer y': 'x or y',
    't=Bearer x; t=y': 'x',
    't=Bearer x; t="Bearer%20x"': 'x',
    't=Bearer x, Bearer y': 'x, Bearer y', // no token, as every comma in one
  }
  for (const [cookie, expected] of Object.entries(cases)) t.equal(find(finder, { cookie }), expected, cookie)
})

t.test('a subprotocol is followed by one token', async (t) => {
  const finder = createTokenFinder([createTokenLocation({ websocketProtocol: 'bearer' })])
  const cases: Record<string, string> = {
    'bearer, x': 'x',
    'chat,bearer,x,more': 'x',
    'bearer, x, bearer, x': 'x',
    'bearer, x, bearer, y': 'token_ambiguous',
    'bearer, x, chat, bearer, y': 'token_ambiguous',
    'bearer, , x': 'x', // an empty element counts for nothing
    bearer: 'token_malformed',
    'bearer, x, bearer': 'token_malformed',
    'bearer, x, Bearer, y': 'token_malformed',
    'Bearer, x': 'token_malformed',
    'chat, x': 'none',
  }
  for (const [offer, expected] of Object.entries(cases))
    t.equal(find(finder, { 'sec-websocket-protocol': offer }), expected, offer)
})

t.test('tokens in two locations are refused, even when they are the same', async (t) => {
  const finder = createTokenFinder([
    createTokenLocation({ header: 'authorization', scheme: 'Bearer' }),
    createTokenLocation({ cookie: 't' }),
    createTokenLocation({ query: 't' }),
  ])
  t.equal(find(finder, { authorization: 'Bearer x' }), 'x')
  t.equal(find(finder, { cookie: 't=x' }), 'x')
  t.equal(find(finder, { authorization: 'Bearer x', cookie: 't=x' }), 'token_ambiguous')
  t.equal(find(finder, { cookie: 't=x' }, '/?t=x'), 'token_ambiguous')
  t.equal(find(finder, { authorization: 'Bearer x', cookie: 't=x; t=y' }), 'token_ambiguous')
})

t.test('cookies of two names are as several of one: the log-in may have one, the gateway another', async (t) => {
  const finder = createTokenFinder([
    createTokenLocation({ cookie: 't', scheme: 'Bearer' }),
    createTokenLocation({ cookie: '__Host-t' }),
    createTokenLocation({ header: 'x-token' }),
  ])
  t.equal(find(finder, { cookie: 't=Bearer x; __Host-t=y' }), 'x or y')
  t.equal(find(finder, { cookie: '__Host-t=y; t=Bearer x; t=Bearer z' }), 'x or z or y')
  t.equal(find(finder, { cookie: '__Host-t=1; __Host-t=2; __Host-t=3; t=Bearer x; t=Bearer z' }), 'token_ambiguous')
  t.equal(find(finder, { cookie: 't=Bearer x; __Host-t=y', 'x-token': 'x' }), 'token_ambiguous')
})
