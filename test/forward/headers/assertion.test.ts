// The assertion end to end, verified by jose and by the file that services copy: made once while it lasts, for one upstream alone.
import t from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { createRemoteJWKSet, jwtVerify } from 'jose'

import { createAssertionVerifier } from '../../../sample-backend/src/assertion.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { startChangeable, statusOf } from '../../support/changeable-gateway.ts'
import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import { statusOf as statusIn } from '../../support/raw-http.ts'
import { startTestGateway } from '../../support/test-gateway.ts'
import { hmacIssuer, ISSUER, signHmac } from '../../support/tokens.ts'
import { handshakeHead, startWebSocketUpstream } from '../../support/websocket.ts'

const PEM = { type: 'pkcs8', format: 'pem' } as const
const files = t.testdir({
  'a.pem': generateKeyPairSync('ed25519').privateKey.export(PEM),
  'b.pem': generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(PEM),
})
const KEY_A = { pemFile: `${files}/a.pem`, alg: 'EdDSA' }
const KEY_B = { pemFile: `${files}/b.pem`, alg: 'ES256' }
const GATEWAY = 'https://gateway.example.com'
const KEYS = '/.well-known/assertion-keys.json'
const ASSERTION = { issuer: GATEWAY, signingKey: KEY_A, jwksPath: KEYS, claims: ['email', 'roles', 'none'] }

function options(targets: string[], more: object = {}, transport = 'direct') {
  return {
    issuers: [hmacIssuer()],
    assertion: { ...ASSERTION, audiences: { other: 'https://other.example', third: false }, ...more },
    upstreams: { up: { targets, transport }, other: { targets }, third: { targets } },
    routes: [
      ...['required', 'optional', 'none', 'report-only'].map((auth) => ({ path: `/${auth}/*`, upstream: 'up', auth })),
      { path: '/other', upstream: 'other' },
      { path: '/third', upstream: 'third' },
    ],
  }
}

t.test('an upstream gets what it can verify, whoever signs, and no other upstream’s', async (t) => {
  const upstream = await startUpstream(t)
  const last = () => headerValues(upstream.requests.at(-1), 'x-assertion')
  for (const [transport, key] of [
    ['direct', KEY_A],
    ['undici', KEY_B],
  ] as const) {
    const { url } = await startTestGateway(t, options([upstream.url], { signingKey: key }, transport))
    const jwks = createRemoteJWKSet(new URL(`${url}${KEYS}`))
    const act = { sub: 'admin', act: { sub: 'bot' } }
    const token = await signHmac({ act, email: 'a@b.example', roles: ['x'], secret: 'not in the list', iss: ISSUER })
    t.equal(await statusOf(`${url}/required/x`, token), 200)
    const [value = ''] = last()
    const { payload, protectedHeader } = await jwtVerify(value, jwks, { issuer: GATEWAY, audience: 'up' })
    t.match(protectedHeader, { alg: key.alg, typ: 'assertion+jwt' })
    t.match(payload, { sub: 'alice', sub_id: { format: 'iss_sub', iss: ISSUER, sub: 'alice' }, act })
    t.match(payload, { email: 'a@b.example', roles: ['x'], txn: /^[\w-]{43}$/ })
    for (const name of ['secret', 'none', 'jti']) t.notOk(name in payload, name)
    t.ok((payload.exp ?? 0) - (payload.iat ?? 0) <= 300)

    t.equal(await statusOf(`${url}/optional/x`, token), 200)
    t.same(last(), [value], 'the same for the same token and upstream')
    t.equal(await statusOf(`${url}/other`, token), 200)
    const [other = ''] = last()
    const { payload: toOther } = await jwtVerify(other, jwks, { audience: 'https://other.example' })
    t.equal(toOther['txn'], payload['txn'])
    await t.rejects(jwtVerify(other, jwks, { audience: 'up' }))
    t.equal(await statusOf(`${url}/third`, token), 200)
    t.same(last(), [], 'audiences: false')
    for (const path of ['/optional/x', '/report-only/x', '/none/x']) {
      t.equal(await statusOf(`${url}${path}`), 200)
      t.same(last(), [], `${path}: nobody calls`)
    }
    t.equal(await statusOf(`${url}/required/x`, await signHmac({ txn: 'of the token' })), 200)
    t.match((await jwtVerify(last()[0] ?? '', jwks)).payload, { txn: 'of the token' })

    const verify = createAssertionVerifier({ issuer: GATEWAY, audience: 'up', jwksUrl: `${url}${KEYS}` })
    t.match(await verify(value), { ok: true, assertion: { sub: 'alice', act } })
    t.same(await verify(other), { ok: false, reason: 'claims' }, 'another service’s')
    t.same(await verify(undefined), { ok: false, reason: 'missing' })
    t.same(await verify(token), { ok: false, reason: 'key_unknown' }, 'the token of a client is none')
    t.same(await verify([value, value]), { ok: false, reason: 'malformed' })
    const [head = '', , signature = ''] = value.split('.')
    const forged = Buffer.from(JSON.stringify({ ...payload, sub: 'root' })).toString('base64url')
    t.same(await verify(`${head}.${forged}.${signature}`), { ok: false, reason: 'signature' })
    for (const change of [{ alg: 'none' }, { alg: 'HS256' }, { typ: 'JWT' }, { crit: ['x'] }]) {
      const changed = Buffer.from(JSON.stringify({ ...protectedHeader, ...change })).toString('base64url')
      t.match(await verify(`${changed}.${forged}.${signature}`), { ok: false, reason: 'malformed' })
    }
  }
})

