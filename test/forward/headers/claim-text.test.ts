// How claims are written as headers. The sources tell what peers do with the same claims, and where we do otherwise and why.
import t from 'tap'
import fc from 'fast-check'

import { isAbsent, writeClaim, type ClaimNotation } from '../../../gateway/src/forward/headers/claim-text.ts'
import type { JsonValue } from '../../../gateway/src/authenticate/auth-result.ts'
import { readExactJson, writeExactJson } from '../../../gateway/src/message/json/exact-json.ts'

const TEXT: ClaimNotation = { encode: 'text', join: undefined, maxBytes: 64 }
const LIST = { ...TEXT, join: ',' }
const BASE64: ClaimNotation = { ...TEXT, encode: 'base64url' }
const JSON_TEXT: ClaimNotation = { ...TEXT, encode: 'json' }

const ENVOY = 'Envoy, jwt_authn claim_to_headers (envoyproxy/envoy#23444)'
const ENVOY_LISTS = 'Envoy writes lists as base64 (envoyproxy/envoy#30072, envoyproxy/gateway#3084)'
const KONG = 'Kong openid-connect upstream_headers: what is no text becomes base64'
const TRAEFIK = 'Traefik Hub jwt forwardHeaders: Group: grp, Expires-At: exp'
const KRAKEND = 'KrakenD propagate_claims joins lists with a comma'
const RFC_9110 = 'RFC 9110 section 5.5'

interface Row {
  readonly source: string
  /** JSON, so that numbers keep their digits. */
  readonly claim: string
  readonly notation: ClaimNotation
  readonly told: string | { readonly reason: string }
}

const ROWS: readonly Row[] = [
  { source: ENVOY, claim: '"alice"', notation: TEXT, told: 'alice' },
  { source: ENVOY, claim: '7', notation: TEXT, told: '7' },
  { source: ENVOY, claim: '-1.5', notation: TEXT, told: '-1.5' },
  { source: ENVOY, claim: 'true', notation: TEXT, told: 'true' },
  { source: ENVOY, claim: 'false', notation: TEXT, told: 'false' },
  { source: TRAEFIK, claim: '1795464058', notation: TEXT, told: '1795464058' },
  { source: TRAEFIK, claim: '"admin"', notation: TEXT, told: 'admin' },
  { source: 'decision 0028', claim: '12345678901234567890', notation: TEXT, told: '12345678901234567890' },
  { source: 'decision 0028', claim: '1e400', notation: TEXT, told: '1e400' },
  { source: ENVOY_LISTS, claim: '["a","b"]', notation: TEXT, told: { reason: 'structure' } },
  { source: ENVOY_LISTS, claim: '["a","b"]', notation: BASE64, told: 'WyJhIiwiYiJd' },
  { source: KONG, claim: '{"a":1}', notation: TEXT, told: { reason: 'structure' } },
  { source: KONG, claim: '{"a":1}', notation: BASE64, told: 'eyJhIjoxfQ' },
  { source: KONG, claim: '7', notation: BASE64, told: 'Nw' },
  { source: 'base64url of a text is of the text', claim: '"é"', notation: BASE64, told: 'w6k' },
  { source: KRAKEND, claim: '["a","b"]', notation: LIST, told: 'a,b' },
  { source: KRAKEND, claim: '[1,true,"x"]', notation: LIST, told: '1,true,x' },
  { source: 'another separator', claim: '["a","b c"]', notation: { ...TEXT, join: ', ' }, told: 'a, b c' },
  { source: 'scopes', claim: '["read","write"]', notation: { ...TEXT, join: ' ' }, told: 'read write' },
  { source: 'a text alone is a list of one', claim: '"a"', notation: LIST, told: 'a' },
  { source: 'a member that reads as two', claim: '["a,admin"]', notation: LIST, told: { reason: 'separator' } },
  { source: 'the same as a text', claim: '"a,admin"', notation: LIST, told: { reason: 'separator' } },
  { source: 'with blanks around', claim: '["a,b"]', notation: { ...TEXT, join: ' , ' }, told: { reason: 'separator' } },
  { source: 'by a blank', claim: '["a b"]', notation: { ...TEXT, join: ' ' }, told: { reason: 'separator' } },
  { source: 'a member that vanishes', claim: '["a",""]', notation: LIST, told: { reason: 'separator' } },
  { source: 'a member of nothing', claim: '["a",null]', notation: LIST, told: { reason: 'structure' } },
  { source: 'a list in a list', claim: '[["a"]]', notation: LIST, told: { reason: 'structure' } },
  { source: RFC_9110, claim: '"a\\r\\nx-role: admin"', notation: TEXT, told: { reason: 'not_text' } },
  { source: RFC_9110, claim: '["a","b\\nc"]', notation: LIST, told: { reason: 'not_text' } },
  { source: RFC_9110, claim: '"a\\u0000b"', notation: TEXT, told: { reason: 'not_text' } },
  { source: RFC_9110, claim: '"a\\tb"', notation: TEXT, told: { reason: 'not_text' } },
  { source: RFC_9110, claim: '"a\\u007f"', notation: TEXT, told: { reason: 'not_text' } },
  { source: 'Latin-1 or UTF-8, nobody says', claim: '"josé"', notation: TEXT, told: { reason: 'not_text' } },
  { source: 'RFC 8941 section 3.3.3', claim: '"a \\"b\\" %20"', notation: TEXT, told: 'a "b" %20' },
  { source: 'parsers drop blanks at the ends', claim: '" admin"', notation: TEXT, told: { reason: 'not_text' } },
  { source: 'parsers drop blanks at the ends', claim: '"admin "', notation: TEXT, told: { reason: 'not_text' } },
  { source: 'all halves of a pair would be alike', claim: '"\\ud800"', notation: BASE64, told: { reason: 'not_text' } },
  { source: 'JSON can spell it', claim: '"\\ud800"', notation: JSON_TEXT, told: '"\\ud800"' },
  { source: 'JSON in ASCII', claim: '"josé\\n"', notation: JSON_TEXT, told: '"jos\\u00e9\\n"' },
  {
    source: 'JSON in ASCII',
    claim: '["愛",{"a":"\\u007f"}]',
    notation: JSON_TEXT,
    told: '["\\u611b",{"a":"\\u007f"}]',
  },
  { source: 'decision 0028', claim: '{"n":1e400}', notation: JSON_TEXT, told: '{"n":1e400}' },
  { source: 'never cut', claim: `"${'a'.repeat(65)}"`, notation: TEXT, told: { reason: 'too_long' } },
  { source: 'never cut', claim: `"${'a'.repeat(64)}"`, notation: TEXT, told: 'a'.repeat(64) },
  { source: 'as it is sent', claim: `"${'a'.repeat(49)}"`, notation: BASE64, told: { reason: 'too_long' } },
]

