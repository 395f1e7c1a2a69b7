// Which values of Origin an option names (RFC 6454 section 6.2, WHATWG URL: how browsers write origins).
import fc from 'fast-check'
import t from 'tap'

import { compileOrigins, isOriginOrWildcard, isTopLevelWildcard } from '../../../gateway/src/accept/origins/origins.ts'

t.test('an origin is named as browsers write it, a wildcard for one label or more', async (t) => {
  const cases: readonly [option: string, origin: string, named: boolean][] = [
    ['https://app.example.com', 'https://app.example.com', true],
    ['https://App.Example.com', 'https://app.example.com', true],
    ['https://app.example.com:443', 'https://app.example.com', true],
    ['http://app.example.com:80', 'http://app.example.com', true],
    ['https://app.example.com:8443', 'https://app.example.com:8443', true],
    ['https://münchen.example', 'https://xn--mnchen-3ya.example', true],
    ['http://[::1]:3000', 'http://[::1]:3000', true],
    ['https://app.example.com', 'http://app.example.com', false],
    ['https://app.example.com', 'https://app.example.com:8443', false],
    ['https://app.example.com', 'https://app.example.com.evil.com', false],
    ['https://app.example.com', 'https://evilapp.example.com', false],
    ['https://app.example.com', 'null', false],
    ['https://*.example.com', 'https://app.example.com', true],
    ['https://*.example.com', 'https://a.b.example.com', true],
    ['https://*.Example.com:443', 'https://app.example.com', true],
    ['https://*.example.com:8443', 'https://app.example.com:8443', true],
    ['https://*.example.com', 'https://example.com', false],
    ['https://*.example.com', 'https://.example.com', false],
    ['https://*.example.com', 'https://evilexample.com', false],
    ['https://*.example.com', 'https://app.example.com.evil.com', false],
    ['https://*.example.com', 'https://app.example.com:8443', false],
    ['https://*.example.com', 'http://app.example.com', false],
    ['https://*.example.com', 'https://evil.com/.example.com', false],
    ['https://*.example.com', 'https://evil.com#.example.com', false],
    ['https://*.example.com', 'https://evil.com:1@a.example.com', false],
    ['https://*.example.com', 'https://evil.com\\.example.com', false],
    ['https://*.example.com', 'https://a..example.com', false],
  ]
  for (const [option, origin, named] of cases)
    t.equal(compileOrigins([option])(origin), named, `${option} names ${origin}`)
})

t.test('what no browser would send as an origin is found by the check of a config', async (t) => {
  for (const text of ['https://a.example.com', 'http://localhost:3000', 'https://*.example.com', 'https://*.localhost'])
    t.ok(isOriginOrWildcard(text), text)
  for (const text of [
    ...['https://a.example.com/', 'https://a.example.com?x', 'https://a.example.com#x', 'https://user@a.example.com'],
    ...[
      'https://a example.com',
      'https://:80',
      'https://a:99999',
      'ftp://a.example.com',
      'https://*.',
      'https://*.:80',
    ],
    ...['https://*.1.2.3', 'https://a.*.com', 'https://**.example.com', 'null'],
  ])
    t.notOk(isOriginOrWildcard(text), text)
  t.same(
    ['https://*.com', 'https://*.com:8443', 'https://*.example.com'].map((text) => isTopLevelWildcard(text)),
    [true, true, false],
  )
})

t.test('whatever a wildcard names has its scheme and ends with its host', async (t) => {
  const isNamed = compileOrigins(['https://*.example.com'])
  const texts = fc.string({ unit: fc.constantFrom(...'https:/.example.comevil#?@\\:8'), maxLength: 60 })
  fc.assert(
    fc.property(
      fc.oneof(
        texts,
        texts.map((text) => `https://${text}.example.com`),
      ),
      (origin) => {
        if (!isNamed(origin)) return
        const url = new URL(origin)
        t.equal(url.origin, origin)
        t.equal(url.protocol, 'https:')
        t.ok(url.hostname.endsWith('.example.com'))
      },
    ),
  )
})
