// A change of one issuer: the others keep their keys and their known tokens, and nothing that was known of the changed one counts.
import t from 'tap'

import { startUpstream } from '../../support/recording-upstream.ts'
import { createSigner, goodClaims } from '../../support/tokens.ts'
import { startChangeable, statusOf } from '../../support/changeable-gateway.ts'

const NAMES = ['one', 'two', 'three'] as const
type Name = (typeof NAMES)[number]
type Options = Readonly<Record<string, unknown>>

const issOf = (name: string) => `https://${name}.example.com`

/** Three issuers with keys of their own, which `fetches` counts. */
async function start(t: Parameters<typeof startUpstream>[0]) {
  const upstream = await startUpstream(t)
  const signers = new Map(
    await Promise.all(NAMES.map(async (name) => [name, await createSigner('ES256', name)] as const)),
  )
  const fetches = new Map<string, number>()
  const fetchJson = (url: string) => {
    const name = new URL(url).hostname.split('.')[0] as Name
    fetches.set(name, (fetches.get(name) ?? 0) + 1)
    return Promise.resolve({ json: { keys: [signers.get(name)?.jwk] }, maxAgeSec: undefined })
  }
  const issuer = (name: string, more: Options = {}) => ({
    ...{ name, issuer: issOf(name), algorithms: ['ES256'], keys: { jwksUrl: `${issOf(name)}/jwks` } },
    ...more,
  })
  const options = (issuers: readonly Options[], more: Options = {}) => ({
    issuers,
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up' }],
    ...more,
  })
  const started = await startChangeable(t, options(NAMES.map((name) => issuer(name))), { fetchJson })
  const tokens = new Map(
    await Promise.all(
      NAMES.map(
        async (name) => [name, (await signers.get(name)?.sign({ ...goodClaims(), iss: issOf(name) })) ?? ''] as const,
      ),
    ),
  )
  const ask = (name: Name) => statusOf(`${started.url}/x`, tokens.get(name))
  /** How many tokens are verified anew when all three are asked, and what comes of each. */
  async function askAll() {
    const before = started.gateway.authenticator.counts.misses
    const statuses = []
    for (const name of NAMES) statuses.push(await ask(name))
    return { statuses, verified: started.gateway.authenticator.counts.misses - before }
  }
  return { ...started, fetches, issuer, options, ask, askAll, tokens }
}

t.test('each option of an issuer, one after the other: the tokens of the two others stay known', async (t) => {
  const { change, issuer, options, askAll, fetches } = await start(t)
  t.same(await askAll(), { statuses: [200, 200, 200], verified: 3 })
  t.same(await askAll(), { statuses: [200, 200, 200], verified: 0 })
  const others = [issuer('two'), issuer('three')]
  const cases: readonly (readonly [Options, number, number])[] = [
    [{ audiences: ['another'] }, 401, 1],
    [{}, 200, 1],
    [{ requiredClaims: ['exp', 'nobody-has-it'] }, 401, 1],
    [{ maxLifetime: '1s' }, 401, 1],
    [{ typ: 'at+jwt' }, 401, 1],
    [{ issuer: 'https://elsewhere.example.com' }, 401, 1],
    [{ algorithms: ['RS256'] }, 401, 1],
    [{ clockTolerance: '59s' }, 200, 1],
    [
      {
        algorithms: ['ES256', 'HS256'],
        renewal: {
          strategy: 'ahead',
          window: '1s',
          lifetime: '5m',
          maxSession: '8h',
          signingKey: { alg: 'HS256', secret: { value: 'a-secret-of-at-least-thirty-two-bytes-for-hs256' } },
        },
      },
      200,
      1,
    ],
    [{}, 200, 1],
  ]
  for (const [more, status, verified] of cases) {
    await change(options([issuer('one', more), ...others]))
    t.same(await askAll(), { statuses: [status, 200, 200], verified }, JSON.stringify(more))
  }
  t.same([fetches.get('two'), fetches.get('three')], [1, 1], 'their keys were not fetched again')
})

t.test('an issuer that goes takes its tokens along, and comes back with none', async (t) => {
  const { gateway, change, issuer, options, askAll, tokens } = await start(t)
  await askAll()
  await change(options([issuer('two'), issuer('three')]))
  t.same(await askAll(), { statuses: [401, 200, 200], verified: 1 })
  t.notOk(gateway.authenticator.cache.has(tokens.get('one') ?? ''), 'it is forgotten')
  await change(options([issuer('three'), issuer('one'), issuer('two')]))
  t.same(await askAll(), { statuses: [200, 200, 200], verified: 1 }, 'the order of the others does not matter')
})

t.test(
  'what the known tokens are made to changes for all: the header, the claims in it, the size of tokens',
  async (t) => {
    const { change, options, issuer, askAll } = await start(t)
    await askAll()
    const all = NAMES.map((name) => issuer(name))
    for (const more of [
      { authResult: { format: 'claims' } },
      { limits: { tokenBytes: '4KiB' } },
      { tokens: { cache: { maxTokens: 10 } } },
    ]) {
      await change(options(all, more))
      t.same(await askAll(), { statuses: [200, 200, 200], verified: 3 }, JSON.stringify(more))
    }
    await change(options(all, { limits: { tokenBytes: '20B' } }))
    t.same((await askAll()).statuses, [401, 401, 401], 'a known token is no smaller than another')
  },
)

t.test('another issuer with the same iss before it: the tokens are its own from then on', async (t) => {
  const { change, options, issuer, ask } = await start(t)
  t.equal(await ask('one'), 200)
  const rival = issuer('rival', { issuer: issOf('one'), keys: { jwksUrl: `${issOf('two')}/jwks` } })
  await change(options([rival, issuer('one')]))
  t.equal(await ask('one'), 401)
  await change(options([issuer('one'), rival]))
  t.equal(await ask('one'), 200)
})
