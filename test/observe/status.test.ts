// How targets and keys are told to whoever operates the gateway.
import t from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { createKeySource } from '../../gateway/src/authenticate/keys/key-source.ts'
import { readStatus } from '../../gateway/src/observe/status.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createFakeUpstream, targets } from '../support/fake-upstream.ts'
import { document, startRemoteIssuer } from '../support/remote-issuer.ts'
import { temporaryDirectory } from '../support/gateway-process.ts'
import { testConfig } from '../support/test-gateway.ts'
import { createSigner, SECRET } from '../support/tokens.ts'

const NO_KEYS = { issuers: [] }

function statusOf({ upstream, clock }: ReturnType<typeof createFakeUpstream>, options: Record<string, unknown>) {
  const config = testConfig({ upstreams: { up: options }, routes: [{ path: '/', upstream: 'up' }] })
  return readStatus({ config, ...NO_KEYS, upstreams: new Map([['up', upstream]]), clock }).upstreams
}

t.test('an ejected target: why, since when, and when a request may probe it', async (t) => {
  const options = { targets: targets(2), retries: 0, ejection: { failures: 1, time: '10s', maxTime: '35s' } }
  const fake = createFakeUpstream(options)
  const fail = () => {
    fake.send()
    const [call] = fake.calls
    if (call?.target === 'http://t1') call.fail('ECONNREFUSED')
    else call?.answer()
    return call?.target
  }
  const since = new Date(fake.clock.now()).toISOString()
  while (fail() !== 'http://t1');
  await fake.clock.advance(4000)
  fake.clock.jump(3_600_000)
  fake.send()
  const [{ targets: told, ...upstream } = { targets: [] }] = statusOf(fake, options)
  t.same(upstream, { upstream: 'up', queued: 0, retries: 0 })
  t.match(told[0], { target: 'http://t1', available: false, health: 'unchecked', inFlight: 0 })
  t.match(told[0]?.out, [{ why: 'ejected', cause: /ECONNREFUSED/, probeInSec: 6 }])
  t.equal(
    Date.parse(told[0]?.out[0]?.since ?? '') - Date.parse(since),
    3_600_000,
    'since is a time of the wall clock of now, 4 s ago',
  )
  t.same(told[1], { target: 'http://t2', available: true, health: 'unchecked', inFlight: 1, out: [] })

  fake.calls[0]?.answer()
  await fake.clock.advance(7000)
  t.match(statusOf(fake, options)[0]?.targets[0]?.out, [{ probeInSec: 0 }], 'the next request is the probe')
  fake.send()
  fake.send()
  for (const call of [...fake.calls]) call.answer()
  t.match(statusOf(fake, options)[0]?.targets[0], { available: true, out: [] }, 'nothing is left of it')
})

t.test('an unhealthy target, and one that is ejected as well', async (t) => {
  const health = { path: '/healthz', interval: '10s', timeout: '2s', healthy: 1, unhealthy: 1 }
  const options = { targets: targets(2), retries: 0, health, ejection: { failures: 1, time: '1h', maxTime: '1h' } }
  const fake = createFakeUpstream(options)
  t.match(statusOf(fake, options)[0]?.targets, [{ health: 'healthy' }, { health: 'healthy' }])
  fake.send()
  fake.calls.find(({ target }) => target === 'http://t1')?.answer(500)
  fake.upstream.start()
  fake.calls.find(({ target }) => target === 'http://t1')?.answer(404)
  const [told] = statusOf(fake, options)
  t.match(told?.targets[0], { available: false, health: 'unhealthy' })
  t.match(told?.targets[0]?.out, [
    { why: 'ejected', cause: 'status 500', probeInSec: 3600 },
    { why: 'unhealthy', cause: 'status 404' },
  ])
  t.notOk('probeInSec' in (told?.targets[0]?.out[1] ?? {}), 'checks bring it back, not a request')
  await fake.clock.advance(11_000)
  fake.calls.find(({ target }) => target === 'http://t1')?.answer(200)
  t.match(statusOf(fake, options)[0]?.targets[0], { available: false, health: 'healthy', out: [{ why: 'ejected' }] })
  await fake.upstream.close()
})

const keysOf = (
  clock: Parameters<typeof readStatus>[0]['clock'],
  issuers: Parameters<typeof readStatus>[0]['issuers'],
  keys: object,
) =>
  readStatus({
    config: testConfig({
      issuers: [{ name: 'main', issuer: 'https://i.example.com', algorithms: ['ES256', 'HS256'], keys }],
      upstreams: {},
      routes: [{ path: '/', upstream: 'none' }],
    }),
    ...{ issuers, upstreams: new Map(), clock },
  }).issuers[0]

