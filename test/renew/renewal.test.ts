// Renewal over real sockets, on one machine and on three: RN-1 to RN-5 of the security notes.
import t from 'tap'

import { claimsOf, counted, firstToken, send, startRenewing } from '../support/renewal.ts'
import { ISSUER, signText } from '../support/tokens.ts'

t.test('a token is renewed from its window on, and its successor is the token of the same session', async (t) => {
  const { clock, gateway } = await startRenewing(t)
  const token = await firstToken(clock, { tenant: 'a', 'http://a.com': [1, { b: null }] })
  const beganSec = clock.now() / 1000
  t.equal((await send(gateway, token)).renewed, null, 'fresh')
  await clock.advance(239_000)
  t.equal((await send(gateway, token)).renewed, null, 'a second before its window')
  await clock.advance(1000)
  const { status, renewed, headers } = await send(gateway, token)
  t.equal(status, 200)
  t.equal(headers.get('cache-control'), 'no-store')
  t.match(claimsOf(renewed), {
    sub: 'alice',
    aud: 'api',
    tenant: 'a',
    'http://a.com': [1, { b: null }],
    iat: beganSec + 240,
    exp: beganSec + 540,
    auth_time: beganSec,
  })
  t.match(claimsOf(renewed)['jti'], /^first~renewed\.[\w-]{22}$/)
  t.equal(claimsOf(renewed)['sid'], claimsOf(renewed)['renewed_from'], 'the first token names the session')
  t.equal((await send(gateway, renewed ?? '')).status, 200)
  t.equal((await send(gateway, token)).renewed, renewed, 'the same again')
  t.equal(await counted(gateway, 'tollgate_renewals_total'), 1, 'signed once')
  t.equal(await counted(gateway, 'tollgate_renewals_delivered_total'), 2)
})

t.test('a successor is made once, also where the token came when no room was left to keep it ready', async (t) => {
  const { clock, gateway } = await startRenewing(t, { tokens: { cache: { maxBytes: '4KiB' } } })
  const others = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((sub) => firstToken(clock, { sub, jti: sub })))
  const token = await firstToken(clock)
  for (const each of [...others, token]) t.equal((await send(gateway, each)).status, 200)
  t.match(await gateway.gateway.metrics.text(), /^tollgate_token_cache_signatures [2-6]$/m)
  await clock.advance(240_000)
  const { renewed } = await send(gateway, token)
  t.type(renewed, 'string')
  for (let time = 0; time < 3; time += 1) t.equal((await send(gateway, token)).renewed, renewed)
  t.equal(await counted(gateway, 'tollgate_renewals_total'), 1)
  t.equal((await send(gateway, renewed ?? '')).status, 200)
  t.equal((await send(gateway, token)).renewed, renewed, 'within the overlap')
  await clock.advance(30_000)
  t.equal((await send(gateway, token)).code, 'token_revoked')
})

t.test(
  'RN-1: the grace period ends to the second, and contains the clock tolerance rather than adding to it',
  async (t) => {
    const cases = [
      { renewal: { strategy: 'grace', grace: '30s', window: undefined }, issuer: {}, lastSec: 30 },
      {
        renewal: { strategy: 'grace', grace: '30s', window: undefined },
        issuer: { clockTolerance: '10s' },
        lastSec: 30,
      },
      { renewal: { strategy: 'both', grace: '30s' }, issuer: {}, lastSec: 30 },
      { renewal: { strategy: 'ahead' }, issuer: {}, lastSec: 0 },
      { renewal: { strategy: 'ahead' }, issuer: { clockTolerance: '10s' }, lastSec: 10 },
    ]
    for (const { renewal, issuer, lastSec } of cases) {
      const { clock, gateway } = await startRenewing(t, { renewal, issuer })
      const token = await firstToken(clock)
      const title = JSON.stringify({ renewal, issuer })
      await clock.advance(299_000)
      t.equal((await send(gateway, token)).renewed !== null, renewal.strategy !== 'grace', `${title}: before its end`)
      await clock.advance(lastSec * 1000)
      const last = await send(gateway, token)
      t.equal(last.status, 200, `${title}: a second before the limit`)
      t.equal((await send(gateway, last.renewed ?? '')).status, 200, title)
      await clock.advance(1000)
      t.match(
        await send(gateway, token),
        { status: 401, code: 'token_expired', renewed: null },
        `${title}: at the limit`,
      )
    }
  },
)

