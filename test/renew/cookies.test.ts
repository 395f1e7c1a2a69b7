// Successors in cookies: with the attributes of the config, beside a log-in cookie of another domain or path, and on to log-out.
import t from 'tap'
import type { Test } from 'tap'

import { createFakeClock } from '../support/fake-clock.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { claimsOf, firstToken, renewingIssuer, send, startMachines, writePrivateKey } from '../support/renewal.ts'
import { signHmac } from '../support/tokens.ts'

type Machine = Parameters<typeof send>[0]

async function start(
  t: Test,
  {
    deliver = 'cookie',
    from = [{ cookie: 'session' }],
    tokens = {},
    upstream: upstreamOptions = {},
    issuer = {},
    routes = [],
    limits = {},
  }: Record<string, unknown> & { from?: unknown[]; routes?: unknown[] } = {},
) {
  const clock = createFakeClock()
  const upstream = await startUpstream(t)
  const gateways = await startMachines(
    t,
    2,
    {
      issuers: [renewingIssuer(writePrivateKey(t), { deliver, overlap: '0s' }, issuer as Record<string, unknown>)],
      tokens: { from, ...(tokens as object) },
      limits,
      upstreams: { up: { targets: [upstream.url], ...(upstreamOptions as object) } },
      routes: [...routes, { path: '/logout', action: 'revoke' }, { path: '/*', upstream: 'up' }],
    },
    { clock, schedule: clock.schedule },
  )
  const [gateway, other] = gateways as [(typeof gateways)[number], (typeof gateways)[number]]
  return { clock, upstream, gateway, other }
}

const withCookie = (gateway: Machine, cookie: string, path = '/') => send(gateway, undefined, path, { cookie })

/** What was set, not taken away, of all the cookies of an answer. */
function setIn({ headers }: { readonly headers: Headers }): readonly string[] {
  return headers.getSetCookie().filter((line) => !line.includes('Max-Age=0'))
}

function tokenIn(line: string | undefined): string {
  return /=(?:Bearer%20)?(ey[\w.-]+)/.exec(line ?? '')?.[1] ?? ''
}

/** The answer to a first renewal. */
async function renewal(
  t: Test,
  options: Parameters<typeof start>[1],
  cookieOf = (token: string) => `session=${token}`,
) {
  const parts = await start(t, options)
  const token = await firstToken(parts.clock)
  await parts.clock.advance(250_000)
  const reply = await withCookie(parts.gateway, cookieOf(token))
  const successor = tokenIn(setIn(reply)[0])
  return { ...parts, token, reply, successor }
}

t.test('the cookie is as the config says (RFC 6265bis section 4.1)', async (t) => {
  const host = [{ cookie: 'session' }, { cookie: '__Host-session' }]
  const cases: readonly [deliver: unknown, from: unknown[], expected: string][] = [
    ['cookie', [{ cookie: 'session' }], 'session=TOKEN; Path=/; HttpOnly; Secure; SameSite=Lax'],
    [{ cookie: {} }, [{ cookie: 'session' }], 'session=TOKEN; Path=/; HttpOnly; Secure; SameSite=Lax'],
    [
      { cookie: { domain: 'shop.test', path: '/app', sameSite: 'none', maxAge: '8h' } },
      [{ cookie: 'session' }],
      'session=TOKEN; Path=/app; Domain=shop.test; Max-Age=28800; HttpOnly; Secure; SameSite=None',
    ],
    [
      { cookie: { secure: false, sameSite: 'strict', maxAge: '1500ms' } },
      [{ cookie: 'session' }],
      'session=TOKEN; Path=/; Max-Age=1; HttpOnly; SameSite=Strict',
    ],
    [
      { cookie: { name: 'session', hostPrefix: true } },
      host,
      '__Host-session=TOKEN; Path=/; HttpOnly; Secure; SameSite=Lax',
    ],
    [{ cookie: { name: '__Host-session' } }, host, '__Host-session=TOKEN; Path=/; HttpOnly; Secure; SameSite=Lax'],
  ]
  for (const [deliver, from, expected] of cases) {
    const { reply, successor } = await renewal(t, { deliver, from })
    t.same(setIn(reply), [expected.replace('TOKEN', successor)])
    t.match(claimsOf(successor), { sub: 'alice', auth_time: Number })
  }
})

