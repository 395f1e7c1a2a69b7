// Drill: floods of forged tokens. Attack: invented kids, or signatures that are none under a kid that is known. Amplifier: each could
// cause a fetch, hold a request, or push good tokens aside. Defence: the pause of fetches, the waiting room, the memory of refusals.
import t from 'tap'
import type { Test } from 'tap'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'

import { Agent, request } from 'undici'

import { systemSchedule } from '../../gateway/src/clock.ts'
import { drillSize, tellFigure } from '../support/drill-size.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { createTestAuthenticator } from '../support/test-authenticator.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { createSigner, ISSUER, nowSec } from '../support/tokens.ts'

const signer = await createSigner('ES256', 'known')
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** As a forger makes them: 64 bytes of nothing, a new payload each time. */
function forged(kid: string | undefined, index: number): string {
  const payload = part({ iss: ISSUER, sub: 'mallory', exp: nowSec() + 600, n: index })
  return `${part({ alg: 'ES256', kid })}.${payload}.${randomBytes(64).toString('base64url')}`
}

/** So many of them at once. */
const WAITING = 200

const FLOODS: readonly [string, (index: number) => string | undefined][] = [
  ['invented kids', (index) => `kid-${index}`],
  ['a kid that is known', () => 'known'],
  ['no kid', () => undefined],
]

function quantile(values: number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? 0
}

t.test('a million forged tokens cause a handful of fetches, and good ones are decided as fast as ever', async (t) => {
  const count = drillSize(5000, 1_000_000)
  for (const [title, kidOf] of FLOODS) {
    let fetches = 0
    const { issuers, authenticator, decide } = createTestAuthenticator(
      [{ name: 'main', issuer: ISSUER, algorithms: ['ES256'], keys: { jwksUrl: 'https://issuer.example.com/jwks' } }],
      {
        schedule: systemSchedule,
        fetchJson: () => {
          fetches += 1
          return Promise.resolve({ json: { keys: [signer.jwk] }, maxAgeSec: undefined })
        },
      },
    )
    await issuers[0]?.keys.remote?.start()
    const good = await signer.sign()
    t.equal(decide(good), 'ok')
    const took: number[] = []
    const startedAt = performance.now()
    let passed = 0
    for (let index = 0; index < count; index += 1) {
      if (decide(forged(kidOf(index), index)) === 'ok') passed += 1
      if (index % 50 !== 0) continue
      const askedAt = performance.now()
      if (decide(good) !== 'ok') t.fail('a good token was refused')
      took.push(performance.now() - askedAt)
      if (index % 1000 === 0) await turn()
    }
    const elapsedSec = (performance.now() - startedAt) / 1000
    tellFigure(
      `${count} forged tokens, ${title}: ${fetches} fetches in ${elapsedSec.toFixed(1)} s; a good token took ${(quantile(took, 0.5) * 1000).toFixed(1)} us, p99 ${(quantile(took, 0.99) * 1000).toFixed(1)} us`,
    )
    t.equal(passed, 0)
    t.ok(fetches <= 2 + Math.ceil(elapsedSec / 30), `${title}: ${fetches} fetches in ${elapsedSec.toFixed(1)} s`)
    t.ok(quantile(took, 0.5) < 1, 'the median of good tokens is under a millisecond')
    t.equal(authenticator.cache.ready, 1, 'no forged token is kept')
  }
})

async function startSlowIssuer(t: Test, takesMs: () => number) {
  let fetches = 0
  const server = createServer((_request, response) => {
    fetches += 1
    setTimeout(() => response.end(JSON.stringify({ keys: [signer.jwk] })), takesMs())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, fetches: () => fetches }
}

t.test('while forged tokens wait for an issuer that is slow, good requests do not', async (t) => {
  const count = drillSize(600, 20_000)
  for (const [title, kidOf] of FLOODS) {
    let isSlow = false
    const issuer = await startSlowIssuer(t, () => (isSlow ? 2000 : 0))
    const upstream = await startUpstream(t)
    const { url } = await startTestGateway(t, {
      log: { level: 'error' },
      issuers: [{ name: 'main', issuer: ISSUER, algorithms: ['ES256'], keys: { jwksUrl: issuer.url } }],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
    })
    isSlow = true
    const agents = [new Agent({ connections: WAITING }), new Agent({ connections: 2 })] as const
    t.teardown(() => Promise.all(agents.map((agent) => agent.destroy())))
    const send = async (agent: Agent, token: string) => {
      const { statusCode, body } = await request(url, {
        dispatcher: agent,
        headers: { authorization: `Bearer ${token}` },
      })
      await body.dump()
      return statusCode
    }
    const good = await signer.sign()
    t.equal(await send(agents[1], good), 200)
    let sent = 0
    const forge = async () => {
      while (sent < count) {
        sent += 1
        const status = await send(agents[0], forged(kidOf(sent), sent))
        if (status !== 401) t.fail(`a forged token was answered ${status}`)
      }
    }
    const flood = Array.from({ length: WAITING }, forge)
    let isOver = false
    const ended = Promise.all(flood).finally(() => (isOver = true))
    const took: number[] = []
    while (!isOver) {
      const askedAt = performance.now()
      t.equal(await send(agents[1], good), 200)
      took.push(performance.now() - askedAt)
      await sleep(5)
    }
    await ended
    tellFigure(
      `${count} forged requests, ${title}, an issuer that takes 2 s: ${issuer.fetches()} fetches; ${took.length} good requests beside them took ${quantile(took, 0.5).toFixed(1)} ms, p99 ${quantile(took, 0.99).toFixed(1)} ms`,
    )
    t.equal(issuer.fetches(), 2, 'one at the start, one for the flood')
    t.ok(took.length > 10, `${took.length} good requests meanwhile`)
    t.ok(quantile(took, 0.5) < 500, 'good requests wait for no fetch')
  }
})