t.test('RN-1: a token that comes in its grace period for the first time passes as well', async (t) => {
  const { clock, gateway } = await startRenewing(t, { renewal: { strategy: 'grace', grace: '30s', window: undefined } })
  const token = await firstToken(clock)
  await clock.advance(310_000)
  const { status, renewed } = await send(gateway, token)
  t.equal(status, 200)
  t.equal(claimsOf(renewed)['iat'], claimsOf(token)['exp'], 'its successor begins where it ended')
})

t.test('a token without a successor has no grace', async (t) => {
  const { clock, gateway } = await startRenewing(t, { renewal: { strategy: 'grace', grace: '30s', window: undefined } })
  const nowSec = clock.now() / 1000
  const ended = { auth_time: nowSec - 3300 }
  for (const [title, claims] of [
    ['no beginning', { auth_time: undefined, iat: undefined }],
    ['its session ends with it', ended],
    ['an auth_time that is no number', { auth_time: '2026-03-14T18:52:01.180Z' }],
    ['a jti that is no text', { jti: 7 as never }],
    ['a sid that is null', { sid: null }],
  ] as const) {
    const token = await firstToken(clock, claims)
    await clock.advance(299_000)
    t.match(await send(gateway, token), { status: 200, renewed: null }, title)
    await clock.advance(1000)
    t.equal((await send(gateway, token)).status, 401, title)
    clock.set(nowSec * 1000)
  }
})

t.test('RN-2: 50 requests at once on three machines get one and the same successor, and all succeed', async (t) => {
  const { clock, gateways } = await startRenewing(t, { machines: 3 })
  const token = await firstToken(clock)
  await clock.advance(250_000)
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, index) => send(gateways[index % 3] ?? { url: '' }, token)),
  )
  t.same([...new Set(replies.map(({ status }) => status))], [200])
  t.equal(new Set(replies.map(({ renewed }) => renewed)).size, 1)
  t.match(replies[0]?.renewed, /^ey/)
  for (const gateway of gateways) t.equal(await counted(gateway, 'tollgate_renewals_total'), 1)
})

t.test('RN-3: a session that is renewed all the time ends with maxSession, and says so', async (t) => {
  const { clock, gateway } = await startRenewing(t, { issuer: { clockTolerance: '10s' } })
  const startSec = clock.now() / 1000
  let token = await firstToken(clock)
  let renewals = 0
  for (;;) {
    await clock.advance(30_000)
    const { status, code, renewed } = await send(gateway, token)
    if (status !== 200) {
      t.equal(code, 'session_too_old')
      break
    }
    if (renewed === null) continue
    renewals += 1
    token = renewed
    t.ok((claimsOf(token)['exp'] as number) <= startSec + 3600, 'no successor outlives the session')
  }
  t.equal(clock.now() / 1000, startSec + 3600, 'to the second, whatever the tolerance')
  t.ok(renewals >= 13 && renewals <= 15, `${renewals} renewals`)
  t.equal(claimsOf(token)['exp'], startSec + 3600)
})

