// What a service believes about its caller, and what it does not.
import t from 'tap'

import { decodeAuthResult } from '../../sample-backend/src/auth-result.ts'
import { aliceResult, encodeAuthResult } from './sample-server.ts'

const missing = { authenticated: false, reason: 'header_missing' }
const invalid = { authenticated: false, reason: 'header_invalid' }

t.test('everything that the gateway says about a caller arrives', (t) => {
  t.same(decodeAuthResult(encodeAuthResult(aliceResult)), aliceResult)
  t.end()
})

t.test('names in any script arrive', (t) => {
  const value = { ...aliceResult, subject: 'Ålice 愛麗絲 🗝' }
  t.match(decodeAuthResult(encodeAuthResult(value)), { authenticated: true, subject: 'Ålice 愛麗絲 🗝' })
  t.end()
})

t.test('a token without sub and exp is authenticated all the same', (t) => {
  const value = { authenticated: true, issuer: 'sample', scopes: [], claims: {} }
  t.same(decodeAuthResult(encodeAuthResult(value)), value)
  t.end()
})

t.test('a call without a token on a route where it is optional is anonymous', (t) => {
  t.same(decodeAuthResult(encodeAuthResult({ authenticated: false })), { authenticated: false, reason: 'anonymous' })
  t.end()
})

t.test('no header means that nobody is known, and says so', (t) => {
  t.same(decodeAuthResult(undefined), missing)
  t.end()
})

const good = encodeAuthResult(aliceResult)
const padded = Buffer.from('{"authenticated":false}').toString('base64')
const bom = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"authenticated":false}')])
const refused: ReadonlyArray<readonly [string, string | readonly string[]]> = [
  ['an empty header', ''],
  ['two headers as a list', [good, good]],
  ['two headers that Node has joined', `${good}, ${good}`],
  ['padding', padded],
  ['the alphabet of plain base64', Buffer.from([0xfb, 0xff, 0xfe]).toString('base64')],
  ['a space in front', ` ${good}`],
  ['a line break inside', `${good.slice(0, 4)}\n${good.slice(4)}`],
  ['a character too many', `${Buffer.from('{"authenticated":false}').toString('base64url')}A`],
  ['spare bits that are set', Buffer.from('{}').toString('base64url').replace(/.$/, '1')],
  ['JSON that is not encoded', JSON.stringify(aliceResult)],
  ['bytes that are not UTF-8', Buffer.from('{"authenticated":true,"issuer":"\xff"}', 'latin1').toString('base64url')],
  ['a byte order mark', bom.toString('base64url')],
  ['text that is not JSON', Buffer.from('authenticated').toString('base64url')],
  ['half of the JSON', Buffer.from('{"authenticated":false').toString('base64url')],
  ['null', encodeAuthResult(null)],
  ['a number', encodeAuthResult(1)],
  ['a string', encodeAuthResult('authenticated')],
  ['an array', encodeAuthResult([aliceResult])],
  ['an empty object', encodeAuthResult({})],
  ['claims alone', encodeAuthResult(aliceResult.claims)],
  ['a truthy word for true', encodeAuthResult({ ...aliceResult, authenticated: 'true' })],
  ['no issuer', encodeAuthResult({ ...aliceResult, issuer: undefined })],
  ['a subject that is a list', encodeAuthResult({ ...aliceResult, subject: ['alice'] })],
  ['scopes as one string', encodeAuthResult({ ...aliceResult, scopes: 'things:read' })],
  ['a scope that is a number', encodeAuthResult({ ...aliceResult, scopes: [1] })],
  ['a time that is a string', encodeAuthResult({ ...aliceResult, expiresAt: '1700000900' })],
  ['no claims', encodeAuthResult({ ...aliceResult, claims: null })],
  ['claims as a list', encodeAuthResult({ ...aliceResult, claims: [] })],
]

t.test('what no gateway writes authenticates nobody, and says so', (t) => {
  for (const [name, header] of refused) t.same(decodeAuthResult(header), invalid, name)
  t.end()
})
