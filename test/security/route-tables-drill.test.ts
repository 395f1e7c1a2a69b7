// Attack: a path that the gateway takes for one of an open route, and the service behind it for one of a protected route.
// Amplifiers: random tables of hosts, wildcards, parameters, prefixes and methods; random spellings. Defence: one reading
// decides, and what another reader would take for a stricter route is refused. Compared with a router written from the
// documentation alone, with what seven kinds of upstreams read, and with real nginx.
import t from 'tap'
import fc from 'fast-check'

import { createRouter, type RoutedRequest, type RoutableRoute } from '../../gateway/src/accept/routes/router.ts'
import { AUTH_MODES } from '../../gateway/src/options/route/auth-modes.ts'
import { drillSize, tellFigure } from '../support/drill-size.ts'
import { everyReading, READERS, referenceVerdict, type ReferenceRoute } from '../support/reference-router.ts'

const METHODS = ['GET', 'HEAD', 'POST'] as const
const TEXTS = ['a', 'b', 'A', 'admin', '@me', '$x', 'x;y', '[id]', 'c+d', 'a.b'] as const
const HOSTS = ['a.test', 'b.test', 'x.a.test', '*.test', '*.a.test', '*.x.a.test'] as const

const segment = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...TEXTS) }, fc.constantFrom(':p', ':q'))
const path = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.constantFrom('', '/*', '/*', '/'))
  .map(([segments, end]) => {
    const named = segments.map((text, index) => (text.startsWith(':') ? `${text}${index}` : text))
    return (named.length === 0 ? '' : `/${named.join('/')}`) + end || '/'
  })
const route: fc.Arbitrary<ReferenceRoute> = fc.record(
  {
    path,
    auth: fc.constantFrom('none' as const, 'required' as const),
    methods: fc.uniqueArray(fc.constantFrom(...METHODS), { minLength: 1 }),
    hosts: fc.uniqueArray(fc.constantFrom(...HOSTS), { minLength: 1, maxLength: 2 }),
    encodedSlashes: fc.constant('allow' as const),
    emptySegments: fc.constant('allow' as const),
  },
  { requiredKeys: ['path', 'auth'] },
)

/** What `check` calls a conflict. */
function conflict(one: ReferenceRoute, other: ReferenceRoute): boolean {
  const shape = ({ path: text }: ReferenceRoute) => text.replace(/:\w+/g, ':')
  const meet = (a?: readonly string[], b?: readonly string[]) => a?.some((name) => b?.includes(name)) === true
  const methods = one.methods === undefined || other.methods === undefined || meet(one.methods, other.methods)
  const hosts = one.hosts === undefined && other.hosts === undefined ? true : meet(one.hosts, other.hosts)
  return shape(one) === shape(other) && methods && hosts
}

const table = fc
  .array(route, { minLength: 1, maxLength: 10 })
  .map((routes) => routes.filter((one, index) => !routes.slice(0, index).some((other) => conflict(one, other))))

