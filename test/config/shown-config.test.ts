// The config as /api/config shows it: whole, as one would write it, and without anything secret.
import t from 'tap'
import fc from 'fast-check'

import { showConfig } from '../../gateway/src/config/shown-config.ts'
import { asNode, type SchemaNode } from '../../gateway/src/config/schema/schema-walk.ts'
import { ConfigOptions, type Config } from '../../gateway/src/options/config.ts'
import { testConfig } from '../support/test-gateway.ts'

const SECRET = 'zq7-not-to-be-told'
const shownText = (config: Config) => JSON.stringify(showConfig(config))

/** Paths of the options that the schema calls secret; `*` is any member of a list or record, or an alternative. */
function secretPaths(node: SchemaNode, path = ''): readonly string[] {
  const own = node.writeOnly === true ? [path] : []
  const inner = [
    ...Object.entries(node.properties ?? {}).map(([name, child]) => [`${path}/${name}`, child] as const),
    ...Object.values(node.patternProperties ?? {}).map((child) => [`${path}/*`, child] as const),
    ...(node.items === undefined ? [] : [[`${path}/*`, node.items] as const]),
    ...(node.anyOf ?? []).map((child) => [path, child] as const),
  ]
  return [...own, ...inner.flatMap(([at, child]) => secretPaths(child, at))]
}

const routes = [{ path: '/*', upstream: 'up' }]
const upstreams = { up: { targets: ['http://127.0.0.1:1'] } }
const issuer = (keys: object, renewal?: object) => ({
  issuers: [{ name: 'a', issuer: 'https://i.example.com', algorithms: ['HS256'], keys, ...(renewal && { renewal }) }],
})
const renewal = (more: object) => ({ strategy: 'ahead', window: '1m', lifetime: '5m', maxSession: '8h', ...more })
const secret = { value: SECRET, encoding: 'utf8' }
const url = { jwksUrl: 'https://i.example.com/k' }

/** Each option that may hold a secret, with one in it. */
const KINDS: Record<string, Record<string, unknown>> = {
  '/admin/token': { admin: { token: SECRET } },
  '/issuers/*/keys/secret/value': issuer({ secret }),
  '/issuers/*/keys/headers/*/value': issuer({ ...url, headers: { 'x-api-key': { value: SECRET } } }),
  '/issuers/*/keys/proxy': issuer({ ...url, proxy: `http://user:${SECRET}@proxy:3128` }),
  '/issuers/*/renewal/signingKey/secret/value': issuer(url, renewal({ signingKey: { alg: 'HS256', secret } })),
  '/issuers/*/renewal/verificationKeys/*/secret/value': issuer(
    url,
    renewal({ signingKey: { alg: 'HS256', pemFile: '/k' }, verificationKeys: [{ alg: 'HS256', secret }] }),
  ),
  '/revocation/store/redis': { revocation: { store: { redis: `redis://:${SECRET}@redis:6379/0` } } },
}

for (const direction of ['request', 'response'])
  for (const kind of ['set', 'add']) {
    const headers = { [direction]: { [kind]: { authorization: `Basic ${SECRET}` } } }
    const at = `headers/${direction}/${kind}/*`
    KINDS[`/${at}`] = { headers }
    KINDS[`/upstreams/*/${at}`] = { upstreams: { up: { ...upstreams.up, headers } } }
    KINDS[`/routes/*/${at}`] = { routes: [{ ...routes[0], headers }] }
  }

/** Options that are no secrets, with one where addresses may have it. */
const ADDRESSES: Readonly<Record<string, Record<string, unknown>>> = {
  'query of jwksUrl': issuer({ jwksUrl: `https://i.example.com/keys?key=${SECRET}#x` }),
  'user of jwksUrl': issuer({ jwksUrl: `https://${SECRET}@i.example.com/keys` }),
  'password of an endpoint': issuer(url, renewal({ endpoint: `https://u:${SECRET}@i.example.com/renew?t=${SECRET}` })),
  'query of a path': {
    upstreams: { up: { targets: ['http://127.0.0.1:1'], health: { path: `/healthz?key=${SECRET}` } } },
  },
  'password of a target': { upstreams: { up: { targets: [`http://u:${SECRET}@127.0.0.1:1`] } } },
}

t.test('every option that the schema calls secret has a row here', async (t) => {
  t.same([...new Set(secretPaths(asNode(ConfigOptions)))].sort(), Object.keys(KINDS).sort())
})

