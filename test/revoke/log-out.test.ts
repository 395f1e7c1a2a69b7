// Log-out with whatever token is left: what it answers, which cookies it takes away, and what it makes of a body.
import t from 'tap'
import type { Test } from 'tap'

import { createFakeClock, type FakeClock } from '../support/fake-clock.ts'
import { openRaw } from '../support/raw-connection.ts'
import { sendRaw, statusOf } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { claimsOf, firstToken, renewingIssuer, send, writePrivateKey } from '../support/renewal.ts'
import { startTestGateway, type TestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'
import { waitFor } from '../support/wait-for.ts'

async function start(t: Test, config: Record<string, unknown> = {}) {
  const clock = createFakeClock()
  const upstream = await startUpstream(t)
  const gateway = await startTestGateway(
    t,
    {
      issuers: [hmacIssuer()],
      tokens: { from: [{ cookie: 'session' }, { header: 'authorization', scheme: 'Bearer' }] },
      upstreams: { up: { targets: [upstream.url] } },
      routes: [
        { path: '/x', upstream: 'up' },
        { path: '/logout', action: 'revoke', methods: ['POST'] },
        { path: '/leave', action: 'revoke', methods: ['POST'], clearSiteData: ['storage', 'cookies'] },
      ],
      ...config,
    },
    { clock, schedule: clock.schedule },
  )
  return { clock, gateway, upstream }
}

async function logOut({ url }: TestGateway, headers: Record<string, string>, path = '/logout') {
  const response = await fetch(url + path, { method: 'POST', headers })
  const { status } = response
  return { status, code: response.headers.get('x-tollgate'), cookies: response.headers.getSetCookie(), response }
}

const secondsLater = (clock: FakeClock, seconds: number) => clock.advance(seconds * 1000)
const grace = { strategy: 'grace', window: undefined, grace: '60s' }

t.test('any token of a believed issuer will do, ended or not; what is forged is refused as everywhere', async (t) => {
  const forged = await signHmac({}, {}, 'x'.repeat(64))
  const cases: readonly [
    title: string,
    renewal: Record<string, unknown> | undefined,
    tokenOf: (token: string, gateway: TestGateway, clock: FakeClock) => unknown,
    expected: string,
  ][] = [
    ['a live one', undefined, (token) => token, '204'],
    [
      'twice',
      undefined,
      async (token, gateway) => (await logOut(gateway, { cookie: `session=${token}` }), token),
      '204',
    ],
    ['expired', undefined, async (token, _gateway, clock) => (await secondsLater(clock, 3600), token), '204'],
    [
      'expired long ago, with renewal',
      {},
      async (token, _g, clock) => (await secondsLater(clock, 86_400), token),
      '204',
    ],
    ['within its grace', grace, async (token, _g, clock) => (await secondsLater(clock, 330), token), '204'],
    ['beyond its grace', grace, async (token, _g, clock) => (await secondsLater(clock, 400), token), '204'],
    ['forged', undefined, () => forged, '401 signature_invalid'],
    [
      'forged and expired',
      undefined,
      () => signHmac({ exp: 1000, iat: 900 }, {}, 'x'.repeat(64)),
      '401 signature_invalid',
    ],
    ['of another issuer', undefined, () => signHmac({ iss: 'https://other.test/' }), '401 issuer_unknown'],
    ['for another audience', undefined, () => signHmac({ aud: 'other' }), '401 audience_mismatch'],
    [
      'not valid yet',
      undefined,
      (_t, _g, clock) => firstToken(clock, { nbf: clock.now() / 1000 + 60 }),
      '401 token_not_yet_valid',
    ],
    ['no token', undefined, () => 'x', '401 token_malformed'],
  ]
  for (const [title, renewal, tokenOf, expected] of cases) {
    const issuers = renewal === undefined ? [hmacIssuer()] : [renewingIssuer(writePrivateKey(t), renewal)]
    const { clock, gateway } = await start(t, { issuers })
    const token = (await tokenOf(await firstToken(clock), gateway, clock)) as string
    for (const headers of [{ cookie: `session=${token}` }, { authorization: `Bearer ${token}` }]) {
      const { status, code, cookies } = await logOut(gateway, headers)
      t.equal(`${status}${code === null ? '' : ` ${code}`}`, expected, title)
      const wanted =
        status === 204 && 'cookie' in headers
          ? ['session=; Path=/; Max-Age=0', 'session=; Path=/logout; Max-Age=0']
          : []
      t.same(cookies, wanted, `${title}: what came in a cookie is taken away`)
    }
  }
})

t.test('an expired token ends its session: whoever renewed it elsewhere is logged out as well', async (t) => {
  const { clock, gateway } = await start(t, { issuers: [renewingIssuer(writePrivateKey(t))] })
  const token = await firstToken(clock)
  await secondsLater(clock, 250)
  const { renewed } = await send(gateway, token, '/x')
  t.equal(claimsOf(renewed)['sub'], 'alice')
  await secondsLater(clock, 200)
  t.equal((await send(gateway, renewed ?? '', '/x')).status, 200)
  t.match(await send(gateway, token, '/x'), { status: 401 }, 'the first one has ended')
  t.equal((await logOut(gateway, { cookie: `session=${token}` })).status, 204)
  t.match(await send(gateway, renewed ?? '', '/x'), { code: 'token_revoked' })
})

t.test('to log out makes no successor and is no use of one', async (t) => {
  const { clock, gateway } = await start(t, { issuers: [renewingIssuer(writePrivateKey(t))] })
  const token = await firstToken(clock)
  await secondsLater(clock, 250)
  t.equal((await logOut(gateway, { authorization: `Bearer ${token}` })).status, 204)
  t.notMatch(await gateway.gateway.metrics.text(), /tollgate_renewals_made_total\{issuer="main"\} [1-9]/)
})

t.test('all cookies that hold a token end, of different sessions too', async (t) => {
  const { clock, gateway } = await start(t)
  const [one, two] = [await firstToken(clock, { jti: '1' }), await firstToken(clock, { jti: '2' })]
  t.match(await send(gateway, undefined, '/x', { cookie: `session=${one}; session=${two}` }), {
    code: 'token_ambiguous',
  })
  const forged = await signHmac({}, {}, 'x'.repeat(64))
  t.equal((await logOut(gateway, { cookie: `session=${forged}; session=${one}; session=${two}` })).status, 204)
  for (const token of [one, two]) t.match(await send(gateway, token, '/x'), { code: 'token_revoked' })
  t.match(await logOut(gateway, { cookie: `session=${forged}; session=x` }), { status: 401, cookies: [] })
})

t.test('Clear-Site-Data is sent where the route says so', async (t) => {
  const { clock, gateway } = await start(t)
  const headers = { cookie: `session=${await firstToken(clock)}` }
  t.equal((await logOut(gateway, headers)).response.headers.get('clear-site-data'), null)
  const { response } = await logOut(gateway, headers, '/leave')
  t.equal(response.headers.get('clear-site-data'), '"storage", "cookies"')
})

t.test('a small body is read and dropped; a large or slow one ends the connection', async (t) => {
  const { clock, gateway } = await start(t)
  const head = `POST /logout HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${await firstToken(clock)}\r\n`
  const next = 'GET /logout HTTP/1.1\r\nhost: a\r\n\r\n'
  const chunk = `${'4000\r\n'}${'x'.repeat(0x4000)}\r\n`
  const cases: readonly [title: string, bytes: string, goesOn: boolean][] = [
    ['none', '\r\n', true],
    ['empty', 'content-length: 0\r\n\r\n', true],
    ['small', `content-length: 6\r\n\r\nlogout`, true],
    ['small, in chunks', 'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', true],
    ['64 KiB', `content-length: 65536\r\n\r\n${'x'.repeat(65_536)}`, true],
    ['more', `content-length: 65537\r\n\r\n${'x'.repeat(60_000)}`, false],
    ['more, in chunks', `transfer-encoding: chunked\r\n\r\n${chunk.repeat(5)}`, false],
    ['asked for first', 'content-length: 6\r\nexpect: 100-continue\r\n\r\n', false],
  ]
  for (const [title, bytes, goesOn] of cases) {
    const answer = await sendRaw(gateway.port, head + bytes + (goesOn ? next : ''), 1000)
    t.equal(statusOf(answer), 204, title)
    t.equal(/^connection: close\r$/im.test(answer), !goesOn, `${title}: whether the connection ends`)
    t.equal([...answer.matchAll(/HTTP\/1\.1 405/g)].length, goesOn ? 1 : 0, `${title}: what comes after it`)
  }
  const slow = await openRaw(t, gateway.port)
  const { pending } = clock
  slow.write(`${head}content-length: 6\r\n\r\nlog`)
  await waitFor(() => clock.pending > pending)
  t.equal(slow.received(), '', 'the rest is waited for')
  await clock.advance(250)
  t.match(await slow.until(/\r\n\r\n/), /^HTTP\/1\.1 204[^]*connection: close/i, '… and not for long')
})