t.test('fetched keys: their names, age, next fetch and the last error', async (t) => {
  const [first, second] = [await createSigner('ES256', 'a'), await createSigner('ES256', 'b')]
  let answer: () => ReturnType<typeof document> = () => document([first, second], 600)
  const issuer = await startRemoteIssuer(() => answer())
  const told = () => keysOf(issuer.clock, issuer.issuers, { jwksUrl: 'https://i.example.com/jwks?key=hunter2' })
  await issuer.clock.advance(12_340)
  t.same(told(), {
    ...{ issuer: 'main', source: 'jwksUrl', from: 'https://i.example.com/jwks' },
    keys: [
      { kid: 'a', algorithm: 'ES256' },
      { kid: 'b', algorithm: 'ES256' },
    ],
    ageSec: 12.3,
    nextFetchInSec: 482.7,
  })
  answer = () => {
    throw new Error('https://i.example.com/jwks: status 500')
  }
  await issuer.clock.advance(483_000)
  t.match(told(), { error: 'https://i.example.com/jwks: status 500', keys: { length: 2 } })
  t.ok((told()?.nextFetchInSec ?? 99) <= 2, 'it is tried again soon')
  t.ok((told()?.ageSec ?? 0) > 480, 'the age is that of the keys')
  answer = () => document([second], 600)
  await issuer.clock.advance(2000)
  t.match(told(), { keys: [{ kid: 'b' }], error: undefined })
  issuer.issuers[0]?.keys.stop()
  t.equal(told()?.nextFetchInSec, undefined, 'nothing is fetched any more')
})

t.test('keys that are not here yet, and whose fetch is under way', async (t) => {
  const never = new Promise<never>(() => undefined)
  const clock = createFakeClock()
  const config = testConfig({
    issuers: [{ name: 'main', issuer: 'https://i.example.com', algorithms: ['ES256'], keys: { discovery: true } }],
    upstreams: {},
    routes: [{ path: '/', upstream: 'none' }],
  }).issuers[0]
  if (config === undefined) throw new Error('unreachable')
  const events = { onFetched: () => undefined, onFetchFailed: () => undefined }
  const parts = { fetchJson: () => never, clock, schedule: clock.schedule, random: () => 0.5, events }
  const keys = createKeySource(config, parts)
  void keys.remote?.start()
  const trusted = { name: 'main', keys } as unknown as Parameters<typeof readStatus>[0]['issuers'][number]
  t.same(keysOf(clock, [trusted], { discovery: true }), {
    ...{ issuer: 'main', source: 'discovery', from: 'https://i.example.com', keys: [] },
  })
})

t.test(
  'keys of a file: its age, and why it could not be read again; of a secret nothing but its algorithms',
  async (t) => {
    const file = join(temporaryDirectory(t), 'key.pem')
    const pem = () =>
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }) as string
    writeFileSync(file, pem())
    const clock = createFakeClock()
    let changed = (_fault?: string): void => undefined
    const make = (keys: object) => {
      const issuers = [{ name: 'main', issuer: 'https://i.example.com', algorithms: ['ES256', 'HS256'], keys }]
      const [config] = testConfig({ issuers, upstreams: {}, routes: [{ path: '/', upstream: 'none' }] }).issuers
      if (config === undefined) throw new Error('unreachable')
      const source = createKeySource(config, {
        fetchJson: () => Promise.reject(new Error('nothing is fetched')),
        ...{ clock, schedule: clock.schedule, random: () => 0.5 },
        events: { onFetched: () => undefined, onFetchFailed: () => undefined },
        watchFiles(_files, onChange) {
          changed = onChange
          return () => undefined
        },
      })
      const trusted = { name: 'main', keys: source } as unknown as Parameters<typeof readStatus>[0]['issuers'][number]
      return () => keysOf(clock, [trusted], keys)
    }
    const told = make({ pemFile: file })
    await clock.advance(5000)
    const good = { issuer: 'main', source: 'pemFile', from: file, keys: [{ algorithm: 'ES256' }] }
    t.same(told(), { ...good, ageSec: 5 })
    writeFileSync(file, 'junk')
    changed()
    t.match(told(), { ...good, ageSec: 5, error: /no public key/ })
    writeFileSync(file, pem())
    changed()
    t.same(told(), { ...good, ageSec: 0 })

    t.same(make({ secret: { value: SECRET, encoding: 'utf8' } })(), {
      ...{ issuer: 'main', source: 'secret', keys: [{ algorithm: 'HS256' }], ageSec: 0 },
    })
  },
)