t.test('what is in such an option is masked, and the rest is shown', async (t) => {
  for (const [where, options] of Object.entries({ ...KINDS, ...ADDRESSES })) {
    const config = testConfig({ upstreams, routes, ...options })
    t.match(JSON.stringify(config), SECRET, `${where}: it is in the config`)
    const text = shownText(config)
    t.notMatch(text, SECRET, where)
    t.match(text, '***', `${where}: that something is there is told`)
    t.match(showConfig(config).config, { routes: [{ path: '/*', upstream: 'up', auth: 'required' }] }, where)
  }
  const told = showConfig(testConfig({ upstreams, routes, ...ADDRESSES['query of jwksUrl'] })).config
  t.match(told, { issuers: [{ keys: { jwksUrl: 'https://i.example.com/keys?***#x' } }] }, 'the address itself is told')
})

t.test('a secret that changes changes no digest, anything else does', async (t) => {
  const digestOf = (options: Record<string, unknown>) =>
    showConfig(testConfig({ upstreams, routes, ...options })).digest
  t.equal(digestOf({ admin: { token: 'one' } }), digestOf({ admin: { token: 'two' } }))
  t.not(digestOf({ admin: { token: 'one' } }), digestOf({ admin: { token: '' } }), 'whether there is one')
  t.not(digestOf({ shutdown: { delay: '1s' } }), digestOf({ shutdown: { delay: '2s' } }))
})

t.test('what no schema describes is masked, wherever it stands', async (t) => {
  const config = testConfig({ upstreams, routes })
  for (const changed of [
    { ...config, added: SECRET },
    { ...config, listen: [{ ...config.listen[0], added: { deep: [SECRET] } }] },
    { ...config, routes: [{ ...config.routes[0], added: SECRET }] },
    { ...config, workers: { added: SECRET } },
  ])
    t.notMatch(shownText(changed as unknown as Config), SECRET)
})

/** Values of the shape that a schema describes, as they are when they are loaded; a secret in each option that may hold one. */
function valuesOf(node: SchemaNode): fc.Arbitrary<unknown> {
  if (node.writeOnly === true) return fc.constantFrom(SECRET, `http://u:${SECRET}@h`, '')
  if (node.anyOf !== undefined) return fc.oneof(...node.anyOf.map(valuesOf))
  if (node.const !== undefined) return fc.constant(node.const)
  if (node.enum !== undefined) return fc.constantFrom(...node.enum)
  if (node.unit !== undefined) return fc.nat(100_000_000)
  if (node.items !== undefined) return fc.array(valuesOf(node.items), { maxLength: 2 })
  const [pattern] = Object.values(node.patternProperties ?? {})
  if (pattern !== undefined)
    return fc.dictionary(fc.stringMatching(/^\/?[a-z]{1,5}$/), valuesOf(pattern), { maxKeys: 2 })
  if (node.properties !== undefined) {
    const known = Object.fromEntries(Object.entries(node.properties).map(([name, child]) => [name, valuesOf(child)]))
    return fc.record({ ...known, unknown: fc.constant(SECRET) }, { requiredKeys: [] })
  }
  if (node.type === 'string')
    return fc.constantFrom('a', '/b', `https://u:${SECRET}@h/p`, `wss://h/p?key=${SECRET}&a=b`, `HTTP://h?${SECRET}`)
  return node.type === 'boolean' ? fc.boolean() : fc.nat(100)
}

t.test('property: no secret of any config of this shape is shown', async (t) => {
  let told = 0
  fc.assert(
    fc.property(valuesOf(asNode(ConfigOptions)), (value) => {
      if (JSON.stringify(value).includes(SECRET)) told += 1
      return !shownText(value as Config).includes(SECRET)
    }),
    { numRuns: 500 },
  )
  t.ok(told > 300, `${told} of 500 configs held secrets`)
})

t.test('shown as one would write it: what is shown is a config that loads, and shows the same', async (t) => {
  const config = testConfig({
    upstreams: {
      up: { targets: ['unix:/run/a.sock'], timeouts: { headers: '90s' }, health: { path: '/h', interval: '1500ms' } },
    },
    routes: [
      {
        path: '/a/*',
        upstream: 'up',
        require: { claims: { '/n': { oneOf: [1, true, 'x'] } }, scopes: { all: ['s'] } },
      },
      { path: '/out', action: 'revoke' },
    ],
    admin: { token: SECRET },
    limits: { bodyBytes: '10MiB', headerBytes: '1000B', bodyRate: '0B' },
    revocation: { store: { level: '/data' }, reconcile: '1h' },
    shutdown: { delay: '0s', timeout: '1d' },
    workers: 'auto',
    cors: { origins: ['https://shop.example.com'] },
    ...issuer(url, renewal({ signingKey: { alg: 'HS256', pemFile: '/k' }, deliver: 'header' })),
  })
  const shown = showConfig(config).config
  t.match(shown, {
    shutdown: { delay: '0s', timeout: '1d' },
    limits: { bodyBytes: '10MiB', headerBytes: '1000B', bodyRate: '0B' },
    upstreams: { up: { timeouts: { headers: '90s' }, health: { interval: '1500ms' } } },
  })
  t.same(showConfig(testConfig(shown)).config, shown)
})