t.test('a cookie with a scheme is renewed with it, the blank escaped, and read again', async (t) => {
  for (const spelt of ['Bearer%20', '"Bearer ']) {
    const quote = spelt.startsWith('"') ? '"' : ''
    const { gateway, reply, successor } = await renewal(
      t,
      { from: [{ cookie: 'session', scheme: 'Bearer' }] },
      (token) => `session=${spelt}${token}${quote}`,
    )
    t.same(setIn(reply), [`session=Bearer%20${successor}; Path=/; HttpOnly; Secure; SameSite=Lax`])
    t.equal((await withCookie(gateway, `session=Bearer%20${successor}`)).status, 200)
  }
})

t.test(
  'a log-in cookie of another domain or path is taken away when the first successor is set, and locks nobody out before',
  async (t) => {
    const { gateway, other, upstream, clock, token, reply, successor } = await renewal(t, {})
    // The host of the test is an address: no domains.
    t.same(reply.headers.getSetCookie().slice(0, -1), [], 'the path is ours already')
    const beside = `session=${token}; session=${successor}`
    for (const machine of [gateway, other])
      for (const cookie of [beside, `session=${successor}; session=${token}`]) {
        t.match(await withCookie(machine, cookie, '/a/b'), { status: 200 }, 'both are sent')
        t.equal(
          upstream.requests.at(-1)?.headers.cookie,
          `session=${successor}`,
          'the upstream sees the one that counts',
        )
      }
    t.match(await withCookie(gateway, `session=${token}`), { code: 'token_revoked' }, 'the first alone is retired')
    t.equal((await withCookie(other, beside)).status, 200, '… and beside its successor does no harm')

    await clock.advance(240_000)
    const again = await withCookie(gateway, beside, '/a')
    const next = tokenIn(setIn(again)[0])
    t.equal(claimsOf(next)['sid'], claimsOf(successor)['sid'])
    t.same(
      again.headers.getSetCookie().slice(0, -1),
      ['session=; Path=/a; Max-Age=0'],
      'what still comes beside it is taken away with the next',
    )
    await clock.advance(120_000)
    t.equal(
      (await withCookie(other, `session=${token}; session=${next}`)).status,
      200,
      'also when the first has expired',
    )
    const once = await withCookie(gateway, `session=${next}`, '/a')
    t.same(once.headers.getSetCookie(), [], 'nothing is due')
  },
)

t.test('the log-in has one cookie, the gateway another', async (t) => {
  const { gateway, token, reply, successor } = await renewal(t, {
    deliver: { cookie: { name: 'session', hostPrefix: true } },
    from: [{ cookie: 'session' }, { cookie: '__Host-session' }],
  })
  t.ok(reply.headers.getSetCookie().includes('session=; Path=/; Max-Age=0'), 'that of the log-in is taken away')
  t.equal((await withCookie(gateway, `session=${token}; __Host-session=${successor}`)).status, 200)
  const out = await withCookie(gateway, `session=${token}; __Host-session=${successor}`, '/logout')
  const gone = out.headers.getSetCookie()
  t.ok(
    gone.includes('session=; Path=/; Max-Age=0') && gone.includes('__Host-session=; Path=/; Max-Age=0; Secure'),
    gone.join('\n'),
  )
  t.match(await withCookie(gateway, `__Host-session=${successor}`), { code: 'token_revoked' })
})

t.test('what nobody signed displaces nothing, and other sessions stay apart', async (t) => {
  const { gateway, clock, token, successor } = await renewal(t, {})
  const sid = claimsOf(successor)['sid'] as string
  const now = clock.now() / 1000
  const forged = await signHmac(
    { iat: now, exp: now + 900, sid, renewed_from: claimsOf(successor)['renewed_from'], auth_time: now },
    {},
    'x'.repeat(64),
  )
  const bob = await firstToken(clock, { sub: 'bob' })
  for (const beside of [forged, 'x', 'x.y.z', bob])
    for (const cookie of [`session=${successor}; session=${beside}`, `session=${beside}; session=${successor}`])
      t.match(await withCookie(gateway, cookie), { status: 400, code: 'token_ambiguous' }, cookie.slice(-40))
  const five = [token, successor, bob, forged, 'x'].map((value) => `session=${value}`).join('; ')
  t.match(await withCookie(gateway, five), { code: 'token_ambiguous' })
})

