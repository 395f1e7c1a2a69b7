// What is told of two configs: what came, went and changed, by what identifies it.
import t from 'tap'

import { diffConfigs, hasDifferences } from '../../../gateway/src/config/diff/config-diff.ts'
import { testConfig } from '../../support/test-gateway.ts'

type Options = Record<string, unknown>

const upstreams = { up: { targets: ['http://127.0.0.1:1'] } }
const routes = (...more: Options[]) => ({
  routes: [{ path: '/*', upstream: 'up' }, ...more.map((route) => ({ upstream: 'up', ...route }))],
})
const issuer = (name: string, more: Options = {}) => ({
  ...{ name, issuer: `https://${name}.example.com`, audiences: ['a'], algorithms: ['ES256'] },
  keys: { jwksUrl: `https://${name}.example.com/keys` },
  ...more,
})
const NONE = { added: [], removed: [], changed: [] }
const SAME = { routes: NONE, upstreams: NONE, issuers: NONE, listeners: NONE, options: [] }

/** With nothing left out. */
const WHOLE_CORS = {
  ...{ origins: ['https://a.example.com'], methods: ['GET'], headers: ['x-a'], exposed: ['x-b'] },
  ...{ credentials: false, maxAge: '1h' },
}

function told(before: Options, after: Options) {
  const [one, other] = [before, after].map((options) => testConfig({ upstreams, ...routes(), ...options }))
  if (one === undefined || other === undefined) throw new Error('both are there')
  return diffConfigs(one, other)
}

interface Row {
  readonly before: Options
  readonly after: Options
  /** All else is the same. */
  readonly told: Options
}

