// Of every kind of location: what it puts it finds and takes away, and none can be forgotten anywhere.
import t from 'tap'

import { createTokenLocation } from '../../../gateway/src/authenticate/locations/create-location.ts'
import type { TokenLocation } from '../../../gateway/src/authenticate/locations/location.ts'
import { createStripTokens } from '../../../gateway/src/authenticate/locations/strip-tokens.ts'
import { LOCATION_KINDS, type LocationKind, type TokenLocationOptions } from '../../../gateway/src/options/tokens.ts'

interface Case {
  readonly options: TokenLocationOptions
  readonly target: string
  readonly headers: readonly (readonly [string, string])[]
  readonly header: string | undefined
  readonly wayBack: TokenLocation['wayBack']
  readonly isAlwaysStripped: boolean
}

const CASES: Readonly<Record<LocationKind, readonly Case[]>> = {
  header: [
    {
      options: { header: 'Authorization', scheme: 'Bearer' },
      target: '/a?b',
      headers: [['authorization', 'Bearer x.y.z']],
      header: 'authorization',
      wayBack: 'header',
      isAlwaysStripped: false,
    },
    {
      options: { header: 'X-Token' },
      target: '/a?b',
      headers: [['x-token', 'x.y.z']],
      header: 'x-token',
      wayBack: 'header',
      isAlwaysStripped: false,
    },
  ],
  cookie: [
    {
      options: { cookie: 't', scheme: 'Bearer' },
      target: '/a?b',
      headers: [['cookie', 't=Bearer x.y.z']],
      header: 'cookie',
      wayBack: 'cookie',
      isAlwaysStripped: false,
    },
  ],
  query: [
    {
      options: { query: 't' },
      target: '/a?b&t=x.y.z',
      headers: [],
      header: undefined,
      wayBack: 'header',
      isAlwaysStripped: true,
    },
  ],
  websocketProtocol: [
    {
      options: { websocketProtocol: 'bearer' },
      target: '/a?b',
      headers: [['sec-websocket-protocol', 'bearer, x.y.z']],
      header: 'sec-websocket-protocol',
      wayBack: undefined,
      isAlwaysStripped: true,
    },
  ],
}

for (const kind of LOCATION_KINDS)
  for (const { options, target, headers, header, wayBack, isAlwaysStripped } of CASES[kind])
    t.test(`a token put at ${JSON.stringify(options)} is found there and taken away`, async (t) => {
      const location = createTokenLocation(options)
      const put = location.put('x.y.z', '/a?b')
      t.same(put, { target, headers })
      t.equal(location.find({ headers: Object.fromEntries(put.headers), url: put.target }), 'x.y.z')
      t.match(location, { header, wayBack, isAlwaysStripped })
      const left = put.headers.flat()
      t.equal(location.strip(left, put.target), '/a?b')
      t.same(left, [])
      t.equal(createStripTokens([location], 'keep') !== undefined, isAlwaysStripped, 'forward: keep')
      t.not(createStripTokens([location], 'strip'), undefined, 'forward: strip')
    })

t.test('a target without a query gets one', async (t) => {
  t.equal(createTokenLocation({ query: 't' }).put('x.y.z', '/a').target, '/a?t=x.y.z')
})

t.test('an entry that names no location is a fault of the program: the config is checked before', async (t) => {
  t.throws(() => createTokenLocation({ scheme: 'Bearer' }), /names no location/)
})

t.test(
  'the compiler refuses a table without one of the kinds, and a location that cannot take its token away',
  async (t) => {
    const { header, cookie, websocketProtocol } = CASES
    // @ts-expect-error: query is missing.
    const table: typeof CASES = { header, cookie, websocketProtocol }
    t.notOk('query' in table)
    const { strip, ...withoutStrip } = createTokenLocation({ query: 't' })
    // @ts-expect-error: strip is missing.
    const location: TokenLocation = withoutStrip
    t.not(location.strip, strip)
  },
)
