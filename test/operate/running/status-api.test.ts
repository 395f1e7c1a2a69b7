// GET /api/config, /api/routes, /api/upstreams and /api/keys, of real processes: what runs, for who has the admin token.
import t from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { eventually } from '../../support/eventually.ts'
import { ADMIN_TOKEN, startIssuer } from '../../support/explaining-gateway.ts'
import { start, temporaryDirectory, workersOf, type Started } from '../../support/gateway-process.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { createSigner } from '../../support/tokens.ts'

const HMAC_SECRET = 'zq7-a-shared-secret-of-32-characters'
const OWN_SECRET = 'zq7-a-renewal-secret-of-32-characters'
const API_KEY = 'zq7-an-api-key'
const PATHS = ['/api/config', '/api/routes', '/api/upstreams', '/api/keys']

const configText = (upstream: string, jwksUrl: string, workers = 1, more = '') => `
listen: { port: 0 }
admin: { port: 0, token: "\${TOKEN}" }
workers: ${workers}
issuers:
  - name: remote
    issuer: https://i.example.com
    audiences: [api]
    algorithms: [ES256]
    keys: { jwksUrl: '${jwksUrl}?key=${API_KEY}', headers: { x-api-key: { value: ${API_KEY} } }, proxy: none }
  - name: shared
    issuer: https://j.example.com
    audiences: [api]
    algorithms: [HS256]
    keys: { secret: { value: ${HMAC_SECRET} } }
    renewal:
      strategy: ahead
      window: 1m
      lifetime: 5m
      maxSession: 8h
      signingKey: { alg: HS256, kid: own, secret: { value: ${OWN_SECRET} } }
upstreams: { up: { targets: ['${upstream}', 'http://127.0.0.1:1'], retries: 1, ejection: { failures: 1 } } }
routes:
  - { path: '/api/*', upstream: up, issuers: [remote], require: { scopes: { all: [read] } } }
  - { path: '/*', upstream: up, auth: none, methods: [GET] }
  - { path: /logout, action: revoke }
${more}`

type Answer = Record<string, unknown>

