import t from 'tap'
import fc from 'fast-check'

import {
  decodedPath,
  decodeFully,
  hasEmptySegment,
  hasEncodedSlash,
  plainPath,
  rawPath,
} from '../../../gateway/src/accept/routes/path.ts'

function routingPath(url: string): string | undefined {
  const plain = plainPath(url)
  const decoded = decodedPath(url)
  if (plain !== undefined && plain !== decoded) throw new Error(`${url} is ${plain} or ${decoded}`)
  return decoded
}

t.test('a path that means one thing is compared as it is, without its query', async (t) => {
  const paths = [
    ...['/', '/a', '/a/b/', '/a.b/c..d/e', '/~user/@me/a:b', '/a;v=1', "/!$&'()*+,;=", '/.well-known/x', '/...'],
    // What browsers and older clients send raw: WHATWG URL path percent-encode set; nginx and HAProxy pass it.
    ...['/_next/app/[slug]/page.js', '/a|b', '/a^b', '/{id}', '/"', '/<a>', '/`'],
  ]
  for (const path of paths) {
    t.equal(routingPath(path), path)
    t.equal(routingPath(`${path}?x=../../b&u=http://evil//%zz%00`), path)
    t.equal(routingPath(`${path}?`), path)
  }
})

t.test('escapes are decoded once before paths are compared, but for a slash', async (t) => {
  const cases = [
    ['/%61dmin/%7Euser/a%2Eb', '/admin/~user/a.b'],
    ['/%40me/%24batch', '/@me/$batch'],
    ['/a%2bb%3dc%2Cd%3Be%26f', '/a+b=c,d;e&f'],
    ['/%C3%A9/%20', '/é/ '],
    ['/%5Bid%5D%7B%7C%7D%5E', '/[id]{|}^'],
    ['/a%3Fb%23c', '/a?b#c'],
    ['/100%25', '/100%'],
    ['/%2561', '/%61'],
    ['/a%2fb', '/a%2Fb'],
    ['/%61?%61', '/a'],
  ] as const
  for (const [sent, compared] of cases) t.equal(routingPath(sent), compared, sent)
})

t.test('paths that could climb, or that are no paths, are unsafe for every route', async (t) => {
  const targets = [
    ...['/..', '/../a', '/a/..', '/a/../b', '/a/./b', '/.', '/%2e%2e/a', '/.%2e/a', '/%2E./a', '/a/%2e'],
    ...['/..%2fa', '/a%2f..%2fb', '/..%5ca', '/..\\a', '/a\\b', '/a%5cb', '/..;/a', '/.;x=1/a', '/a/..;'],
    // The same with the semicolon escaped: a reader that decodes first sees it (Tomcat reads `..;` as `..`).
    ...['/..%3b/a', '/..%3B/a', '/a/..%3bx=1/b', '/%2e%2e%3b/a', '/.%3b/a', '/..%253b/a', '/%252e%252e%253b/a'],
    // What cuts a path off where it is decoded before it is split; blanks, that Windows drops.
    ...['/a/..%3f', '/a/..%23x', '/a/..%20/b', '/a/..%20;x/b'],
    ...['/%252e%252e/a', '/a%252fb', '/a%255cb', '/%25252e%25252e/', '/%25%32%65/a', '/%25%2532e/a'],
    ...['/a%25252525252561', '/%c0%ae%c0%ae/a', '/%ff', '/%e9', '/%00', '/a%0d%0ab', '/a%7f', '/a%1f'],
    ...['/%zz', '/%', '/a%2', '//a', '//evil.example.com/', '//', '//?a'],
    ...['', '*', 'a', 'http://other/a', '/a#b', '/a?b#c', '/\u00e9', '/a b', '!unsafe'],
  ]
  for (const target of targets) t.equal(routingPath(target), undefined, target)
})

t.test('an escaped slash and an empty segment are found, for the route to decide about', async (t) => {
  for (const path of ['/a%2Fb', '/a%2fb', '/%2F', '/https%3A%2F%2Fhost']) t.ok(hasEncodedSlash(routingPath(path) ?? ''))
  for (const path of ['/a/b', '/a%20b', '/2f', '/a?b=%2F']) t.notOk(hasEncodedSlash(routingPath(path) ?? ''))
  for (const path of ['/a//b', '/a//', '/a///b?x']) t.ok(hasEmptySegment(routingPath(path) ?? ''))
  for (const path of ['/a/b/', '/a%2F%2Fb', '/a/%2F/b', '/a?b=//']) t.notOk(hasEmptySegment(routingPath(path) ?? ''))
})

t.test('decoding ends, however deep escapes are nested', async (t) => {
  t.equal(decodeFully('%2561'), 'a')
  t.equal(decodeFully('100%'), '100%')
  t.equal(decodeFully('%ff%41'), '%ffA')
  const startedAt = performance.now()
  t.equal(routingPath(`/%${'25'.repeat(8000)}61`), undefined)
  t.ok(performance.now() - startedAt < 200)
})

t.test('whatever comes in: who decodes a path that is let in, however often, sees no dot segment', async (t) => {
  const piece = fc.constantFrom(
    ...['/', '.', '..', '%2e', '%2E', '%2f', '%5c', '\\', ';', '%3b', '%25', '%', '?', '#', '%3f', '//'],
    ...['a', 'B', '%61', '%c3%a9', '%00', '~', ' ', 'é', '[', '25', '2e', '32', '65'],
  )
  let letIn = 0
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const sent = `/${pieces.join('')}`
      const compared = routingPath(sent)
      if (compared === undefined) return
      letIn += 1
      let decoded = rawPath(sent)
      for (let round = 0; round < 4; round += 1) {
        decoded = decoded.replace(/%([0-9a-f]{2})/gi, (_escape, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        )
        if (decoded.split(/[/\\]/).some((segment) => /^\.{1,2}(;.*)?$/.test(segment)))
          t.fail(`${sent} becomes ${decoded}`)
      }
    }),
    { numRuns: 5000 },
  )
  t.ok(letIn > 500, `${letIn} were let in`)
})
