// Claims arrive as they were signed: every number to the digit, every member, however deep. Python's json with Decimal, which has
// no doubles, is the second opinion.
import t from 'tap'
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'

import type { AuthResult } from '../../../gateway/src/authenticate/auth-result.ts'
import { readExactJson, writeExactJson } from '../../../gateway/src/message/json/exact-json.ts'
import { ExactNumber, readNumber } from '../../../gateway/src/message/json/exact-number.ts'
import { Failure } from '../../../gateway/src/failure.ts'
import { requireComponent } from '../../support/require-component.ts'
import { createTestAuthenticator } from '../../support/test-authenticator.ts'
import { hmacIssuer, ISSUER, nowSec, signText } from '../../support/tokens.ts'

const { authenticator, issuers } = createTestAuthenticator([hmacIssuer()])

function payloadOf(more: string): string {
  return `{"iss":"${ISSUER}","aud":"api","exp":${nowSec() + 60},${more}}`
}

function resultFor(payload: string): AuthResult {
  const result = authenticator.authenticate(signText('{"alg":"HS256"}', payload), issuers)
  if (result instanceof Failure) throw new Error(`${result.code}: ${result.detail}`)
  return result
}

/** The text of the claims in the header for the upstream. */
function claimsSent(payload: string): string {
  const header = Buffer.from(resultFor(payload).headerValue ?? '', 'base64url').toString()
  return header.slice(header.indexOf(',"claims":') + 10, -1)
}

t.test('numbers: which keep their digits, and which are only spelt anew', async (t) => {
  const kept = [
    '12345678901234567890', // a snowflake id
    '9007199254740993', // 2^53 + 1
    '-9007199254740993',
    '12345678901234567168', // a double holds it, but JSON.stringify writes 12345678901234567000
    '18446744073709551615', // 2^64 - 1
    '0.1000000000000000055511151231257827', // the exact value of the double 0.1
    '0.10000000000000001', // %.17g of C, PHP before 7.1
    '3.14159265358979323846',
    '1.00000000000000000001',
    '1e400',
    '-1e400',
    '1e-400',
    '4.9e-324',
    '1E999999999999999999999',
    `${'7'.repeat(400)}.5`,
  ]
  for (const number of kept) {
    t.equal(claimsSent(payloadOf(`"n":${number}`)), payloadOf(`"n":${number}`), number)
    t.ok(readNumber(number) instanceof ExactNumber)
  }
  const spelt: Record<string, string> = {
    '1.0': '1',
    '1e2': '100',
    '1E+2': '100',
    '-0': '0',
    '0.0e5': '0',
    '-0.0': '0',
    '0.10': '0.1',
    '100000000000000000000': '100000000000000000000',
    '1e21': '1e+21',
    '9007199254740992': '9007199254740992',
    '5e-324': '5e-324',
    '1.7976931348623157e308': '1.7976931348623157e+308',
    '0.30000000000000004': '0.30000000000000004',
    '0.000000000000000000001': '1e-21',
  }
  for (const [number, written] of Object.entries(spelt))
    t.equal(claimsSent(payloadOf(`"n":[${number}]`)), payloadOf(`"n":[${written}]`), number)
})

t.test('the time of expiry is told to the digit as well', async (t) => {
  const exp = `${nowSec() + 60}.123456789012`
  const { headerValue, expiresAtSec } = resultFor(`{"iss":"${ISSUER}","aud":"api","exp":${exp}}`)
  t.match(Buffer.from(headerValue ?? '', 'base64url').toString(), `,"expiresAt":${exp},`)
  t.equal(expiresAtSec, Number(exp))
})

t.test('a member __proto__ is a member like any other, and no prototype is touched', async (t) => {
  for (const members of [
    '"__proto__":{"admin":true}',
    '"__proto__":null,"realm":{"roles":[{"__proto__":{"admin":true}}]}',
    '"\\u005f_proto__":{"admin":true}',
    '"id":12345678901234567890,"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}',
    '"constructor":1,"toString":2,"hasOwnProperty":3,"id":1e400',
  ]) {
    const payload = payloadOf(members)
    t.equal(claimsSent(payload), payload.replace('\\u005f', '_'), members)
    const { claims } = resultFor(payload)
    t.equal(Object.getPrototypeOf(claims), Object.prototype)
    t.equal(claims['admin'], undefined)
    t.ok(Object.isFrozen(claims))
  }
  t.equal(({} as Record<string, unknown>)['admin'], undefined)
})

t.test('a claim written twice means its last value, also where numbers keep their digits', async (t) => {
  const twice = payloadOf('"n":12345678901234567890,"a":1,"n":98765432109876543210,"__proto__":1,"__proto__":2')
  t.equal(claimsSent(twice), payloadOf('"n":98765432109876543210,"a":1,"__proto__":2'))
  t.equal(claimsSent(twice), writeExactJson(readExactJson(twice)))
})

