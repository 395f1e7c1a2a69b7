// What is taken out of a request, and that every other byte stays as it came.
import t from 'tap'
import fc from 'fast-check'

import { createTokenLocation } from '../../../gateway/src/authenticate/locations/create-location.ts'
import { createStripTokens } from '../../../gateway/src/authenticate/locations/strip-tokens.ts'

type Options = Parameters<typeof createTokenLocation>[0]

function strip(options: readonly Options[], forward: 'keep' | 'strip', headers: readonly string[], target = '/') {
  const left = [...headers]
  const url = createStripTokens(options.map(createTokenLocation), forward)?.(left, target) ?? target
  return { headers: left, url }
}

t.test('what stays needs no function at all', async (t) => {
  t.equal(createStripTokens([createTokenLocation({ header: 'authorization', scheme: 'Bearer' })], 'keep'), undefined)
  t.equal(
    createStripTokens([createTokenLocation({ cookie: 't' }), createTokenLocation({ header: 'a' })], 'keep'),
    undefined,
  )
})

t.test('a header goes where it holds the scheme of tokens, and stays where it does not', async (t) => {
  const bearer = [{ header: 'Authorization', scheme: 'Bearer' }]
  for (const value of ['Bearer x', 'bearer x', 'Bearer', 'Bearer\tx', 'Basic eA==, Bearer x', 'Bearer a, Bearer b'])
    t.same(strip(bearer, 'strip', ['AUTHORIZATION', value, 'a', '1']).headers, ['a', '1'], value)
  for (const value of ['Basic eA==', 'Bearerx', 'Digest a="Bearer"', ''])
    t.same(strip(bearer, 'strip', ['Authorization', value]).headers, ['Authorization', value], value)
  t.same(strip([{ header: 'x-token' }], 'strip', ['X-Token', 'a', 'x-token', 'b', 'c', 'd']).headers, ['c', 'd'])
})

t.test('a cookie goes, every other one stays as it came, and no empty header is left', async (t) => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['t=x', undefined],
    ['t=x; ', undefined],
    ['t=x;;\t;', undefined],
    ['t=x; t=y', undefined],
    ['a=1; t=x;  b="2"', 'a=1;  b="2"'],
    ['t=x;b=2', 'b=2'],
    ['a=1; %74=x; T=1', 'a=1; T=1'],
    ['a=1;  b=2; ', 'a=1;  b=2; '],
    ['\u00a0t=x; a=1', '\u00a0t=x; a=1'],
  ]
  for (const [cookie, left] of cases)
    t.same(
      strip([{ cookie: 't' }], 'strip', ['Cookie', cookie]).headers,
      left === undefined ? [] : ['Cookie', left],
      cookie,
    )
  const scheme = [{ cookie: 't', scheme: 'Bearer' }]
  t.same(strip(scheme, 'strip', ['cookie', 't="Bearer x"; a=1; t=Bearer%20y']).headers, ['cookie', 'a=1'])
  t.same(strip(scheme, 'strip', ['cookie', 't=theme; a=1']).headers, ['cookie', 't=theme; a=1'], 'no token')
})

t.test('a parameter goes in every spelling, and nothing else changes', async (t) => {
  const cases: Record<string, string> = {
    '/a?token=x': '/a',
    '/a?token': '/a',
    '/a?token=': '/a',
    '/a?b=%20+&token=x&&c;d': '/a?b=%20+&&c;d',
    '/a?token=x&b=1': '/a?b=1',
    '/a?b=1;token=x;c': '/a?b=1;c',
    '/a?TOKEN=x&to%6ben=y&token[]=z&b=1': '/a?b=1',
    '/a?': '/a?',
    '/a?b=token': '/a?b=token',
    '/token=x?b': '/token=x?b',
  }
  for (const [target, left] of Object.entries(cases))
    for (const forward of ['keep', 'strip'] as const)
      t.equal(strip([{ query: 'token' }], forward, [], target).url, left, target)
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9%&;=+._[\]-]{0,30}$/), (query) => {
      const target = `/p?${query}`
      return /[%.[+]|q/.test(query) || strip([{ query: 'q' }], 'keep', [], target).url === target
    }),
  )
})

t.test('all tokens behind a subprotocol go, also when the offer is in several headers', async (t) => {
  const location = [{ websocketProtocol: 'bearer' }]
  const cases: readonly (readonly [string[], string | undefined])[] = [
    [['bearer, x'], undefined],
    [['bearer, x, chat'], 'chat'],
    [['bearer, x, chat, bearer, y, Bearer, z'], 'chat'],
    [['chat, bearer', 'x, more'], 'chat, more'],
    [['chat'], 'chat'],
    [['bearer,, x', ''], undefined],
  ]
  for (const [offers, left] of cases) {
    const headers = offers.flatMap((offer) => ['Sec-WebSocket-Protocol', offer])
    t.same(
      strip(location, 'keep', headers).headers,
      left === undefined ? [] : ['sec-websocket-protocol', left],
      offers.join(' | '),
    )
  }
})

t.test('whatever is found is gone afterwards, and is not found again', async () => {
  const options: Options[] = [
    { header: 'authorization', scheme: 'Bearer' },
    { cookie: 't' },
    { query: 't' },
    { websocketProtocol: 't' },
  ]
  const locations = options.map(createTokenLocation)
  const word = fc.constantFrom('t', 'T', '%74', 't[]', 'Bearer', 'x', ' ', '=', ';', '&', ',', '"', '+', '.')
  const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(''))
  fc.assert(
    fc.property(fc.record({ authorization: text, cookie: text, offer: text, query: text }), (request) => {
      const headers = [
        'authorization',
        request.authorization,
        'cookie',
        request.cookie,
        'sec-websocket-protocol',
        request.offer,
      ]
      const { headers: left, url } = strip(options, 'strip', headers, `/?${request.query}`)
      const parsed = Object.fromEntries(
        left.flatMap((name, index) => (index % 2 === 0 ? [[name, left[index + 1]]] : [])),
      )
      for (const location of locations) {
        const found = location.find({ headers: parsed, url })
        if (found !== undefined) throw new Error(`${location.name}: ${JSON.stringify([left, url])}`)
      }
    }),
    { numRuns: 3000 },
  )
})
