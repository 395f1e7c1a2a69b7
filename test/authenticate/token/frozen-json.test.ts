// The text of a payload goes on as it came only where it is exactly what JSON.stringify would write for the claims.
import t from 'tap'
import fc from 'fast-check'

import { asStringified, freezeJson, TOO_DEEP } from '../../../gateway/src/authenticate/token/frozen-json.ts'

/** What would be passed on for this text; undefined: the claims are written anew. */
function kept(text: string): string | undefined {
  return asStringified(text, freezeJson(JSON.parse(text) as object))
}

t.test('a text as JSON.stringify writes it is kept', (t) => {
  const texts = [
    '{}',
    '[]',
    '{"a":[]}',
    '{"a":{},"b":[[],{}]}',
    '{"sub":"bob","exp":1780000001,"iat":1779999999,"roles":["a","b"],"ok":true,"no":false,"none":null}',
    '{"a":0,"b":1,"c":-1,"d":99,"e":9007199254740991,"f":-9007199254740991,"g":999999999,"h":10000000001}',
    '{"__proto__":1,"a":{"__proto__":{"b":["__proto__"]}}}',
    '{"name":"Zoë 日本 😀","":"an empty name","https://example.com/roles":[["x"]]}',
  ]
  for (const text of texts) {
    t.equal(JSON.stringify(JSON.parse(text)), text)
    t.equal(kept(text), text, text)
  }
  t.end()
})

t.test('any other text for the same claims is not', (t) => {
  const texts = {
    'a member written twice': '{"sub":"bob","sub":"eve"}',
    'the same one twice': '{"sub":"bob","sub":"bob"}',
    'a member written twice, made up for by a short number': '{"a":1000000000000,"b":1e12,"b":1e12}',
    'a member twice, as long as its number is shorter': '{"a":1,"a":1e7}',
    'white space': '{"sub": "bob"}',
    'white space that a short number makes up for': '{"n":1e4 }',
    'an exponent as long as the digits': '{"n":1e2}',
    'an exponent with a fraction': '{"n":1.2345e4}',
    'a fraction of zero': '{"n":1.0}',
    'minus zero': '{"n":-0}',
    'zero with an exponent': '{"n":0e1}',
    'more digits than a number holds': '{"n":12345678901234567}',
    'the first number that two texts mean': '{"n":9007199254740993}',
    'a small number': '{"n":1e-7}',
    'an escaped letter': '{"sub":"\\u0062ob"}',
    'an escaped name': '{"\\u0073ub":"bob"}',
    'an escaped slash': '{"sub":"a\\/b"}',
    'a lone surrogate': '{"sub":"\\ud800"}',
    'names that are numbers, in another order': '{"b":1,"1":2}',
    'an infinite number': '{"n":1e400}',
  }
  for (const [title, text] of Object.entries(texts)) t.equal(kept(text), undefined, title)
  t.end()
})

/** Every value, in spellings that JSON allows: white space, escapes, exponents, members written twice. */
const spelt: fc.Memo<string> = fc.memo((depth) => {
  const space = fc.constantFrom('', '', '', '', ' ', '\n')
  const string = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => JSON.stringify(text)),
    fc.constantFrom('"a"', '"\\u0061"', '"1"', '"\\/"', '"\\\\"', '"\\""', '"é"', '"\\ud83d\\ude00"'),
  )
  const number = fc.oneof(
    fc.integer().map(String),
    fc.maxSafeInteger().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
    fc.tuple(fc.integer({ min: -99, max: 99 }), fc.integer({ min: -3, max: 20 })).map(([a, b]) => `${a}e${b}`),
    fc.constantFrom('-0', '0.0', '100', '1e2', '1E2', '1e+2', '12345678901234567890'),
  )
  const scalar = fc.oneof(string, number, fc.constantFrom('true', 'false', 'null'))
  if (depth <= 1) return scalar
  const inner = spelt(depth - 1)
  const members = fc.array(
    fc.tuple(space, string, space, inner).map(([a, name, b, value]) => `${a}${name}${b}:${value}`),
    { maxLength: 4 },
  )
  const items = fc.array(
    fc.tuple(space, inner).map(([a, value]) => a + value),
    { maxLength: 4 },
  )
  return fc.oneof(
    scalar,
    fc.tuple(members, space).map(([list, end]) => `{${list.join(',')}${end}}`),
    items.map((list) => `[${list.join(',')}]`),
  )
})

t.test('whatever is kept is what JSON.stringify writes', (t) => {
  let some = 0
  fc.assert(
    fc.property(
      spelt(4).filter((text) => text.startsWith('{') || text.startsWith('[')),
      (text) => {
        const same = kept(text)
        if (same === undefined) return
        some += 1
        t.equal(same, JSON.stringify(JSON.parse(text)))
      },
    ),
    { numRuns: 3000 },
  )
  t.ok(some > 100, `${some} texts were kept`)
  t.end()
})

t.test('what nests too deep for recursion is left to whoever goes without', (t) => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  t.equal(kept(nested(64)), nested(64))
  for (const text of [nested(66), nested(100_000), `{"a":${'{"a":'.repeat(70)}1${'}'.repeat(70)}}`]) {
    t.equal(freezeJson(JSON.parse(text) as object), TOO_DEEP)
    t.equal(kept(text), undefined)
  }
  t.end()
})

t.test('what is frozen is frozen all the way down', (t) => {
  const value = JSON.parse('{"a":[{"b":{"c":[1]}}]}') as { a: { b: { c: number[] } }[] }
  freezeJson(value)
  for (const part of [value, value.a, value.a[0], value.a[0]?.b, value.a[0]?.b.c]) t.ok(Object.isFrozen(part))
  t.end()
})
