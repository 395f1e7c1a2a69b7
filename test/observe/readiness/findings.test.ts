// Ready means that a good token is answered 200: states of issuers, store and targets, what is told, and what a good token gets.
import t from 'tap'

import type { FetchedDocument } from '../../../gateway/src/authenticate/keys/remote-keys.ts'
import { systemSchedule } from '../../../gateway/src/clock.ts'
import type { RevocationStore, StoreStatus } from '../../../gateway/src/revoke/stores/store.ts'
import { eventually } from '../../support/eventually.ts'
import { settle } from '../../support/fake-clock.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { createSigner } from '../../support/tokens.ts'

const signer = await createSigner('ES256')
type KeysState = 'here' | 'old' | 'none'
type StoreState = 'up' | 'down' | 'unloaded'
type TargetState = 'healthy' | 'ill'

function storeIn(state: () => StoreState): RevocationStore {
  return {
    start: () => Promise.resolve(),
    write: () => Promise.resolve(true),
    writeAll: () => Promise.resolve(true),
    status: (): StoreStatus => ({
      kind: 'redis',
      up: state() === 'up',
      loaded: state() !== 'unloaded',
      syncAgeMs: undefined,
      clockAheadMs: undefined,
      queued: 0,
      problem: state() === 'up' ? undefined : 'down',
      troubles: [],
    }),
    sweep: () => undefined,
    close: () => Promise.resolve(),
  }
}

