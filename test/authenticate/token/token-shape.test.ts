import t from 'tap'

import { createTokenReader } from '../../../gateway/src/authenticate/token/token-shape.ts'
import { Failure } from '../../../gateway/src/failure.ts'
import { createTestAuthenticator } from '../../support/test-authenticator.ts'
import { goodClaims, hmacIssuer, ISSUER, nowSec, signHmac, signText } from '../../support/tokens.ts'

const HEADER = '{"alg":"HS256"}'
const payload = JSON.stringify(goodClaims())
const { decide } = createTestAuthenticator([hmacIssuer()])

t.test('text that is no compact JWS is refused', async (t) => {
  const token = await signHmac()
  const [header = '', body = '', signature = ''] = token.split('.')
  const texts = {
    'an empty text': '',
    'one part': header,
    'no second dot': `${header}.${body}`,
    'an empty signature': `${header}.${body}.`,
    'five parts (JWE)': `${token}.a.b`,
    'a leading dot': `.${token}`,
    'a trailing dot': `${token}.`,
    'JSON serialisation': JSON.stringify({ payload: body, protected: header, signature }),
    'white space in the header': `${header} .${body}.${signature}`,
    'a newline in the payload': `${header}.${body}\n.${signature}`,
    'padding in the payload': `${header}.${body}=.${signature}`,
    'plus, of the standard alphabet': `${header}.${body}+.${signature}`,
    'slash, of the standard alphabet': `${header}.${body}/.${signature}`,
    'percent encoding': `${header}.${body}%3D.${signature}`,
    'a trailing space': `${token} `,
    'a character outside ASCII': `${header}.${body}é.${signature}`,
  }
  for (const [title, text] of Object.entries(texts)) t.equal(decide(text), 'token_malformed', title)
  t.equal(decide(token), 'ok')
})

t.test('every other spelling of a signature is refused', async (t) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const token = await signHmac()
  const spellings = [...alphabet].map((last) => token.slice(0, -1) + last).filter((text) => text !== token)
  for (const text of spellings) t.match(decide(text), /token_malformed|signature_invalid/)
  for (const more of ['A', 'AA', '_']) t.match(decide(token + more), /token_malformed|signature_invalid/)
})

t.test('headers that ask for something else are refused', async (t) => {
  const headers: Record<string, unknown> = {
    'crit is an empty list': { alg: 'HS256', crit: [] },
    'crit names b64': { alg: 'HS256', crit: ['b64'], b64: true },
    'crit names exp': { alg: 'HS256', crit: ['exp'], exp: 1 },
    'crit is empty text': { alg: 'HS256', crit: '' },
    'crit is 0': { alg: 'HS256', crit: 0 },
    'crit is an object': { alg: 'HS256', crit: {} },
    'b64 false without crit': { alg: 'HS256', b64: false },
    compressed: { alg: 'HS256', zip: 'DEF' },
    encrypted: { alg: 'HS256', enc: 'A256GCM' },
    'a token in a token': { alg: 'HS256', cty: 'JWT' },
    'no algorithm': { typ: 'JWT' },
    'an algorithm that is an array': { alg: ['HS256'] },
    'an algorithm that is an object': { alg: {} },
    'a kid that is a number': { alg: 'HS256', kid: 5 },
    'a kid that is null': { alg: 'HS256', kid: null },
    'a kid of 10 KiB': { alg: 'HS256', kid: 'k'.repeat(10_240) },
    'a typ that is a number': { alg: 'HS256', typ: 1 },
    'an array': [],
    'a string': 'HS256',
  }
  for (const [title, header] of Object.entries(headers)) {
    const token = signText(JSON.stringify(header), payload)
    t.match(decide(token), /token_malformed|token_too_large/, title)
  }
})

t.test('alg none and other spellings of algorithms are not allowed', async (t) => {
  for (const alg of ['none', 'None', 'nOnE', 'hs256', 'HS384', 'ES256', '__proto__', '']) {
    t.equal(decide(signText(JSON.stringify({ alg }), payload)), 'algorithm_not_allowed', alg)
  }
})

