// Attack: bad tokens by the thousand. Amplifiers: signature checks, key fetches, memory. Defence: cheap checks first, small
// separate memories, and a limit for each client that leaves known tokens alone.
import t from 'tap'

import { startUpstream } from '../support/recording-upstream.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { createTestAuthenticator } from '../support/test-authenticator.ts'
import { hmacIssuer, signHmac, signText } from '../support/tokens.ts'

t.test('a client whose tokens keep failing is told to wait, but tokens that are known still pass', async (t) => {
  const clock = createFakeClock(Date.now() + 5000)
  const upstream = await startUpstream(t)
  const { url } = await startTestGateway(
    t,
    {
      issuers: [hmacIssuer()],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
      limits: { authFailures: { max: 3, per: '1m' } },
    },
    { clock },
  )
  const get = async (token?: string) =>
    (await fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })).status
  const [known, unknown] = [
    await signHmac({ sub: 'known', exp: Math.floor(Date.now() / 1000) + 3600 }),
    await signHmac({ sub: 'unknown', exp: Math.floor(Date.now() / 1000) + 3600 }),
  ]
  t.equal(await get(known), 200)
  for (let index = 0; index < 3; index += 1) t.equal(await get(`${known.slice(0, -8)}${String(index)}AAAAAAA`), 401)
  t.equal(await get(unknown), 429)
  t.equal(await get(known), 200)
  t.equal(await get(), 401, 'no token is no failed token')
  await clock.advance(60_000)
  t.equal(await get(unknown), 200)
})

t.test('a hundred thousand different bad tokens leave good ones cached and the heap as it was', async (t) => {
  const { decide, authenticator } = createTestAuthenticator([hmacIssuer()])
  const good = await signHmac()
  t.equal(decide(good), 'ok')
  const [header = '', payload = ''] = good.split('.')
  const bad = (index: number) => {
    const signature = Buffer.alloc(32, 1)
    signature.writeUInt32BE(index, 4)
    return [
      `${header}.${payload}.${signature.toString('base64url')}`,
      `${index}.${payload}`,
      signText(`{"alg":"none","kid":"${index}"}`, '{}'),
    ][index % 3] as string
  }
  const heap = () => {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed
  }
  for (let index = 0; index < 5000; index += 1) decide(bad(index))
  const before = heap()
  for (let index = 5000; index < 100_000; index += 1) decide(bad(index))
  t.ok(heap() - before < 50_000_000, `${heap() - before} bytes more`)
  t.equal(authenticator.cache.ready, 1)
  const { hits } = authenticator.counts
  t.equal(decide(good), 'ok')
  t.equal(authenticator.counts.hits, hits + 1)
})