t.test('a claim is written as it is, or left out for a reason', async (t) => {
  for (const { source, claim, notation, told } of ROWS) {
    const value = readExactJson(claim) as JsonValue
    const expected = typeof told === 'string' ? { text: told } : told
    t.same(writeClaim(value, notation, writeExactJson), expected, `${claim} as ${notation.encode} (${source})`)
  }
})

t.test('no value says nothing: null and an empty text are no claims (Envoy adds no header for them)', async (t) => {
  for (const value of [undefined, null, '']) t.ok(isAbsent(value, TEXT))
  for (const value of [0, false, ' ', 'null', []]) t.notOk(isAbsent(value, TEXT))
  t.ok(isAbsent([], LIST), 'and an empty list that is joined')
  t.notOk(isAbsent([''], LIST))
})

t.test('whatever a claim holds, its header is one line of ASCII that reads back as the claim', async (t) => {
  const notations = fc.constantFrom(TEXT, LIST, BASE64, JSON_TEXT).map((notation) => ({ ...notation, maxBytes: 500 }))
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom('a\r\nb: c', 'a,b', ' x', 'é'))
  const values = fc.oneof(text, fc.array(text), fc.jsonValue() as fc.Arbitrary<JsonValue>)
  fc.assert(
    fc.property(values, notations, (value: JsonValue, notation) => {
      if (isAbsent(value, notation)) return
      const written = writeClaim(value, notation, JSON.stringify)
      if (!('text' in written)) return
      t.match(written.text, /^[!-~]([ -~]*[!-~])?$/)
      t.ok(written.text.length <= notation.maxBytes)
      const { encode, join } = notation
      if (encode === 'json') t.same(JSON.parse(written.text), JSON.parse(JSON.stringify(value)))
      else if (encode === 'base64url') {
        const plain = typeof value === 'string' ? value : JSON.stringify(value)
        t.equal(Buffer.from(written.text, 'base64url').toString(), plain)
      } else if (join !== undefined && Array.isArray(value)) t.same(written.text.split(','), value.map(String))
      else t.equal(written.text, typeof value === 'string' ? value : JSON.stringify(value))
    }),
    { numRuns: 2000 },
  )
})
