// What renewal must not reach: blocked sessions, routes that refuse, other issuers. RN-10 of the security notes.
import t from 'tap'

import { createFakeClock } from '../support/fake-clock.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import {
  claimsOf,
  firstToken,
  renewingIssuer,
  send,
  startMachines,
  startRenewing,
  writePrivateKey,
} from '../support/renewal.ts'

t.test(
  'blocking a token, a session or a subject stops the successors that are out, and no new one is made',
  async (t) => {
    for (const kind of ['token', 'sid', 'sub'] as const) {
      const { clock, gateway } = await startRenewing(t)
      const token = await firstToken(clock, { sid: 's1' })
      await clock.advance(250_000)
      const { renewed } = await send(gateway, token)
      t.equal((await send(gateway, renewed ?? '')).status, 200)
      const nowSec = clock.now() / 1000
      const value = { token: claimsOf(renewed)['renewed_from'] as string, sid: 's1', sub: 'alice' }[kind]
      gateway.gateway.blockList.add({
        kind,
        issuer: String(claimsOf(token)['iss']),
        value,
        issuedBeforeSec: kind === 'sub' ? nowSec : undefined,
        overlapSec: 0,
        untilSec: nowSec + 3600,
        reason: 'revoked',
      })
      for (const dead of [token, renewed])
        t.match(await send(gateway, dead ?? ''), { status: 401, code: 'token_revoked', renewed: null }, kind)
    }
  },
)

t.test('RN-10: what a route refuses is not renewed there', async (t) => {
  const { clock, gateway } = await startRenewing(t, {
    routes: [
      { path: '/admin', upstream: 'up', require: { scopes: { all: ['admin'] } } },
      { path: '/open', upstream: 'up', auth: 'none' },
      { path: '/*', upstream: 'up' },
    ],
  })
  const token = await firstToken(clock)
  const foreign = await firstToken(clock, { aud: 'another-api' })
  await clock.advance(250_000)
  t.match(await send(gateway, foreign), { status: 401, code: 'audience_mismatch', renewed: null })
  t.match(await send(gateway, token, '/admin'), { status: 403, renewed: null })
  t.match(await send(gateway, token, '/open'), { status: 200, renewed: null })
  t.match(await send(gateway, token, '/other'), { status: 200, renewed: /^ey/ })
})

t.test('the key that signs successors is believed for its issuer alone, and may be published', async (t) => {
  const clock = createFakeClock()
  const upstream = await startUpstream(t)
  const pemFile = writePrivateKey(t)
  const other = renewingIssuer(pemFile, {}, { name: 'other', issuer: 'https://other.example.com', renewal: undefined })
  delete other['renewal']
  const [gateway] = await startMachines(
    t,
    1,
    {
      issuers: [renewingIssuer(pemFile, { jwksPath: '/.well-known/renewal-keys.json' }), other],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
    },
    { clock, schedule: clock.schedule },
  )
  if (gateway === undefined) throw new Error('no gateway')
  const response = await fetch(`${gateway.url}/.well-known/renewal-keys.json`)
  t.equal(response.headers.get('content-type'), 'application/jwk-set+json')
  const { keys } = (await response.json()) as { keys: Record<string, string>[] }
  t.match(keys, [{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid: /^[\w-]{43}$/ }])
  t.notOk(keys[0] && 'd' in keys[0], 'the public half alone')

  const foreign = await firstToken(clock, { iss: 'https://other.example.com' })
  await clock.advance(250_000)
  t.match(await send(gateway, foreign), { status: 200, renewed: null }, 'nobody asked for renewal of this issuer')
})
