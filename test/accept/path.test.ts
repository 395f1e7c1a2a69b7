import t from 'tap'
import fc from 'fast-check'

import { canonicalTarget, hasEncodedSlash } from '../../gateway/src/accept/path.ts'

t.test('paths that mean one thing are left as they are, with their query', async (t) => {
  const targets = [
    '/',
    '/a',
    '/a/b/',
    '/a.b/c..d/e',
    '/~user/@me/a:b',
    '/a;v=1',
    "/!$&'()*+,;=",
    '/%C3%A9/%20',
    '/a?b',
    '/?',
    '/a?x=../../b&u=http://evil/%zz%00',
  ]
  for (const target of targets) t.equal(canonicalTarget(target), target)
})

t.test('escaped characters that need no escape are written plainly', async (t) => {
  t.equal(canonicalTarget('/%61dmin/%7Euser/a%2Eb'), '/admin/~user/a.b')
  t.equal(canonicalTarget('/%61?%61'), '/a?%61', 'the query goes on byte for byte')
})

t.test('paths that could be read in two ways are unsafe', async (t) => {
  const targets = [
    ...['/..', '/../a', '/a/..', '/a/../b', '/a/./b', '/.', '/%2e%2e/a', '/.%2e/a', '/%2E./a', '/a/%2e'],
    ...['/..%2fa', '/a%2f..%2fb', '/..%5ca', '/..\\a', '/a\\b', '/a%5cb', '/..;/a', '/.;x=1/a', '/a/..;'],
    ...['/%252e%252e/a', '/a%252fb', '/a%255cb', '/%25252e%25252e/', '/%c0%ae%c0%ae/a', '/%ff', '/%e9'],
    ...['//a', '/a//b', '/a//', '//evil.example.com/', '/%00', '/a%0d%0ab', '/a%7f', '/a%1f', '/%zz', '/%', '/a%2'],
    ...['', '*', 'a', 'http://other/a', '/a#b', '/a?b#c', '/\u00e9', '/a b', '/"', '/<a>', '/{a}', '/a|b', '/^', '/`'],
  ]
  for (const target of targets) t.equal(canonicalTarget(target), undefined, target)
})

t.test('an escaped slash is found, for the route to decide about', async (t) => {
  t.equal(canonicalTarget('/a%2Fb'), '/a%2Fb')
  for (const path of ['/a%2Fb', '/a%2fb']) t.ok(hasEncodedSlash(path))
  for (const path of ['/a/b', '/a%20b', '/2f', '/a?b=%2F']) t.notOk(hasEncodedSlash(path))
})

t.test(
  'whatever comes in: what goes on is canonical already, and holds no dot segment for anyone who decodes it',
  async (t) => {
    const piece = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2E',
      '%2f',
      '%5c',
      '\\',
      ';',
      'a',
      'B',
      '%61',
      '%25',
      '%',
      '?',
      '#',
      '%c3%a9',
      '%00',
      '~',
      ' ',
      '//',
      'é',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const target = canonicalTarget(`/${pieces.join('')}`)
        if (target === undefined) return
        t.equal(canonicalTarget(target), target)
        const path = target.split('?')[0] ?? ''
        let decoded = path
        for (let round = 0; round < 3; round += 1) {
          decoded = decoded.replace(/%([0-9a-f]{2})/gi, (_escape, hex: string) =>
            String.fromCharCode(Number.parseInt(hex, 16)),
          )
          if (decoded.split(/[/\\]/).some((segment) => /^\.{1,2}(;.*)?$/.test(segment)))
            t.fail(`${target} becomes ${decoded}`)
        }
      }),
      { numRuns: 3000 },
    )
  },
)