/** A segment in some spelling: plain, escaped, escaped twice, in another case, with a parameter behind it. */
const spelling = fc
  .tuple(fc.constantFrom(...TEXTS, 'z', '', '..', '%2F', '%25', '?'), fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 5, 6, 7))
  .map(([text, how]) => {
    const escape = (character: string) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`
    if (how === 1) return text.replace(/[^A-Za-z0-9%]/g, escape)
    if (how === 2) return text.replace(/^[^%]/, escape)
    if (how === 3) return text.replace(/^[^%]/, escape).replace('%', '%25')
    if (how === 4) return text.toUpperCase()
    if (how === 5) return `${text};v=1`
    if (how === 6) return `${text}%3bv`
    return how === 7 ? `${text}%3fq` : text
  })
const target = fc
  .tuple(fc.array(spelling, { minLength: 1, maxLength: 4 }), fc.array(fc.constantFrom('/', '/', '/', '/', '%2f', '//')))
  .map(([parts, joints]) =>
    parts.reduce((text, part, index) => text + (joints[index] ?? '/') + part, '').replace(/^%2f/, '/'),
  )
const host = fc.constantFrom('a.test', 'A.test.', 'b.test:80', 'x.a.test', 'y.x.a.test.:8080', 'c.other')

const plainHost = (text: string) => text.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')

/** As the documentation has it: compared decoded, but for escaped slashes. */
function compared(sent: string): string {
  return decodeURIComponent(sent.replace(/%2f/gi, '%252F'))
}

/** What no route may get: anybody who decodes, however often, sees it climb; or it is no path. */
function isUnsafe(sent: string): boolean {
  try {
    decodeURIComponent(sent)
  } catch {
    return true
  }
  if (sent.startsWith('//')) return true
  const readings = [...everyReading(sent)]
  return (
    readings.some((text) => text.split('/').some((part) => /^\.\.?([;?#].*)?$/.test(part))) || /%25(25)*2f/i.test(sent)
  )
}

const lowered = (routes: readonly ReferenceRoute[]) => routes.map((one) => ({ ...one, path: one.path.toLowerCase() }))
const withoutEnd = (routes: readonly ReferenceRoute[]) =>
  routes.map((one) => ({ ...one, path: one.path.replace(/(.)\/$/, '$1') }))

function compile(routes: readonly ReferenceRoute[]) {
  return createRouter(
    routes.map((one, index): RoutableRoute & { readonly index: number } => ({
      admission: {
        path: one.path,
        methods: one.methods,
        hosts: one.hosts,
        encodedSlashes: one.encodedSlashes === 'allow',
        emptySegments: one.emptySegments === 'allow',
        auth: AUTH_MODES[one.auth === 'none' ? 'none' : 'required'],
        issuers: [],
        authorize: undefined,
      },
      index,
    })),
  )
}

t.test('the route that answers is the documented one, and nobody reads the path of a stricter one in it', async (t) => {
  const counts = { served: 0, refused: 0, disputed: 0, unsafe: 0 }
  fc.assert(
    fc.property(
      table,
      fc.array(fc.tuple(target, host, fc.constantFrom(...METHODS)), { minLength: 20, maxLength: 20 }),
      (routes, requests) => {
        const router = compile(routes)
        for (const [sent, hostHeader, method] of requests) {
          const [sentPath = ''] = sent.split('?')
          const request = { url: sent, method, httpVersion: '1.1', headers: { host: hostHeader } }
          const routed = request as unknown as RoutedRequest<RoutableRoute & { readonly index: number }>
          const refusal = router.assign(routed)
          const told = `${method} ${sent} at ${hostHeader}: ${refusal ?? routed.pathFault ?? routed.entry?.route?.admission.path}`
          if (isUnsafe(sentPath)) {
            counts.unsafe += 1
            if (refusal !== 'path_unsafe') throw new Error(`unsafe: ${told}`)
            continue
          }
          const name = plainHost(hostHeader)
          const expected = referenceVerdict(routes, compared(sentPath), name, method)
          const chosen = expected.route === undefined ? undefined : routes[expected.route]
          if (sentPath.includes('//') && chosen?.emptySegments === undefined) {
            if (refusal !== 'path_unsafe' && routed.pathFault === undefined) throw new Error(`empty: ${told}`)
            continue
          }
          if (expected.status === 404) {
            if (refusal !== 'route_not_found') throw new Error(`nowhere: ${told}`)
            continue
          }
          if (refusal !== undefined || routed.entry?.route?.index !== expected.route)
            throw new Error(`${told}, not ${chosen?.path ?? expected.status}`)
          if (chosen === undefined) continue
          if (/%2f/i.test(sentPath) && chosen.encodedSlashes === undefined) {
            if (routed.pathFault === undefined) throw new Error(`escaped slash: ${told}`)
            continue
          }
          const isClosed = (index: number | undefined) => index !== undefined && routes[index]?.auth === 'required'
          /** A reading that belongs to a narrower route that asks for more; `any`: by whatever way HEAD may go. */
          const stricter = (
            readings: Iterable<string>,
            among: readonly ReferenceRoute[],
            than: string,
            any: boolean,
          ) => {
            for (const reading of readings) {
              const { status, route: found, candidates, rank } = referenceVerdict(among, reading, name, method)
              const closed = any ? candidates.some(isClosed) : isClosed(found)
              if (rank > than && (status === 405 || (closed && chosen.auth === 'none'))) return reading
            }
            return undefined
          }
          if (routed.pathFault === undefined) {
            counts.served += 1
            for (const [reader, read] of Object.entries(READERS)) {
              const reading = read(routed.url.split('?', 1)[0] ?? '')
              const among = reader === 'express' ? withoutEnd(lowered(routes)) : routes
              if (stricter([reading], among, expected.rank, false) !== undefined)
                throw new Error(`${told}, which ${reader} reads as ${reading}`)
            }
          } else {
            counts.disputed += 1
            const every = everyReading(sentPath)
            const tables = [routes, lowered(routes), withoutEnd(routes), withoutEnd(lowered(routes))]
            // To those who pass over a slash at the end, the route that answers is no narrower for its own.
            const rank = chosen.path.endsWith('/') ? expected.rank.replace(/ca$/, 'a') : expected.rank
            if (tables.every((among) => stricter(every, among, rank, true) === undefined))
              throw new Error(`refused without a reader who reads it otherwise: ${told}`)
          }
          counts.refused += routed.pathFault === undefined ? 0 : 1
        }
      },
    ),
    { numRuns: drillSize(1500, 60_000) },
  )
  tellFigure(`route tables: ${JSON.stringify(counts)} of ${drillSize(1500, 60_000) * 20} requests, none misread`)
  t.ok(counts.served > 1000 && counts.disputed > 100 && counts.unsafe > 100, JSON.stringify(counts))
})