async function get(
  { adminUrl }: Started,
  path: string,
  token = ADMIN_TOKEN,
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${adminUrl}${path}`, { headers: { authorization: `Bearer ${token}` } })
  return { status: response.status, text: await response.text() }
}
const answerOf = async (gateway: Started, path: string) => JSON.parse((await get(gateway, path)).text) as Answer

for (const workers of [1, 2]) {
  t.test(`${workers} worker: config, routes, upstreams and keys, and no secret of them`, async (t) => {
    const signer = await createSigner('ES256', 'k1')
    const issuer = await startIssuer(t, signer)
    const upstream = await startUpstream(t)
    const before = Date.now()
    const gateway = await start(t, configText(upstream.url, issuer.url, workers), { TOKEN: ADMIN_TOKEN })
    for (let asked = 0; asked < 12; asked += 1) await (await fetch(`${gateway.url}/`)).arrayBuffer()

    const config = await answerOf(gateway, '/api/config')
    t.match(config, {
      digest: /^[\w-]{16}$/,
      config: {
        admin: { token: '***', host: '127.0.0.1' },
        workers,
        issuers: [{ keys: { timeout: '5s' } }, { renewal: { signingKey: { kid: 'own', secret: { value: '***' } } } }],
        shutdown: { timeout: '10s' },
      },
    })
    const loadedMs = Date.parse(String(config['loadedAt']))
    t.ok(loadedMs >= before - 1000 && loadedMs <= Date.now(), String(config['loadedAt']))

    const routes = await answerOf(gateway, '/api/routes')
    t.equal(routes['digest'], config['digest'])
    t.match(routes['routes'], [
      { path: '/api/*', upstream: 'up', auth: 'required', issuers: ['remote'], require: { scopes: { all: ['read'] } } },
      { path: '/*', auth: 'none', methods: ['GET'] },
      { path: '/logout', action: 'revoke' },
    ])

    const numbers = Array.from({ length: workers }, (_, index) => index + 1)
    const upstreams = await answerOf(gateway, '/api/upstreams')
    const ofWorkers = upstreams['workers'] as readonly { worker: number; upstreams: readonly Answer[] }[]
    t.same(upstreams['missing'], [])
    t.same(
      ofWorkers.map(({ worker }) => worker),
      numbers,
    )
    for (const { upstreams: told } of ofWorkers)
      t.match(told, [
        { upstream: 'up', queued: 0, targets: [{ target: upstream.url, available: true, health: 'unchecked' }, {}] },
      ])
    const out = JSON.stringify(ofWorkers)
    t.match(out, /"why":"ejected","cause":"[^"]*ECONNREFUSED/, 'a worker that met the dead target has it out')

    const keys = await answerOf(gateway, '/api/keys')
    t.same(keys['missing'], [])
    for (const { issuers } of keys['workers'] as readonly { issuers: unknown }[])
      t.match(issuers, [
        {
          issuer: 'remote',
          source: 'jwksUrl',
          from: issuer.url,
          keys: [{ kid: 'k1', algorithm: 'ES256' }],
          ageSec: Number,
        },
        { issuer: 'shared', source: 'secret', keys: [{ algorithm: 'HS256' }] },
      ])
    t.match(keys, { workers: numbers.map((worker) => ({ worker })) })

    for (const path of PATHS) {
      const { text } = await get(gateway, path)
      t.notMatch(text, /zq7/, `${path}: no secret`)
      t.notMatch(text, ADMIN_TOKEN, `${path}: not the admin token`)
      t.notMatch(text, signer.jwk.x ?? 'x', `${path}: nothing of a key`)
    }
  })
}

t.test('two workers, one of them stopped: the other tells, and who is missing is named', async (t) => {
  const issuer = await startIssuer(t, await createSigner('ES256', 'k1'))
  const upstream = await startUpstream(t)
  const gateway = await start(t, configText(upstream.url, issuer.url, 2), { TOKEN: ADMIN_TOKEN })
  const [stopped = 0] = workersOf(gateway)
  process.kill(stopped, 'SIGSTOP')
  t.teardown(() => process.kill(stopped, 'SIGKILL'))
  const told = await answerOf(gateway, '/api/keys')
  t.equal((told['workers'] as unknown[]).length, 1)
  t.equal((told['missing'] as unknown[]).length, 1)
  for (const pid of workersOf(gateway)) process.kill(pid, 'SIGSTOP')
  t.teardown(() => {
    for (const pid of workersOf(gateway)) process.kill(pid, 'SIGKILL')
  })
  const nobody = await get(gateway, '/api/upstreams')
  t.equal(nobody.status, 503)
  t.match(nobody.text, /"code":"status_unavailable"/)
  t.equal((await get(gateway, '/api/config')).status, 200, 'the config is known without them')
})

t.test('without the admin token nothing is told, and without one in the config to nobody', async (t) => {
  const issuer = await startIssuer(t, await createSigner('ES256', 'k1'))
  const upstream = await startUpstream(t)
  const [guarded, closed] = await Promise.all(
    [ADMIN_TOKEN, ''].map((TOKEN) => start(t, configText(upstream.url, issuer.url), { TOKEN })),
  )
  for (const [gateway, sent, status, code] of [
    [guarded, 'wrong', 401, 'admin_token_invalid'],
    [guarded, '', 401, 'admin_token_invalid'],
    [guarded, '***', 401, 'admin_token_invalid'],
    [closed, ADMIN_TOKEN, 403, 'admin_token_not_configured'],
  ] as const) {
    if (gateway === undefined) throw new Error('unreachable')
    for (const path of PATHS) {
      const answer = await get(gateway, path, sent)
      t.equal(answer.status, status, `${path} with ${sent}`)
      t.match(JSON.parse(answer.text), { code }, path)
      t.notMatch(answer.text, /zq7|remote/, path)
    }
  }
})

t.test('only GET and HEAD, and each answer is for nobody to keep', async (t) => {
  const issuer = await startIssuer(t, await createSigner('ES256', 'k1'))
  const upstream = await startUpstream(t)
  const gateway = await start(t, configText(upstream.url, issuer.url), { TOKEN: ADMIN_TOKEN })
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
  for (const path of PATHS) {
    t.equal((await fetch(`${gateway.adminUrl}${path}`, { method: 'POST', headers })).status, 404, path)
    const answer = await fetch(`${gateway.adminUrl}${path}`, { headers })
    t.equal(answer.headers.get('cache-control'), 'no-store', path)
    t.match(answer.headers.get('content-type'), 'application/json')
    await answer.arrayBuffer()
  }
})

t.test('keys that cannot be fetched, and a published key set among the routes', async (t) => {
  const issuer = await startIssuer(t, await createSigner('ES256', 'k1'))
  const upstream = await startUpstream(t)
  issuer.keys = []
  const folder = temporaryDirectory(t)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(join(folder, 'own.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const own = `{ strategy: ahead, window: 1m, lifetime: 5m, maxSession: 8h, jwksPath: /own.json, signingKey: { alg: ES256, pemFile: '${folder}/own.pem' } }`
  const text = configText(upstream.url, issuer.url).replace('proxy: none }', `proxy: none }\n    renewal: ${own}`)
  const gateway = await start(t, text, { TOKEN: ADMIN_TOKEN })
  await eventually(async () => JSON.stringify(await answerOf(gateway, '/api/keys')).includes('"error"'), 'it is told')
  const told = (await get(gateway, '/api/keys')).text
  t.match(told, /"issuer":"remote"[^}]*"keys":\[\][^}]*"error":"[^"]*500/)
  t.notMatch(told, /zq7/, 'not even in the error')
  t.match(((await answerOf(gateway, '/api/routes'))['routes'] as unknown[]).at(-1), {
    path: '/own.json',
    auth: 'none',
    publishesKeysOf: 'remote',
  })
  t.notMatch((await get(gateway, '/api/config')).text, /PRIVATE KEY/)
})