t.test('payloads that are no plain object of honest JSON are refused', async (t) => {
  const start = `{"iss":"${ISSUER}","aud":"api","exp":${nowSec() + 60}`
  const payloads: Record<string, string | Buffer> = {
    'an array': '[]',
    'a string': '"x"',
    null: 'null',
    'a number': '5',
    'a byte order mark': `\uFEFF${payload}`,
    'invalid UTF-8': Buffer.concat([Buffer.from(`${start},"name":"`), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    'half a JSON': payload.slice(0, -2),
  }
  for (const [title, text] of Object.entries(payloads))
    t.equal(decide(signText(HEADER, text)), 'token_malformed', title)
})

t.test('a claim written twice means its last value everywhere', async (t) => {
  const { authenticator, issuers } = createTestAuthenticator([hmacIssuer()])
  const token = signText(HEADER, `{"sub":"mallory","iss":"${ISSUER}","aud":"api","exp":${nowSec() + 60},"sub":"alice"}`)
  const result = authenticator.authenticate(token, issuers)
  t.notOk(result instanceof Failure)
  if (result instanceof Failure) return
  t.equal(result.subject, 'alice')
  const header = Buffer.from(result.headerValue ?? '', 'base64url').toString()
  t.notMatch(header, /mallory/)
})

t.test('a token longer than the limit is not looked at', async (t) => {
  t.equal(decide('a'.repeat(8193)), 'token_too_large')
  t.equal(decide('a'.repeat(1_000_000)), 'token_too_large')
})

t.test('hostile shapes within the size limit take no time to speak of', async (t) => {
  const read = createTokenReader(8192)
  const wide = `{${Array.from({ length: 700 }, (_, index) => `"k${index}":1`).join(',')}}`
  const deep = `{"a":${'['.repeat(2900)}${']'.repeat(2900)}}`
  for (const text of [wide, deep]) {
    const startedAt = performance.now()
    const token = signText(HEADER, text)
    read(token)
    t.ok(performance.now() - startedAt < 200)
  }
})

t.test('a flood of invented headers does not grow the memory of headers', async (t) => {
  const read = createTokenReader(8192)
  const good = await signHmac()
  const headerOf = () => {
    const token = read(good)
    return token instanceof Failure ? undefined : token.header
  }
  const first = headerOf()
  for (let index = 1; index < 1000; index += 1) read(signText(`{"alg":"HS256","kid":"${index}"}`, payload))
  t.equal(headerOf(), first)
  read(signText('{"alg":"HS256","kid":"one more"}', payload))
  t.not(headerOf(), first, 'a thousand are remembered, and then all are forgotten')
  t.same(headerOf(), first)
})

t.test(
  'a header may be as long as tokens may be: chains of certificates, long names, and what nobody reads',
  async (t) => {
    // RFC 7515 section 4.1 bounds no member; x5c (4.1.6) is a chain of whole certificates.
    const headers = {
      x5c: { x5c: ['A'.repeat(1200), 'B'.repeat(1200), 'C'.repeat(1200)] },
      'a kid of 2 KiB': { kid: 'k'.repeat(2048) },
      jwk: { jwk: { kty: 'RSA', e: 'AQAB', n: 'n'.repeat(700) } },
      'a member that nobody knows': { x: 'x'.repeat(4096) },
    }
    for (const [title, header] of Object.entries(headers))
      for (let round = 0; round < 2; round += 1)
        t.equal(decide(signText(JSON.stringify({ alg: 'HS256', ...header }), payload)), 'ok', title)
    t.equal(decide(signText(JSON.stringify({ alg: 'HS256', x: 'x'.repeat(8192) }), payload)), 'token_too_large')
  },
)

t.test('a flood of long headers is forgotten by its length', async (t) => {
  const read = createTokenReader(8192)
  const good = await signHmac()
  const headerOf = () => {
    const token = read(good)
    return token instanceof Failure ? undefined : token.header
  }
  const first = headerOf()
  for (let index = 0; index < 150; index += 1)
    read(signText(`{"alg":"HS256","x":"${'x'.repeat(5000)}","kid":"${index}"}`, payload))
  t.equal(headerOf(), first, '150 of 7 KB are under a million')
  for (let index = 0; index < 10; index += 1)
    read(signText(`{"alg":"HS256","x":"${'y'.repeat(5000)}","kid":"${index}"}`, payload))
  t.not(headerOf(), first)
})

t.test('a header that is refused stays refused: remembered, forgotten, and beside a good one', async (t) => {
  const { decide } = createTestAuthenticator([hmacIssuer()])
  const refused = [
    '{"alg":"HS256","crit":["exp"]}',
    '{"alg":"HS256","zip":"DEF"}',
    '{"alg":"HS256","kid":7}',
    '{"alg":7}',
    '[]',
    'no JSON',
  ].map((header) => signText(header, payload))
  const good = signText(HEADER, payload)
  for (let round = 0; round < 3; round += 1) {
    for (const token of refused) t.equal(decide(token), 'token_malformed')
    t.equal(decide(good), 'ok')
    // The second round finds them remembered, the third after they were forgotten.
    if (round === 1)
      for (let index = 0; index < 1001; index += 1) decide(signText(`{"alg":"HS256","kid":"${index}"}`, payload))
  }
})