const ROWS: Readonly<Record<string, Row>> = {
  'nothing differs': { before: {}, after: {}, told: {} },
  'a default that is written out is no difference': {
    before: {},
    after: { limits: { bodyBytes: '10MiB' }, shutdown: { timeout: '10000ms' } },
    told: {},
  },
  'the order of routes says nothing': {
    before: routes({ path: '/a' }, { path: '/b' }),
    after: routes({ path: '/b' }, { path: '/a' }),
    told: {},
  },
  'the order of methods and hosts within a route finds it, and is told as the option that it is': {
    before: routes({ path: '/a', methods: ['GET', 'PUT'] }),
    after: routes({ path: '/a', methods: ['PUT', 'GET'], auth: 'none' }),
    told: {
      routes: {
        ...NONE,
        changed: [
          {
            ...{ path: '/a', methods: ['GET', 'PUT'] },
            options: [
              { option: 'methods', from: ['GET', 'PUT'], to: ['PUT', 'GET'] },
              { option: 'auth', from: 'required', to: 'none' },
            ],
          },
        ],
      },
    },
  },
  'routes that came and went': {
    before: routes({ path: '/gone', hosts: ['a.example.com'] }),
    after: routes({ path: '/new', methods: ['GET'] }),
    told: {
      routes: {
        ...NONE,
        added: [{ path: '/new', methods: ['GET'] }],
        removed: [{ path: '/gone', hosts: ['a.example.com'] }],
      },
    },
  },
  'routes of one path are told apart by methods and hosts': {
    before: routes({ path: '/a', methods: ['GET'] }, { path: '/a', methods: ['PUT'] }, { path: '/a', hosts: ['h'] }),
    after: routes(
      { path: '/a', methods: ['GET'] },
      { path: '/a', methods: ['PUT'], bodyBytes: '1MiB' },
      { path: '/a', hosts: ['h'] },
    ),
    told: {
      routes: {
        ...NONE,
        changed: [{ path: '/a', methods: ['PUT'], options: [{ option: 'bodyBytes', to: '1MiB' }] }],
      },
    },
  },
  'one more method, another host, another name of a parameter: the same route': {
    before: routes({ path: '/m', methods: ['GET'] }, { path: '/h', hosts: ['one'] }, { path: '/p/:id' }),
    after: routes({ path: '/m', methods: ['GET', 'PUT'] }, { path: '/h', hosts: ['two'] }, { path: '/p/:name' }),
    told: {
      routes: {
        ...NONE,
        changed: [
          { path: '/p/:id', options: [{ option: 'path', from: '/p/:id', to: '/p/:name' }] },
          { path: '/h', hosts: ['one'], options: [{ option: 'hosts', from: ['one'], to: ['two'] }] },
          {
            ...{ path: '/m', methods: ['GET'] },
            options: [{ option: 'methods', from: ['GET'], to: ['GET', 'PUT'] }],
          },
        ],
      },
    },
  },
  'options deep in a route, and one that comes as a whole': {
    before: routes({ path: '/a', timeouts: { headers: '5s' }, require: { claims: { '/r': { equals: 'x' } } } }),
    after: routes({
      ...{ path: '/a', timeouts: { headers: '90s' }, require: { claims: { '/r': { equals: 'y' } } } },
      cors: WHOLE_CORS,
    }),
    told: {
      routes: {
        ...NONE,
        changed: [
          {
            path: '/a',
            options: [
              { option: 'require.claims["/r"].equals', from: 'x', to: 'y' },
              { option: 'cors', to: WHOLE_CORS },
              { option: 'timeouts.headers', from: '5s', to: '90s' },
            ],
          },
        ],
      },
    },
  },
  'upstreams by name': {
    before: { upstreams: { ...upstreams, gone: { targets: ['http://127.0.0.1:2'] }, valueOf: upstreams.up } },
    after: { upstreams: { up: { targets: ['http://127.0.0.1:3'], connections: 7 }, toString: upstreams.up } },
    told: {
      upstreams: {
        added: [{ name: 'toString' }],
        removed: [{ name: 'gone' }, { name: 'valueOf' }],
        changed: [
          {
            name: 'up',
            options: [
              { option: 'targets', from: ['http://127.0.0.1:1'], to: ['http://127.0.0.1:3'] },
              { option: 'connections', from: 128, to: 7 },
            ],
          },
        ],
      },
    },
  },
  'issuers by name, in any place of the list': {
    before: { issuers: [issuer('a'), issuer('gone'), issuer('b')] },
    after: { issuers: [issuer('new'), issuer('a', { clockTolerance: '5m' }), issuer('b')] },
    told: {
      issuers: {
        added: [{ name: 'new' }],
        removed: [{ name: 'gone' }],
        changed: [{ name: 'a', options: [{ option: 'clockTolerance', from: '1m', to: '5m' }] }],
      },
    },
  },
  'the order of issuers counts': {
    before: { issuers: [issuer('a'), issuer('b')] },
    after: { issuers: [issuer('b'), issuer('a')] },
    told: { options: [{ option: 'issuers (their order)', from: ['a', 'b'], to: ['b', 'a'] }] },
  },
  'listeners by address': {
    before: { listen: [{ port: 8080 }, { port: 8081 }, { unix: '/run/a.sock' }] },
    after: { listen: [{ port: 8081, parser: 'node' }, { port: 8080 }, { host: '::1', port: 8080 }] },
    told: {
      listeners: {
        added: [{ address: '[::1]:8080' }],
        removed: [{ address: 'unix:/run/a.sock' }],
        changed: [{ address: '127.0.0.1:8081', options: [{ option: 'parser', from: 'auto', to: 'node' }] }],
      },
    },
  },
  'listeners with free ports': {
    before: { listen: [{ port: 0 }, { port: 0, parser: 'node' }] },
    after: { listen: [{ port: 0 }] },
    told: { listeners: { ...NONE, removed: [{ address: '127.0.0.1:0' }] } },
  },
  'all other options, with their units': {
    before: { limits: { bodyBytes: '10MiB' }, log: { level: 'info' } },
    after: { limits: { bodyBytes: '20MiB' }, log: { level: 'warn' }, shutdown: { delay: '90s' } },
    told: {
      options: [
        { option: 'shutdown.delay', from: '0s', to: '90s' },
        { option: 'limits.bodyBytes', from: '10MiB', to: '20MiB' },
        { option: 'log.level', from: 'info', to: 'warn' },
      ],
    },
  },
}

/** Lists of objects are told in an order that says nothing. */
function inAnyOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (!Array.isArray(value))
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inAnyOrder(one)]))
  const members = value.map(inAnyOrder)
  return members.every((one) => typeof one === 'object')
    ? members.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))
    : members
}

for (const [title, row] of Object.entries(ROWS))
  t.test(title, async (t) => {
    const diff = told(row.before, row.after)
    t.same(inAnyOrder(diff), inAnyOrder({ ...SAME, ...row.told }))
    t.equal(hasDifferences(diff), Object.keys(row.told).length > 0)
  })

t.test('a thousand routes that all changed are compared at once: nothing is quadratic', async (t) => {
  const many = (count: number, auth: string) =>
    routes(...Array.from({ length: count }, (_, index) => ({ path: `/r${index}/x`, methods: ['GET'], auth })))
  const [before, after] = [many(1000, 'none'), many(1000, 'required')].map((options) =>
    testConfig({ upstreams, ...options }),
  )
  if (before === undefined || after === undefined) throw new Error('both are there')
  const begun = performance.now()
  const { changed } = diffConfigs(before, after).routes
  const tookMs = performance.now() - begun
  t.equal(changed.length, 1000)
  t.ok(tookMs < 2000, `${tookMs} ms`)
})
