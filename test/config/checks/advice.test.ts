// Advice of `check --strict`: what is allowed but seldom wise, and routes that shadow each other or leave a way around.
import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { runCli } from '../../support/run-cli.ts'
import { loadConfig } from '../../../gateway/src/config/load.ts'
import { unknownHosts } from '../../../gateway/src/operate/commands/unknown-hosts.ts'

const HEAD = `admin: { token: "a token of the admin" }
issuers: [{ name: a, issuer: i, audiences: [a], algorithms: [ES256], keys: { jwksUrl: "http://127.0.0.1:1/jwks" } }]
upstreams: { up: { targets: ["http://127.0.0.1:1"] } }
`
function load(directory: string, config: string) {
  writeFileSync(join(directory, 'c.yaml'), config)
  const loaded = loadConfig(join(directory, 'c.yaml'), { env: {} })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  return loaded
}
const advised = (directory: string, config: string) =>
  load(directory, config)
    .advice()
    .map(({ path, message }) => `${path}: ${message}`)

const open = (path: string, more = '') => `{ path: "${path}", upstream: up, auth: none${more} }`
const guarded = (path: string, more = '') => `{ path: "${path}", upstream: up${more} }`
const ROUTES: readonly [string, readonly string[], readonly (readonly [number, RegExp])[]][] = [
  ['a prefix takes all below it', [guarded('/admin/*'), open('/*')], []],
  [
    'an exact path leaves what is below it',
    [guarded('/admin'), open('/*')],
    [[0, /below this path is answered by routes\[1\] without/]],
  ],
  ['an exact path beside one that does not cover it', [guarded('/admin'), open('/public/*')], []],
  ['both protected', [guarded('/admin'), guarded('/*')], []],
  ['optional is open, too', [guarded('/a/:id'), open('/a/*').replace('none', 'optional')], [[0, /below this path/]]],
  ['an opening inside of what is protected is meant', [guarded('/api/*'), open('/api/health')], []],
  [
    'protected for a host alone',
    [guarded('/admin/*', ', hosts: [a.b]'), open('/*')],
    [[0, /for any other host, routes\[1\] answers/]],
  ],
  ['open for a host', [guarded('/admin/*'), open('/*', ', hosts: [a.b]')], [[0, /for its hosts, routes\[1\] answers/]]],
  ['open for a host, at another path', [guarded('/admin/*'), open('/x/*', ', hosts: [a.b]')], []],
  ['shadowed for a host', [guarded('/x'), guarded('/*', ', hosts: [a.b]')], [[0, /is shadowed by routes\[1\]/]]],
  [
    'a rewrite leads around',
    [guarded('/admin/*'), open('/public/*', ', rewrite: /*')],
    [[0, /routes\[1\] leads to the same paths/]],
  ],
  ['a rewrite leads elsewhere', [guarded('/admin/*'), open('/public/*', ', rewrite: /pub/*')], []],
  [
    'a WebSocket without GET',
    [guarded('/ws', ', websocket: true, methods: [POST]')],
    [[0, /no WebSocket can be opened/]],
  ],
  [
    'a scope with a blank',
    [guarded('/s', ', require: { scopes: { all: ["a b"] } }')],
    [[0, /no token can have a scope with a blank/]],
  ],
  ['one of two scopes with a blank', [guarded('/s', ', require: { scopes: { any: ["a b", c] } }')], []],
]

for (const [title, routes, expected] of ROUTES) {
  t.test(`routes: ${title}`, (t) => {
    const used = [...routes, guarded('/used-by-issuer')].join(', ')
    const found = advised(t.testdir(), `${HEAD}routes: [${used}]\n`).filter(
      (line) => !line.startsWith(`routes[${routes.length}]`),
    )
    t.equal(found.length, expected.length, found.join('; '))
    for (const [index, message] of expected)
      t.ok(
        found.some((line) => line.startsWith(`routes[${index}].path: `) && message.test(line)),
        found.join('; '),
      )
    t.end()
  })
}

t.test('shared secrets, plain http to another host and an admin without a token are advised against', (t) => {
  const config = `issuers:
  - { name: a, issuer: i, audiences: [a], algorithms: [HS256], keys: { secret: { value: a-secret-of-at-least-thirty-two-bytes } } }
  - { name: b, issuer: k, audiences: [a], algorithms: [ES256], keys: { jwksUrl: "http://b.example.com/jwks", allowHttp: true } }
upstreams: { up: { targets: ["http://127.0.0.1:1", "http://localhost:2", "http://10.0.0.1:3", "https://10.0.0.1:4", "unix:/run/x"] } }
revocation: { store: { redis: "redis://:secret@cache.example.com" } }
routes: [{ path: /*, upstream: up }]
`
  const found = advised(t.testdir(), config).map((line) => line.slice(0, line.indexOf(':')))
  t.same(found.toSorted(), [
    'admin',
    'issuers[0].algorithms',
    'issuers[1].keys.jwksUrl',
    'revocation.store.redis',
    'upstreams.up.targets[2]',
  ])
  t.notMatch(advised(t.testdir(), config).join(), /secret@/)
  t.end()
})

t.test(
  'check --strict fails with any warning or advice, and tells it in JSON too; without it neither fails',
  async (t) => {
    const directory = t.testdir({
      'good.yaml': `${HEAD}routes: [{ path: /*, upstream: up }]\n`,
      'advised.yaml': `${HEAD.replace('token', 'port: 0 } #')}routes: [{ path: /*, upstream: up }]\n`,
      'warned.yaml': `${HEAD.replace('audiences: [a], ', '')}routes: [{ path: /*, upstream: up }]\n`,
    })
    const check = (name: string, ...more: string[]) => runCli('check', '-c', join(directory, name), ...more)
    t.match(await check('good.yaml', '--strict'), { code: 0, err: '' })
    t.match(await check('advised.yaml'), { code: 0, err: '' })
    t.match(await check('advised.yaml', '--strict'), {
      code: 1,
      err: /advised\.yaml:1:\d+ advice: admin: without admin\.token/,
    })
    t.match(await check('warned.yaml'), { code: 0, err: /warning: issuers\[0\]: aud is not looked at/ })
    t.match(await check('warned.yaml', '--strict'), { code: 1 })
    const { out } = await check('advised.yaml', '--strict', '--json')
    t.match(JSON.parse(out), { ok: false, errors: [], warnings: [], advice: [{ line: 1, path: 'admin' }] })
  },
)

t.test('hosts without an address are warned of; a resolver that cannot say is believed', async (t) => {
  const config = load(
    t.testdir(),
    `issuers: [{ name: a, issuer: "https://one.example.com", audiences: [a], algorithms: [ES256], keys: { discovery: true } }]
upstreams: { up: { targets: ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://two.example.com", "https://three.example.com:8443"] } }
routes: [{ path: /*, upstream: up }]
`,
  ).config
  const asked: string[] = []
  const found = await unknownHosts(config, (host) => {
    asked.push(host)
    if (host.startsWith('three')) return Promise.resolve()
    return Promise.reject(Object.assign(new Error(), { code: host.startsWith('one') ? 'ENOTFOUND' : 'EAI_AGAIN' }))
  })
  t.same(asked.toSorted(), ['one.example.com', 'three.example.com', 'two.example.com'])
  t.match(found, [{ severity: 'warning', path: ['issuers', 0, 'issuer'], message: 'this host has no address here' }])
  t.equal(found.length, 1)
})