t.test('RN-4: without a beginning that can be believed, there is no renewal', async (t) => {
  const { clock, gateway } = await startRenewing(t)
  const nowSec = clock.now() / 1000
  const cases: readonly [string, Record<string, unknown>][] = [
    ['neither auth_time nor iat', { auth_time: undefined, iat: undefined }],
    ['auth_time in the future', { auth_time: nowSec + 290 }],
    ['auth_time as text', { auth_time: String(nowSec) }],
    ['auth_time before 1970', { auth_time: -1 }],
    ['auth_time null', { auth_time: null }],
    ['a sid that is null', { sid: null }],
    ['a sid that is a number', { sid: 7 }],
    ['a jti that is a number', { jti: 7 }],
    ['auth_time too long ago', { auth_time: nowSec - 3600 }],
  ]
  for (const [title, claims] of cases) {
    const token = await firstToken(clock, claims)
    await clock.advance(250_000)
    t.match(await send(gateway, token), { status: 200, renewed: null }, title)
    clock.set(nowSec * 1000)
  }
  const token = await firstToken(clock, { auth_time: undefined })
  await clock.advance(250_000)
  t.equal(claimsOf((await send(gateway, token)).renewed)['auth_time'], nowSec, 'iat of the first token stands for it')
})

t.test('numbers that no double is and a member __proto__ are in the successor as they were signed', async (t) => {
  const { clock, gateway } = await startRenewing(t)
  const nowSec = Math.floor(clock.now() / 1000)
  const kept = '"id":12345678901234567890,"rate":0.1000000000000000055511151231257827,"__proto__":{"big":[1e400]}'
  const first = `{"iss":"${ISSUER}","sub":"alice","aud":"api","iat":${nowSec},"exp":${nowSec + 300},${kept}}`
  await clock.advance(250_000)
  const { status, renewed } = await send(gateway, signText('{"alg":"HS256"}', first))
  t.equal(status, 200)
  const text = Buffer.from((renewed ?? '').split('.')[1] ?? '', 'base64url').toString()
  t.match(text, `"aud":"api","iat":${nowSec + 240},"exp":${nowSec + 540},${kept},"jti":"`)
  t.match(await send(gateway, renewed ?? ''), { status: 200 }, 'and it is good')
})

for (const onReuse of ['refuse', 'revoke-session'])
  t.test(`RN-5: an old token works on for the overlap, then never again anywhere (onReuse: ${onReuse})`, async (t) => {
    const { clock, gateways } = await startRenewing(t, { machines: 2, renewal: { onReuse } })
    const [one, two] = gateways
    if (one === undefined || two === undefined) throw new Error('two are needed')
    const token = await firstToken(clock, { sid: 'session-1' })
    await clock.advance(250_000)
    const { renewed } = await send(one, token)
    await clock.advance(30_000)
    t.equal((await send(two, token)).status, 200, 'nobody used the successor: it may have been lost')

    t.equal((await send(two, renewed ?? '')).status, 200)
    await clock.advance(9000)
    t.match(await send(one, token), { status: 200, renewed }, 'within the overlap: the same successor')
    await clock.advance(1000)
    for (const machine of gateways) t.match(await send(machine, token), { status: 401, code: 'token_revoked' })

    const after = await send(one, renewed ?? '')
    t.match(after, onReuse === 'refuse' ? { status: 200 } : { status: 401, code: 'token_revoked' })
    t.equal((await send(two, renewed ?? '')).status, after.status, 'on every machine')
    await send(one, token)
    t.equal(await counted(one, 'tollgate_token_reuse_total'), onReuse === 'refuse' ? 2 : 1)
    t.equal(await counted(two, 'tollgate_tokens_retired_total'), 1)
    const told = one.lines.filter(({ message }) => String(message).startsWith('token reuse'))
    t.equal(told.length, 1, 'told once, however often it is tried')
    t.match(told[0], { issuer: 'main', subject: 'alice', sid: 'session-1' })
    t.notOk(JSON.stringify(one.lines).includes(token.split('.')[1] ?? ''), 'and without the token')
  })

t.test('the first use of a successor is the first on any machine: a later one does not put the end off', async (t) => {
  const { clock, gateways } = await startRenewing(t, { machines: 3 })
  const token = await firstToken(clock)
  await clock.advance(250_000)
  const [one, two, three] = gateways as [never, never, never]
  const { renewed } = await send(one, token)
  await send(one, renewed ?? '')
  await clock.advance(8000)
  await send(two, renewed ?? '')
  await clock.advance(2000)
  t.equal((await send(three, token)).code, 'token_revoked')
})