t.test('a cookie that an earlier session left behind locks nobody out', async (t) => {
  const { gateway, clock, upstream, token, successor } = await renewal(t, {})
  const bob = await firstToken(clock, { sub: 'bob' })
  t.match(await withCookie(gateway, `session=${successor}; session=${bob}`), { code: 'token_ambiguous' }, 'both live')
  t.equal((await withCookie(gateway, `session=${successor}`, '/logout')).status, 204)
  for (const left of [successor, token])
    for (const cookie of [`session=${left}; session=${bob}`, `session=${bob}; session=${left}`]) {
      t.equal((await withCookie(gateway, cookie)).status, 200, 'its session has ended')
      t.equal(upstream.requests.at(-1)?.headers.cookie, `session=${bob}`)
    }
  await clock.advance(400_000)
  t.match(await withCookie(gateway, `session=${successor}; session=${bob}`), { status: 401 }, 'none lives: log in')
})

t.test('every transport, with and without the token, gets what counts and other cookies as they were', async (t) => {
  for (const transport of ['direct', 'undici'])
    for (const forward of ['keep', 'strip']) {
      const { gateway, upstream, token, successor } = await renewal(t, { upstream: { transport }, tokens: { forward } })
      t.equal((await withCookie(gateway, `a=1; session=${token}; b=2; session=${successor}`)).status, 200)
      const wanted = forward === 'keep' ? `a=1; b=2; session=${successor}` : 'a=1; b=2'
      t.equal(upstream.requests.at(-1)?.headers.cookie, wanted, `${transport} ${forward}`)
    }
})

t.test('every auth mode', async (t) => {
  const routes = ['required', 'optional', 'none', 'report-only'].map((auth) => ({
    path: `/${auth}`,
    upstream: 'up',
    auth,
  }))
  const { gateway, clock, upstream, token, successor } = await renewal(t, { routes })
  const bob = await firstToken(clock, { sub: 'bob' })
  const cases: Record<string, readonly [string, number, string | undefined][]> = {
    [`session=${token}; session=${successor}`]: [
      ['required', 200, 'alice'],
      ['optional', 200, 'alice'],
      ['none', 200, undefined],
      ['report-only', 200, 'alice'],
    ],
    [`session=${bob}; session=${successor}`]: [
      ['required', 400, undefined],
      ['optional', 400, undefined],
      ['none', 200, undefined],
      ['report-only', 200, undefined],
    ],
  }
  for (const [cookie, modes] of Object.entries(cases))
    for (const [auth, status, subject] of modes) {
      t.equal((await withCookie(gateway, cookie, `/${auth}`)).status, status, auth)
      if (status !== 200) continue
      const result = String(upstream.requests.at(-1)?.headers['x-auth-result'] ?? 'e30')
      t.equal((JSON.parse(Buffer.from(result, 'base64url').toString()) as { subject?: string }).subject, subject, auth)
    }
})

t.test('a successor that no browser would keep is not sent (RFC 6265bis section 5.6: 4096 bytes)', async (t) => {
  const { gateway, clock } = await start(t)
  const token = await firstToken(clock, { more: 'x'.repeat(2800) })
  t.ok(token.length < 4096)
  await clock.advance(250_000)
  const reply = await withCookie(gateway, `session=${token}`)
  t.match(reply, { status: 200 })
  t.same(setIn(reply), [])
  t.match(JSON.stringify(gateway.lines), /longer than a cookie may be/)
})

t.test('bad tokens among several cookies count against their client as those that come alone', async (t) => {
  const { gateway, token, successor } = await renewal(t, { limits: { authFailures: { max: 3, per: '1m' } } })
  const bad = await signHmac({}, {}, 'x'.repeat(64))
  for (let times = 0; times < 3; times += 1)
    t.match(await withCookie(gateway, `session=${token}; session=${bad}${times}`), { code: 'token_ambiguous' })
  t.match(await withCookie(gateway, `session=${token}; session=${bad}9`), { status: 429 })
  t.equal((await withCookie(gateway, `session=${token}; session=${successor}`)).status, 429, 'it is not known yet')
  t.equal((await withCookie(gateway, `session=${token}`)).status, 200, 'a token that is known costs nothing')
})
