import t from 'tap'

import { tokenIdOf } from '../../gateway/src/authenticate/token/token-id.ts'
import type { BlockEntry, BlockKind } from '../../gateway/src/revoke/block-list.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createTestAuthenticator } from '../support/test-authenticator.ts'
import { hmacIssuer, ISSUER, signHmac, signText } from '../support/tokens.ts'

const NOW = 1_900_000_000

function entry(kind: BlockKind, value: string, changes: Partial<BlockEntry> = {}): BlockEntry {
  const rest = { issuer: ISSUER, issuedBeforeSec: undefined, overlapSec: 0, untilSec: NOW + 3600 }
  return { kind, value, ...rest, reason: 'revoked', ...changes }
}

function setUp() {
  const clock = createFakeClock(NOW * 1000)
  return { clock, ...createTestAuthenticator([hmacIssuer()], { clock }) }
}

const sign = (changes: Record<string, unknown> = {}) => signHmac({ iat: NOW - 10, exp: NOW + 600, ...changes })

t.test('a cached token is refused the moment it is on the list, whatever names it there', async (t) => {
  const token = await sign({ jti: 'j1', sid: 's1' })
  const cases: [title: string, entry: BlockEntry, code: string][] = [
    ['the token itself', entry('token', tokenIdOf(token)), 'token_revoked'],
    ['its jti', entry('jti', 'j1'), 'token_revoked'],
    ['its session', entry('sid', 's1'), 'token_revoked'],
    ['its subject, issued before', entry('sub', 'alice', { issuedBeforeSec: NOW }), 'token_revoked'],
    ['its subject, issued before it', entry('sub', 'alice', { issuedBeforeSec: NOW - 10 }), 'ok'],
    ['another jti', entry('jti', 'j2'), 'ok'],
    ['RV-2: the jti of another issuer', entry('jti', 'j1', { issuer: 'https://other.example.com/' }), 'ok'],
    ['the value as another kind', entry('sid', 'j1'), 'ok'],
    ['an entry whose end has come', entry('jti', 'j1', { untilSec: NOW }), 'ok'],
  ]
  for (const [title, blocked, code] of cases) {
    const { decide, authenticator, blockList } = setUp()
    t.equal(decide(token), 'ok', title)
    blockList.add(blocked)
    t.equal(decide(token), code, title)
    t.equal(decide(token), code, `${title}, again`)
    t.equal(authenticator.counts.hits, 2, 'all from the cache')
    blockList.remove(blocked)
    t.equal(decide(token), 'ok', `${title}, removed`)
  }
})

t.test('a jti or sid that is a number is revoked by its digits', async (t) => {
  const payload = (more: string) => `{"iss":"${ISSUER}","aud":"api","sub":"alice","exp":${NOW + 600},${more}}`
  for (const [more, kind, value] of [
    ['"jti":12345', 'jti', '12345'],
    ['"jti":12345678901234567890', 'jti', '12345678901234567890'],
    ['"sid":7', 'sid', '7'],
  ] as const) {
    const { decide, blockList } = setUp()
    const token = signText('{"alg":"HS256"}', payload(more))
    t.equal(decide(token), 'ok', more)
    blockList.add(entry(kind, value))
    t.equal(decide(token), 'token_revoked', more)
  }
  const { decide, blockList } = setUp()
  for (const value of ['', 'null', 'undefined', '[object Object]']) blockList.add(entry('sid', value))
  for (const more of ['"sid":null', '"sid":""', '"sid":{}', '"jti":[]'])
    t.equal(decide(signText('{"alg":"HS256"}', payload(more))), 'ok', `${more} names nothing`)
})

t.test('a token without iat counts as older than any', async (t) => {
  const { decide, blockList } = setUp()
  blockList.add(entry('sub', 'alice', { issuedBeforeSec: 1 }))
  t.equal(decide(await sign({ iat: undefined })), 'token_revoked')
  t.equal(decide(await sign()), 'ok')
})

t.test('what was renewed works on for the overlap and not a moment less, for a cached token too', async (t) => {
  const { clock, decide, blockList } = setUp()
  const token = await sign({ jti: 'j1' })
  t.equal(decide(token), 'ok')
  clock.set(NOW * 1000 + 999)
  blockList.add(entry('jti', 'j1', { overlapSec: 1, reason: 'renewed' }))
  t.equal(decide(token), 'ok')
  clock.jump(60_000)
  t.equal(decide(token), 'ok', 'a wall clock that is put forward does not shorten it')
  clock.jump(-65_000)
  await clock.advance(999)
  t.equal(decide(token), 'ok')
  await clock.advance(51)
  t.equal(decide(token), 'token_revoked', 'nor does one that is put back make it longer')
})

t.test('a revocation has no beginning: only what was renewed works on', async (t) => {
  const token = await sign({ jti: 'j1' })
  for (const reason of ['revoked', 'logout', 'reused'] as const) {
    const { decide, blockList } = setUp()
    blockList.add(entry('jti', 'j1', { overlapSec: 10, reason: 'renewed' }))
    t.equal(decide(token), 'ok')
    blockList.add(entry('jti', 'j1', { overlapSec: 10, reason }))
    t.equal(decide(token), 'token_revoked', reason)
  }
})

t.test('an entry ends in its second, for a cached token too', async (t) => {
  const { clock, decide, blockList } = setUp()
  const token = await sign({ jti: 'j1' })
  blockList.add(entry('jti', 'j1', { untilSec: NOW + 10 }))
  t.equal(decide(token), 'token_revoked')
  clock.set((NOW + 10) * 1000)
  t.equal(decide(token), 'ok')
})

t.test('RV-5: the successor of a blocked token is blocked, that of a renewed one is not', async (t) => {
  const first = await sign()
  const second = await sign({ sid: tokenIdOf(first), renewed_from: tokenIdOf(first) })
  const { decide, blockList } = setUp()
  blockList.add(entry('token', tokenIdOf(first), { reason: 'renewed' }))
  t.equal(decide(first), 'token_revoked')
  t.equal(decide(second), 'ok')
  blockList.add(entry('token', tokenIdOf(first)))
  t.equal(decide(second), 'token_revoked')
})

t.test('a session that is named by its first token includes that token', async (t) => {
  const first = await sign()
  const { decide, blockList } = setUp()
  blockList.add(entry('sid', tokenIdOf(first)))
  t.equal(decide(first), 'token_revoked')
})
