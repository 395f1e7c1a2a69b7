// Replacing the key that signs successors, machine by machine, without an outage.
import t from 'tap'
import type { Test } from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'

import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'

import { createFakeClock } from '../support/fake-clock.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { firstToken, link, renewingIssuer, send } from '../support/renewal.ts'
import { startTestGateway } from '../support/test-gateway.ts'

const JWKS = '/.well-known/renewal-keys.json'

function keyFiles(t: Test) {
  const pair = () =>
    generateKeyPairSync('ed25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
  const [former, next] = [pair(), pair()]
  const folder = t.testdir({
    'former.pem': former.privateKey,
    'former.public.pem': former.publicKey,
    'next.pem': next.privateKey,
    'next.public.pem': next.publicKey,
    'nonsense.pem': 'nonsense',
  })
  return (name: string) => join(folder, `${name}.pem`)
}

async function startEach(t: Test, renewals: readonly Record<string, unknown>[], issuer: Record<string, unknown> = {}) {
  const clock = createFakeClock()
  const upstream = await startUpstream(t)
  const gateways = []
  for (const renewal of renewals) {
    const config = {
      issuers: [renewingIssuer('', renewal, issuer)],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
    }
    gateways.push(await startTestGateway(t, config, { clock, schedule: clock.schedule }))
  }
  link(gateways.map(({ gateway }) => gateway.blockList))
  return { clock, gateways }
}

t.test('a successor of the former key and one of the next pass on machines with either', async (t) => {
  const file = keyFiles(t)
  const { clock, gateways } = await startEach(t, [
    {
      jwksPath: JWKS,
      signingKey: { pemFile: file('former'), alg: 'EdDSA' },
      verificationKeys: [{ pemFile: file('next.public'), alg: 'EdDSA' }],
    },
    // A private key serves as well: the block of the former signingKey can be moved as it is.
    {
      jwksPath: JWKS,
      signingKey: { pemFile: file('next'), alg: 'EdDSA' },
      verificationKeys: [{ pemFile: file('former'), alg: 'EdDSA' }],
    },
  ])
  const sets = await Promise.all(
    gateways.map(async ({ url }) => (await (await fetch(url + JWKS)).json()) as JSONWebKeySet),
  )
  const kidsOf = ({ keys }: JSONWebKeySet) => keys.map(({ kid }) => kid).toSorted()
  t.equal(new Set(sets.flatMap(kidsOf)).size, 2)
  for (const set of sets) {
    t.equal(set.keys.length, 2, 'both are published')
    t.notOk(
      set.keys.some((key) => 'd' in key),
      'the public halves alone',
    )
  }
  for (const [index, gateway] of gateways.entries()) {
    const token = await firstToken(clock, { jti: `t${index}` })
    await clock.advance(250_000)
    const { renewed } = await send(gateway, token)
    for (const other of gateways) t.equal((await send(other, renewed ?? '')).status, 200)
    for (const set of sets)
      t.match(
        await jwtVerify(renewed ?? '', createLocalJWKSet(set), { currentDate: new Date(clock.now()) }),
        { protectedHeader: { kid: sets[index]?.keys[0]?.kid } },
        'signed with the signingKey, which comes first in the set',
      )
    await clock.advance(11_000)
    for (const other of gateways) t.equal((await send(other, token)).code, 'token_revoked', 'the old one is retired')
  }
})

t.test('shared secrets can be replaced like that, too, and without the other key a successor is unknown', async (t) => {
  const [former, next] = ['former', 'next'].map((name) => ({ secret: { value: name.repeat(10) }, alg: 'HS256' }))
  const { clock, gateways } = await startEach(
    t,
    [{ signingKey: former }, { signingKey: next, verificationKeys: [former] }, { signingKey: next }],
    { algorithms: ['HS256'] },
  )
  const token = await firstToken(clock)
  await clock.advance(250_000)
  const [first, both, alone] = gateways
  if (first === undefined || both === undefined || alone === undefined) throw new Error('no gateways')
  const { renewed } = await send(first, token)
  t.equal((await send(both, renewed ?? '')).status, 200)
  t.match(await send(alone, renewed ?? ''), { status: 401 })
})

t.test('keys that cannot be used are told at the start, and no two may have one kid', async (t) => {
  const file = keyFiles(t)
  const signingKey = { pemFile: file('next'), alg: 'EdDSA' }
  for (const [key, message] of [
    [{ pemFile: file('nonsense'), alg: 'EdDSA' }, /renewal: a verification key is no key or certificate in PEM/],
    [signingKey, /renewal: two keys have the kid [\w-]{43}/],
  ] as const)
    await t.rejects(startEach(t, [{ signingKey, verificationKeys: [key] }]), { message })
})
