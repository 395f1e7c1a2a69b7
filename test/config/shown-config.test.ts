// The config as /api/config shows it: whole, as one would write it, and without anything secret.
import t from 'tap'
import fc from 'fast-check'

import { showConfig } from '../../gateway/src/config/shown-config.ts'
import { asNode, type SchemaNode } from '../../gateway/src/config/schema/schema-walk.ts'
import { ConfigOptions, type Config } from '../../gateway/src/options/config.ts'
import { ADDRESSES, issuer, KINDS, renewal, routes, SECRET, upstreams, url } from '../support/secret-options.ts'
import { testConfig } from '../support/test-gateway.ts'

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
