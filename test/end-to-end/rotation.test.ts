import t from 'tap'

import { createFakeClock, settle } from '../support/fake-clock.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { createSigner, ISSUER, type Signer } from '../support/tokens.ts'
import { openWebSocket, startWebSocketUpstream } from '../support/websocket.ts'

const SECOND = 1000

t.test('an issuer that rotates its keys every second costs no request, and one fetch for each new key', async (t) => {
  const clock = createFakeClock()
  const upstream = await startUpstream(t)
  // The issuer publishes its last hundred keys, the newest first, as those that rotate do; all signers are made ahead.
  const signers: Signer[] = []
  for (let index = 0; index < 100; index += 1) signers.push(await createSigner('ES256', `key-${index}`))
  let newest = 0
  const fetchedAtSec: number[] = []
  const startSec = clock.now() / SECOND
  const { url } = await startTestGateway(
    t,
    {
      issuers: [
        {
          name: 'main',
          issuer: ISSUER,
          algorithms: ['ES256'],
          keys: { jwksUrl: 'https://issuer.example.com/jwks', maxAge: '1d' },
          clockTolerance: '0s',
        },
      ],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
    },
    {
      clock,
      schedule: clock.schedule,
      fetchJson: () => {
        fetchedAtSec.push(clock.now() / SECOND - startSec)
        return Promise.resolve({
          json: { keys: signers.slice(0, newest + 1).map(({ jwk }) => jwk) },
          maxAgeSec: undefined,
        })
      },
    },
  )

  for (let second = 0; second < 95; second += 1) {
    newest = second
    const nowSec = clock.now() / SECOND
    const token = (await signers[newest]?.sign({ iat: nowSec, exp: nowSec + 3600 })) ?? ''
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => fetch(url, { headers: { authorization: `Bearer ${token}` } })),
    )
    t.ok(
      answers.every(({ status }) => status === 200),
      `second ${second}: ${answers.map(({ status }) => status).join()}`,
    )
    await clock.advance(SECOND)
    await settle()
  }
  t.equal(fetchedAtSec.length, 95)
})

t.test('a rotation as issuers do it, new key published before it is used, costs no request at all', async (t) => {
  const clock = createFakeClock()
  const upstream = await startUpstream(t)
  const [first, second] = [await createSigner('ES256', 'first'), await createSigner('ES256', 'second')]
  let published = [first]
  const { url, lines } = await startTestGateway(
    t,
    {
      issuers: [
        {
          name: 'main',
          issuer: ISSUER,
          algorithms: ['ES256'],
          keys: { jwksUrl: 'https://issuer.example.com/jwks' },
          clockTolerance: '0s',
        },
      ],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
    },
    {
      clock,
      schedule: clock.schedule,
      fetchJson: () => Promise.resolve({ json: { keys: published.map(({ jwk }) => jwk) }, maxAgeSec: undefined }),
    },
  )
  const get = async (signer: Signer) => {
    const nowSec = clock.now() / SECOND
    return (
      await fetch(url, { headers: { authorization: `Bearer ${await signer.sign({ iat: nowSec, exp: nowSec + 60 })}` } })
    ).status
  }
  t.equal(await get(first), 200)
  published = [first, second]
  await clock.advance(300 * SECOND)
  for (const signer of [first, second]) t.equal(await get(signer), 200)
  published = [second]
  await clock.advance(300 * SECOND)
  t.equal(await get(second), 200)
  t.equal(await get(first), 401)
  t.ok(
    lines.some(
      ({ message, added, removed }) =>
        message === 'keys changed' && String(added) === 'second' && String(removed) === '',
    ),
  )
  t.ok(lines.some(({ message, removed }) => message === 'keys changed' && String(removed) === 'first'))
})

t.test(
  'a key changed under its name: requests and WebSockets pass, and count as no failure of their client',
  async (t) => {
    const clock = createFakeClock()
    const upstream = await startWebSocketUpstream(t)
    let current = await createSigner('ES256', 'default')
    const gateway = await startTestGateway(
      t,
      {
        limits: { authFailures: { max: 1 } },
        issuers: [
          {
            name: 'main',
            issuer: ISSUER,
            algorithms: ['ES256'],
            keys: { jwksUrl: 'https://issuer.example.com/jwks', maxAge: '1d' },
            clockTolerance: '0s',
          },
        ],
        upstreams: { up: { targets: [upstream.url] } },
        routes: [
          { path: '/ws', upstream: 'up', websocket: true },
          { path: '/optional/*', upstream: 'up', auth: 'optional' },
          { path: '/report/*', upstream: 'up', auth: 'report-only' },
          { path: '/*', upstream: 'up' },
        ],
      },
      {
        clock,
        schedule: clock.schedule,
        fetchJson: () => Promise.resolve({ json: { keys: [current.jwk] }, maxAgeSec: undefined }),
      },
    )
    const { url, port } = gateway
    const authorization = async () => {
      const nowSec = clock.now() / SECOND
      return `Bearer ${await current.sign({ iat: nowSec, exp: nowSec + 60 })}`
    }
    for (const path of ['/a', '/optional/a', '/ws', '/report/a', '/b']) {
      current = await createSigner('ES256', 'default')
      const headers = { authorization: await authorization() }
      if (path === '/ws')
        t.match(await openWebSocket(`ws://127.0.0.1:${port}/ws`, [], { headers }), { status: 101 }, 'a WebSocket')
      else t.equal((await fetch(url + path, { headers })).status, 200, path)
      await clock.advance(SECOND)
    }
  },
)

t.test('an issuer that is down for ten minutes costs no request, and is asked again and again', async (t) => {
  const clock = createFakeClock()
  const upstream = await startUpstream(t)
  const signer = await createSigner('ES256', 'k')
  let isUp = true
  let asked = 0
  const { url, gateway, lines } = await startTestGateway(
    t,
    {
      issuers: [
        {
          name: 'main',
          issuer: ISSUER,
          algorithms: ['ES256'],
          keys: { jwksUrl: 'https://issuer.example.com/jwks' },
          clockTolerance: '0s',
        },
      ],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
    },
    {
      clock,
      schedule: clock.schedule,
      fetchJson: () => {
        asked += 1
        return isUp
          ? Promise.resolve({ json: { keys: [signer.jwk] }, maxAgeSec: undefined })
          : Promise.reject(new Error('connection refused'))
      },
    },
  )
  const get = async () => {
    const nowSec = clock.now() / SECOND
    const token = await signer.sign({ iat: nowSec, exp: nowSec + 60 })
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    await answer.text()
    return answer.status
  }
  t.equal(await get(), 200)
  isUp = false
  const statuses = new Map<number, number>()
  for (let elapsed = 0; elapsed < 600; elapsed += 10) {
    await clock.advance(10 * SECOND)
    // A new token each time: the cache alone would prove nothing.
    const status = await get()
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  t.same([...statuses], [[200, 60]], 'every request of ten minutes was served')
  t.ok(asked > 5, `asked ${asked} times`)
  t.ok(
    lines.some(({ level, message }) => Number(level) >= 40 && String(message).includes('keys')),
    'and the log says so',
  )
  t.match(await gateway.metrics.text(), /tollgate_keys_failing\{issuer="main"\} 1/)
  isUp = true
  await clock.advance(120 * SECOND)
  t.equal(await get(), 200)
  t.match(await gateway.metrics.text(), /tollgate_keys_failing\{issuer="main"\} 0/)
})