/** Two issuers and two upstreams, whose states the test sets. */
async function startStates(t: Teardown, options: { routes: unknown[]; critical?: boolean; onStoreDown?: string }) {
  const keys: Record<string, KeysState> = { a: 'here', b: 'here' }
  const targets: Record<string, TargetState> = { a: 'healthy', b: 'healthy' }
  let store: StoreState = 'up'
  const [a, b] = await Promise.all(
    ['a', 'b'].map((name) =>
      startUpstream(t, (_request, response) => {
        response.statusCode = targets[name] === 'ill' ? 500 : 200
        response.end()
      }),
    ),
  )
  const fetchJson = (url: string): Promise<FetchedDocument> =>
    keys[new URL(url).pathname.slice(1)] === 'here'
      ? Promise.resolve({ json: { keys: [signer.jwk] }, maxAgeSec: undefined })
      : Promise.reject(new Error('refused'))
  const issuer = (name: string, more: object = {}) => ({
    name,
    issuer: `https://${name}.test/`,
    algorithms: ['ES256'],
    keys: { jwksUrl: `https://i.test/${name}`, maxAge: '1s', maxStale: '1d' },
    ...more,
  })
  const health = { path: '/', interval: '10ms', healthy: 1, unhealthy: 1 }
  // Fetches of keys that fail are tried again by hand, checks of targets by time.
  let late: (() => void)[] = []
  const { gateway, url } = await startTestGateway(
    t,
    {
      issuers: [issuer('a', options.critical === undefined ? {} : { critical: options.critical }), issuer('b')],
      revocation: { store: { redis: 'redis://127.0.0.1:1' }, onStoreDown: options.onStoreDown ?? 'serve' },
      upstreams: { a: { targets: [a?.url], health }, b: { targets: [b?.url], health } },
      routes: options.routes,
    },
    {
      fetchJson,
      storeOf: () => storeIn(() => store),
      schedule: (ms, run) => (ms < 500 ? systemSchedule(ms, run) : (late.push(run), () => undefined)),
    },
  )
  const tokenOf = (name: string) => signer.sign({ iss: `https://${name}.test/` })
  return {
    async set(state: { a?: KeysState; b?: KeysState; store?: StoreState; targets?: Record<string, TargetState> }) {
      const fetchAgain = () => {
        const due = late
        late = []
        for (const run of due) run()
      }
      Object.assign(keys, { a: 'here', b: 'here' })
      fetchAgain()
      await settle()
      Object.assign(keys, { a: 'here', b: 'here' }, state.a && { a: state.a }, state.b && { b: state.b })
      // Keys that were never here are what a start meets.
      for (const { name, keys: source } of gateway.issuers) if (keys[name] === 'none') source.ring.replace([])
      store = state.store ?? 'up'
      Object.assign(targets, { a: 'healthy', b: 'healthy' }, state.targets)
      fetchAgain()
      const settled = () => {
        const { notReady, degraded } = gateway.readiness()
        const told = [...notReady, ...degraded].map(({ part }) => part)
        return (
          ['a', 'b'].every((name) => told.includes(`upstream ${name}`) === (targets[name] === 'ill')) &&
          ['a', 'b'].every((name) => told.includes(`keys of issuer ${name}`) === (keys[name] !== 'here'))
        )
      }
      await eventually(settled, `it is as set: ${JSON.stringify(state)}`)
    },
    readiness() {
      const { notReady, degraded } = gateway.readiness()
      const parts = (told: readonly { part: string }[]) => told.map(({ part }) => part).sort()
      return { notReady: parts(notReady), degraded: parts(degraded) }
    },
    async ask(path: string, name: string) {
      const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${await tokenOf(name)}` } })
      await response.text()
      return response.status
    },
  }
}

const KEYS_A = 'keys of issuer a'
const KEYS_B = 'keys of issuer b'
const ILL_A = 'upstream a'
const STORE = 'revocations'
/** Each issuer has a route and an upstream of its own. */
const APART = [
  { path: '/a', upstream: 'a', issuers: ['a'] },
  { path: '/b', upstream: 'b', issuers: ['b'] },
  { path: '/open', upstream: 'b', auth: 'none' },
]
/** Every route that takes tokens takes them from a, and forwards to a. */
const ONE = [
  { path: '/a', upstream: 'a', issuers: ['a'] },
  { path: '/b', upstream: 'a', issuers: ['a', 'b'] },
]

t.test('routes that need different issuers and upstreams', async (t) => {
  const gateway = await startStates(t, { routes: APART })
  // What is set, what /readyz says, and what a good token of a gets at /a and one of b at /b.
  const table = [
    [{}, [], [], 200, 200],
    [{ a: 'none' }, [], [KEYS_A], 503, 200],
    [{ a: 'old' }, [], [KEYS_A], 200, 200],
    [{ a: 'none', b: 'old' }, [], [KEYS_A, KEYS_B], 503, 200],
    [{ a: 'none', b: 'none' }, ['routes'], [KEYS_A, KEYS_B], 503, 503],
    [{ targets: { a: 'ill' } }, [], [ILL_A], 503, 200],
    [{ a: 'none', targets: { b: 'ill' } }, ['routes'], [KEYS_A, 'upstream b'], 503, 503],
    [{ store: 'down' }, [], [STORE], 200, 200],
    [{ store: 'unloaded' }, [STORE], [], 200, 200],
  ] as const
  for (const [state, notReady, degraded, atA, atB] of table) {
    const name = JSON.stringify(state)
    await gateway.set(state)
    t.same(gateway.readiness(), { notReady, degraded }, name)
    t.same([await gateway.ask('/a', 'a'), await gateway.ask('/b', 'b')], [atA, atB], `${name}: good tokens`)
  }
})

t.test('one issuer and one upstream that all need: ready is what a good token of a says', async (t) => {
  const gateway = await startStates(t, { routes: ONE, onStoreDown: 'refuse' })
  const table = [
    [{}, [], [], 200],
    [{ a: 'none' }, [KEYS_A], [], 503],
    [{ a: 'old' }, [], [KEYS_A], 200],
    [{ b: 'none' }, [], [KEYS_B], 200],
    [{ targets: { a: 'ill' } }, [ILL_A], [], 503],
    [{ store: 'down' }, [STORE], [], 503],
    [{ store: 'unloaded' }, [STORE], [], 503],
    [{ a: 'none', store: 'down', targets: { a: 'ill' } }, [KEYS_A, STORE, ILL_A], [], 503],
  ] as const
  for (const [state, notReady, degraded, status] of table) {
    const name = JSON.stringify(state)
    await gateway.set(state)
    t.same(gateway.readiness(), { notReady, degraded }, name)
    t.equal(await gateway.ask('/a', 'a'), status, `${name}: a good token`)
    t.equal(status === 200, notReady.length === 0, `${name}: ready means 200`)
  }
})

t.test('critical says which: true where only some routes need the issuer, false where all do', async (t) => {
  const strict = await startStates(t, { routes: APART, critical: true })
  await strict.set({ a: 'none' })
  t.same(strict.readiness(), { notReady: [KEYS_A], degraded: [] })
  const lax = await startStates(t, { routes: ONE, critical: false })
  await lax.set({ a: 'none' })
  t.same(lax.readiness(), { notReady: [], degraded: [KEYS_A] })
  await lax.set({ a: 'none', b: 'none' })
  t.same(lax.readiness().notReady, ['routes'], 'nobody could be served')
})

t.test('where no route takes tokens, an issuer keeps nobody out', async (t) => {
  const gateway = await startStates(t, { routes: [{ path: '/open', upstream: 'a', auth: 'none' }] })
  await gateway.set({ a: 'none', b: 'none' })
  t.same(gateway.readiness(), { notReady: [], degraded: [KEYS_A, KEYS_B] })
  await gateway.set({ targets: { a: 'ill' } })
  t.same(gateway.readiness().notReady, [ILL_A])
})
