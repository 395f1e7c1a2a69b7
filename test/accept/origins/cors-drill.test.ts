// Attack: a page of one origin tries every method of random route tables. Amplifier: policies that differ by method, with
// credentials. Defence: nothing is granted but what the policy of the route says that serves the method. The model reads the config alone.
import fc from 'fast-check'
import t from 'tap'

import { startCorsGateway } from '../../support/cors-gateway.ts'
import { drillSize, tellFigure } from '../../support/drill-size.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'REPORT']
const ORIGINS = ['https://a.one.test', 'https://b.one.test', 'https://one.test', 'https://two.test', 'null']
const DEFAULT_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

interface Policy {
  readonly origins: readonly string[]
  readonly credentials: boolean
  readonly methods?: readonly string[] | undefined
}

interface Route {
  readonly methods: readonly string[]
  readonly cors?: Policy | undefined
}

const policies = fc.record({
  origins: fc.uniqueArray(fc.constantFrom('https://*.one.test', ...ORIGINS.slice(0, 4)), {
    minLength: 1,
    maxLength: 2,
  }),
  credentials: fc.boolean(),
  methods: fc.option(fc.uniqueArray(fc.constantFrom(...METHODS), { maxLength: 4 }), { nil: undefined }),
})

/** The methods of one path, dealt out to up to three routes. Some are nobody's. */
const tables = fc
  .tuple(
    fc.array(fc.integer({ min: 0, max: 3 }), { minLength: METHODS.length, maxLength: METHODS.length }),
    fc.array(fc.option(policies, { nil: undefined }), { minLength: 3, maxLength: 3 }),
  )
  .map(([owners, given]): Route[] =>
    given
      .map((cors, index) => ({ methods: METHODS.filter((_method, at) => owners[at] === index), cors }))
      .filter(({ methods }) => methods.length > 0),
  )
  .filter((table) => table.length > 0)

function allows({ origins }: Policy, origin: string): boolean {
  return (
    origins.includes(origin) || (origins.includes('https://*.one.test') && /^https:\/\/[ab]\.one\.test$/.test(origin))
  )
}

function routeOf(table: readonly Route[], method: string): Route | undefined {
  return (
    table.find(({ methods }) => methods.includes(method)) ??
    (method === 'HEAD' ? table.find(({ methods }) => methods.includes('GET')) : undefined)
  )
}

const size = drillSize(12, 400)

t.test('no page gets more than the policy of the route says that serves its method', async (t) => {
  let asked = 0
  for (const table of fc.sample(tables, { numRuns: size, seed: 20_261_128 })) {
    await t.test(JSON.stringify(table), async (t) => {
      const { send, preflight } = await startCorsGateway(t, {
        routes: table.map(({ methods, cors }) => ({
          path: '/p',
          upstream: 'up',
          auth: 'none',
          methods,
          ...(cors === undefined ? {} : { cors: { ...cors, methods: cors.methods ?? DEFAULT_METHODS } }),
        })),
      })
      for (const method of METHODS) {
        for (const origin of ORIGINS) {
          asked += 2
          const name = `${method} from ${origin}`
          const route = routeOf(table, method)
          const covering = table.some(({ cors }) => cors !== undefined && allows(cors, origin))
          const isReadable = route === undefined ? covering : route.cors !== undefined && allows(route.cors, origin)
          const answer = await send(method, '/p', { origin })
          const expected =
            route !== undefined && route.cors === undefined
              ? 'https://of-the-upstream.example'
              : isReadable
                ? origin
                : undefined
          t.equal(answer.fields['access-control-allow-origin']?.join(), expected, `${name}: the answer`)

          const told = await preflight('/p', method, origin)
          const isOurs = route === undefined ? table.some(({ cors }) => cors !== undefined) : route.cors !== undefined
          t.equal(told.code === 'cors_preflight', isOurs, `${name}: who answers the preflight`)
          const isNamed = (route?.cors?.methods ?? DEFAULT_METHODS).includes(method)
          const isGranted = isOurs && isReadable && (route === undefined || isNamed)
          // A preflight that is refused grants nothing, whatever a page could read of it.
          const grant = told.status < 300 ? told.fields['access-control-allow-origin']?.join() : undefined
          t.equal(grant, isGranted ? origin : undefined, `${name}: the grant`)
          const withCredentials = told.fields['access-control-allow-credentials'] !== undefined
          // A browser remembers each method that is named, for this origin and with these credentials.
          for (const remembered of told.fields['access-control-allow-methods']?.join().split(', ') ?? []) {
            const cors = routeOf(table, remembered)?.cors
            t.ok(cors !== undefined && allows(cors, origin), `${name}: ${remembered} is remembered`)
            t.equal(cors?.credentials, withCredentials, `${name}: credentials of ${remembered}`)
          }
        }
      }
    })
  }
  tellFigure(`${asked} requests to ${size} route tables, none granted more than its policy`)
})