t.test('it is made anew before it ends, and never outlives the token', async (t) => {
  const upstream = await startUpstream(t)
  const clock = createFakeClock(Date.now())
  const { url } = await startTestGateway(
    t,
    { ...options([upstream.url]), issuers: [hmacIssuer({ clockTolerance: '60s' })] },
    { clock },
  )
  const startSec = Math.floor(clock.now() / 1000)
  const token = await signHmac({ exp: startSec + 600 })
  async function told() {
    t.equal(await statusOf(`${url}/required/x`, token), 200)
    const [value = ''] = headerValues(upstream.requests.at(-1), 'x-assertion')
    const { iat, exp } = JSON.parse(Buffer.from(value.split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      number
    >
    return { value, iat: (iat ?? 0) - startSec, exp: (exp ?? 0) - startSec }
  }
  const first = await told()
  t.match(first, { iat: 0, exp: 300 })
  clock.jump(269_000)
  t.equal((await told()).value, first.value)
  clock.jump(2_000)
  t.match(await told(), { iat: 271, exp: 571 }, 'thirty seconds before its end')
  clock.jump(280_000)
  const final = await told()
  t.equal(final.exp, 600, 'the end of the token')
  clock.jump(40_000)
  t.equal((await told()).value, final.value, 'nothing would last longer')
  clock.jump(20_000)
  t.equal((await told()).exp, 660, 'while the token is tolerated')
})

t.test('a key is replaced while both are believed, and what nothing changed is kept over a reload', async (t) => {
  const upstream = await startUpstream(t)
  const { url, change } = await startChangeable(t, options([upstream.url]))
  const token = await signHmac()
  const clock = { ms: Date.now() }
  const parts = { issuer: GATEWAY, audience: 'up', jwksUrl: `${url}${KEYS}`, now: () => clock.ms }
  const verify = createAssertionVerifier(parts)
  async function told() {
    t.equal(await statusOf(`${url}/required/x`, token), 200)
    return headerValues(upstream.requests.at(-1), 'x-assertion')[0] ?? ''
  }
  const first = await told()
  t.match(await verify(first), { ok: true })
  await change({ ...options([upstream.url]), log: { level: 'info' } })
  t.equal(await told(), first, 'another option changed')
  await change(options([upstream.url], { verificationKeys: [KEY_B] }))
  clock.ms += 11_000
  await change(options([upstream.url], { signingKey: KEY_B, verificationKeys: [KEY_A] }))
  const second = await told()
  t.not(second, first)
  t.match(await verify(second), { ok: true }, 'the new key, fetched because it is unknown')
  t.match(await verify(first), { ok: true }, 'the former one is still published')
  await change(options([upstream.url], { signingKey: KEY_B }))
  t.match(await verify(await told()), { ok: true })
  const fresh = createAssertionVerifier(parts)
  t.same(await fresh(first), { ok: false, reason: 'key_unknown' }, 'withdrawn')
})

t.test('a second try at another target, and a WebSocket, bring it as well', async (t) => {
  const upstream = await startUpstream(t)
  const dead = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(dead, 'listening')
  t.teardown(() => dead.close())
  const { port } = dead.address() as { port: number }
  const sockets = await startWebSocketUpstream(t)
  for (const transport of ['direct', 'undici']) {
    const gateway = await startTestGateway(t, {
      issuers: [hmacIssuer()],
      assertion: ASSERTION,
      upstreams: {
        up: { targets: [`http://127.0.0.1:${port}`, upstream.url], transport, retries: 2, ejection: { failures: 0 } },
        ws: { targets: [sockets.url], transport },
      },
      routes: [
        { path: '/a', upstream: 'up' },
        { path: '/ws', upstream: 'ws', websocket: true },
      ],
    })
    const token = await signHmac()
    for (let count = 0; count < 4; count += 1) {
      t.equal(await statusOf(`${gateway.url}/a`, token), 200)
      t.equal(headerValues(upstream.requests.at(-1), 'x-assertion').length, 1)
    }
    const forged = ['x_assertion: evil', 'X.Assertion: evil']
    t.equal(statusIn(await handshakeHead(t, gateway.port, '/ws', [`Authorization: Bearer ${token}`, ...forged])), 101)
    const handshake = sockets.handshakes.at(-1)
    const verify = createAssertionVerifier({ issuer: GATEWAY, audience: 'ws', jwksUrl: `${gateway.url}${KEYS}` })
    t.match(await verify(handshake?.headers['x-assertion']), { ok: true, assertion: { sub: 'alice' } })
    t.notOk(handshake?.rawHeaders.includes('evil'))
  }
})
