// Where the issuer makes the successors: asked once for a token, never waited for while the token lives, never believed blindly.
import t from 'tap'
import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

import { tokenIdOf } from '../../gateway/src/authenticate/token/token-id.ts'
import type { Clock } from '../../gateway/src/clock.ts'
import { createAskIssuer } from '../../gateway/src/operate/issuer-client/ask-issuer.ts'
import { createEndpoint } from '../../gateway/src/renew/endpoint.ts'
import { RenewalRefused } from '../../gateway/src/renew/renewal-refused.ts'
import { eventually } from '../support/eventually.ts'
import { createFakeClock, settle } from '../support/fake-clock.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { claimsOf, counted, firstToken, renewingIssuer, send } from '../support/renewal.ts'
import { startTestGateway } from '../support/test-gateway.ts'

async function serve(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/renew`
}

/** A gateway in front of an issuer that answers what `answer` makes of the old token. */
async function start(t: Test, answer: (old: Record<string, unknown>, token: string) => Promise<unknown>, renewal = {}) {
  const clock = createFakeClock()
  const asked: string[] = []
  const upstream = await startUpstream(t)
  const config = {
    issuers: [
      renewingIssuer('', {
        signingKey: undefined,
        lifetime: undefined,
        endpoint: 'http://127.0.0.1:1/renew',
        ...renewal,
      }),
    ],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up' }],
  }
  const gateway = await startTestGateway(t, JSON.parse(JSON.stringify(config)) as Record<string, unknown>, {
    clock,
    schedule: clock.schedule,
    askIssuer: (_url: string, token: string) => {
      asked.push(token)
      return answer(claimsOf(token), token)
    },
  })
  return { clock, gateway, asked }
}

const good = (clock: Clock, old: Record<string, unknown>, changes = {}) =>
  firstToken(clock, { auth_time: old['auth_time'] as number, jti: 'second', ...changes })

t.test('the issuer is asked once for a token, and the request does not wait for it', async (t) => {
  let release: (token: string) => void = () => undefined
  const waiting = new Promise<string>((resolve) => (release = resolve))
  const { clock, gateway, asked } = await start(t, async () => ({ access_token: await waiting }))
  const token = await firstToken(clock)
  await clock.advance(250_000)
  const replies = await Promise.all(Array.from({ length: 20 }, () => send(gateway, token)))
  t.same([...new Set(replies.map(({ status, renewed }) => `${status} ${renewed}`))], ['200 null'])
  t.same(asked, [token])
  const successor = await good(clock, claimsOf(token), { renewed_from: tokenIdOf(token) })
  release(successor)
  await eventually(async () => (await counted(gateway, 'tollgate_renewals_total')) === 1, 'the successor is there')
  t.equal((await send(gateway, token)).renewed, successor)
  t.equal((await send(gateway, token)).renewed, successor)
  t.equal(asked.length, 1)
  t.equal(await counted(gateway, 'tollgate_renewals_total'), 1)

  t.equal((await send(gateway, successor)).status, 200)
  await clock.advance(10_000)
  t.equal((await send(gateway, token)).code, 'token_revoked', 'renewed_from retires the old one')
})

t.test(
  'RN-9: an issuer in trouble is left alone for a while, and requests are served with the old token',
  async (t) => {
    const { clock, gateway, asked } = await start(t, () => Promise.reject(new Error('connect ECONNREFUSED')))
    const token = await firstToken(clock)
    await clock.advance(250_000)
    for (let round = 0; round < 5; round += 1) t.match(await send(gateway, token), { status: 200, renewed: null })
    t.equal(asked.length, 1)
    t.equal(await counted(gateway, 'tollgate_renewal_failures_total'), 1)
    await clock.advance(1000)
    await send(gateway, token)
    t.equal(asked.length, 2, 'again after a second')
    await clock.advance(1000)
    await send(gateway, token)
    t.equal(asked.length, 2, 'then after two')
    await clock.advance(48_000)
    t.equal((await send(gateway, token)).code, 'token_expired', 'nothing is invented')
    t.notOk(JSON.stringify(gateway.lines).includes(token), 'and no log line has the token')
  },
)

t.test('an answer that is not the successor of this token is not passed on', async (t) => {
  const cases: readonly [string, (clock: Clock, old: Record<string, unknown>) => Promise<unknown>][] = [
    ['another subject', (clock, old) => good(clock, old, { sub: 'mallory' })],
    ['a session that begins anew', (clock) => firstToken(clock)],
    ['no beginning at all', (clock, old) => good(clock, old, { auth_time: undefined, iat: undefined })],
    ['another audience', (clock, old) => good(clock, old, { aud: 'other' })],
    ['not longer', (clock, old) => good(clock, old, { exp: old['exp'] as number })],
    ['longer than the session', (clock, old) => good(clock, old, { exp: (old['auth_time'] as number) + 3601 })],
    ['no token', () => Promise.resolve('x\r\nset-cookie: a=b')],
    ['nothing', () => Promise.resolve(undefined)],
  ]
  for (const [title, make] of cases) {
    const { clock, gateway, asked } = await start(t, async (old) => ({ access_token: await make(clock, old) }))
    const token = await firstToken(clock)
    await clock.advance(250_000)
    await send(gateway, token)
    await eventually(async () => (await counted(gateway, 'tollgate_renewal_failures_total')) === 1, title)
    t.match(await send(gateway, token), { status: 200, renewed: null }, title)
    t.equal(asked.length, 1, `${title}: asking again would not change it`)
    t.equal(await counted(gateway, 'tollgate_renewal_failures_total'), 1, title)
  }
})

t.test('in the grace period the request waits for the answer, since it passes only with one', async (t) => {
  const renewal = { strategy: 'grace', window: undefined, grace: '30s' }
  const { clock, gateway } = await start(
    t,
    async (old) => ({ access_token: await good(clock, old, { renewed_from: 'x' }) }),
    renewal,
  )
  const token = await firstToken(clock)
  await clock.advance(310_000)
  t.match(await send(gateway, token), { status: 200, renewed: /^ey/ })
  const refusing = await start(
    t,
    () => Promise.reject(new RenewalRefused('the issuer refused with status 401')),
    renewal,
  )
  refusing.clock.set(clock.now())
  t.match(await send(refusing.gateway, token), { status: 401, code: 'token_expired' })
})

t.test('not more requests at once than maxRequests', async (t) => {
  const clock = createFakeClock()
  const resolvers: ((value: unknown) => void)[] = []
  const endpoint = createEndpoint({
    url: 'http://a',
    timeoutMs: 1000,
    maxRequests: 2,
    clock,
    askIssuer: () => new Promise((resolve) => resolvers.push(resolve)),
  })
  const [one, again, two, three] = ['1', '1', '2', '3'].map((id) => endpoint.ask(id, `token ${id}`, Infinity))
  t.equal(one, again)
  t.ok(two)
  t.equal(three, undefined)
  for (const resolve of resolvers) resolve({ access_token: 'x' })
  t.equal(await one, 'x')
  await settle()
  t.ok(endpoint.ask('3', 'token 3', Infinity))
})

t.test('over the wire: a POST with the token as bearer, bounded in time and size, never redirected', async (t) => {
  const { askIssuer, close } = createAskIssuer()
  t.teardown(close)
  const limits = { timeoutMs: 300, maxBytes: 1000 }
  const seen: unknown[] = []
  const url = await serve(t, (request, response) => {
    seen.push([request.method, request.headers.authorization])
    response.end('{"access_token":"new"}')
  })
  t.same(await askIssuer(url, 'old', limits), { access_token: 'new' })
  t.same(seen, [['POST', 'Bearer old']])
  const cases: readonly [string, RequestListener, RegExp, boolean][] = [
    ['refused', (_request, response) => response.writeHead(401).end(), /refused with status 401/, true],
    ['in trouble', (_request, response) => response.writeHead(503).end(), /status 503/, false],
    ['too many', (_request, response) => response.writeHead(429).end(), /status 429/, false],
    ['a redirect', (_request, response) => response.writeHead(307, { location: url }).end(), /status 307/, false],
    ['no JSON', (_request, response) => response.end('hello'), /not JSON/, false],
    ['too large', (_request, response) => response.end('x'.repeat(2000)), /larger than 1000 bytes/, false],
    ['no end', (_request, response) => void response.write('{'), /within 300 ms/, false],
  ]
  for (const [title, listener, message, refused] of cases) {
    const failure: unknown = await askIssuer(await serve(t, listener), 'old', limits).catch((error: unknown) => error)
    t.match(failure, { message }, title)
    if (!refused) t.match(failure, { message: /^http:\/\/127\.0\.0\.1:\d+[^ ]*: / }, `${title}: it says who`)
    t.equal(failure instanceof RenewalRefused, refused, title)
  }
  t.equal(seen.length, 1, 'the redirect was not followed')
})