t.test('nesting is bounded by the size of a token alone, whatever the claims are written from', async (t) => {
  const { authenticator, issuers } = createTestAuthenticator([hmacIssuer()])
  for (const depth of [64, 65, 66, 1000, 2500]) {
    for (const [open, inner, close] of [
      ['[', '', ']'],
      ['[ ', '1', ' ]'],
      ['{"a":', '12345678901234567890', '}'],
    ] as const) {
      const deep = Math.min(depth, Math.floor(5000 / (open.length + close.length)))
      const payload = payloadOf(`"deep":${open.repeat(deep)}${inner}${close.repeat(deep)}`)
      const outcome = authenticator.authenticate(signText('{"alg":"HS256"}', payload), issuers)
      // The header has 7 KiB: what does not fit there is told, and nothing is lost on the way.
      if (outcome instanceof Failure) t.equal(outcome.code, 'auth_result_too_large')
      else t.equal(claimsSent(payload), payload.replaceAll(' ', ''), `${deep} times ${open}`)
    }
  }
  const depth = 200_000
  const text = `{"n":1e400,"deep":${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}}`
  t.equal(writeExactJson(readExactJson(text)), text)
})

t.test('JSON is read and written as JSON.parse and JSON.stringify do it, where those alter nothing', async (t) => {
  fc.assert(
    fc.property(
      fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue())),
      fc.nat(3),
      (value, indent) => {
        const text = JSON.stringify(value)
        t.same(readExactJson(text), JSON.parse(text))
        t.equal(writeExactJson(readExactJson(text), indent), JSON.stringify(JSON.parse(text), null, indent))
      },
    ),
  )
  const members = { a: undefined, b: null, c: [undefined], d: {} }
  t.equal(writeExactJson(members), JSON.stringify(members))
})

t.test('two spellings of one number are the same number', async (t) => {
  const digits = fc.stringMatching(/^[1-9][0-9]{17,30}$/)
  fc.assert(
    fc.property(digits, fc.nat(15), fc.integer({ min: -500, max: 500 }), (text, point, exponent) => {
      const one = readNumber(`${text}e${exponent}`)
      const moved = `${text.slice(0, -point - 1)}.${text.slice(-point - 1)}000E${exponent + point + 1}`
      const other = readNumber(moved)
      return one instanceof ExactNumber ? ExactNumber.same(one, other) : one === other
    }),
  )
  t.notOk(ExactNumber.same(readNumber('12345678901234567890'), readNumber('12345678901234567891')))
  t.notOk(ExactNumber.same(readNumber('-1e400'), readNumber('1e400')))
  t.notOk(ExactNumber.same(12345678901234567000, readNumber('12345678901234567890')))
  t.equal(
    JSON.stringify({ n: readNumber('1e400') }),
    '{"n":"1e400"}',
    'a text where it is written by others: never null',
  )
})

/** Any JSON in any spelling: numbers of all sizes, white space, escapes. */
const spelt: fc.Memo<string> = fc.memo((depth) => {
  const space = fc.constantFrom('', '', '', ' ', '\n\t')
  const digits = fc.stringMatching(/^(0|[1-9][0-9]{0,24})$/)
  const number = fc
    .tuple(
      fc.constantFrom('', '-'),
      digits,
      fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,24}$/)),
      fc.oneof(fc.constant(''), fc.constant(''), fc.stringMatching(/^[eE][+-]?[0-9]{1,3}$/)),
    )
    .map((parts) => parts.join(''))
  const string = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => JSON.stringify(text)),
    fc.constantFrom('"\\u0061"', '": 12345678901234567890"', '"\\"1e400"', '"\\\\"', '"__proto__"'),
  )
  const scalar = fc.oneof(number, number, string, fc.constantFrom('true', 'false', 'null'))
  if (depth <= 1) return scalar
  const inner = spelt(depth - 1)
  const member = fc.tuple(space, string, space, inner).map(([a, name, b, value]) => `${a}${name}${b}:${b}${value}`)
  return fc.oneof(
    scalar,
    fc.array(member, { maxLength: 4 }).map((list) => `{${list.join(',')}}`),
    fc.array(inner, { maxLength: 4 }).map((list) => `[${list.join(' ,')}]`),
  )
})

const ORACLE = `
import json, sys
from decimal import Decimal
def read(text):
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)
pairs = json.load(sys.stdin)
wrong = [pair for pair in pairs if read(pair[0]) != read(pair[1])]
print(json.dumps({'pairs': len(pairs), 'wrong': wrong}))
`

t.test('whatever the claims say and however they are spelt, the upstream reads the same', async (t) => {
  if (!requireComponent(t, 'python3', '/usr/bin/python3')) return
  const pairs: [string, string][] = []
  fc.assert(
    fc.property(fc.array(spelt(3), { maxLength: 5 }), (values) => {
      const payload = payloadOf(`"x":[${values.join(',')}]`)
      pairs.push([payload, claimsSent(payload)])
    }),
    { numRuns: 2000 },
  )
  const { stdout } = spawnSync('/usr/bin/python3', ['-c', ORACLE], { input: JSON.stringify(pairs), encoding: 'utf8' })
  t.same(JSON.parse(stdout), { pairs: pairs.length, wrong: [] })
  t.ok(pairs.some(([payload]) => /\d{20}/.test(payload)))
})
