// Changes of headers against a small model that does one after the other, and end to end over both transports and WebSockets.
import t from 'tap'
import fc from 'fast-check'

import { anonymousResult } from '../../../../gateway/src/authenticate/auth-result.ts'
import type { Admitted } from '../../../../gateway/src/forward/admitted.ts'
import { claimFieldsOf, placesOf } from '../../../../gateway/src/forward/headers/claim-fields.ts'
import { createClaimHeaderValues } from '../../../../gateway/src/forward/headers/claim-headers.ts'
import { createEditsOf } from '../../../../gateway/src/forward/headers/edits/header-edits.ts'
import { headerValues, startUpstream } from '../../../support/recording-upstream.ts'
import { sendRaw, statusOf } from '../../../support/raw-http.ts'
import { startTestGateway, testConfig } from '../../../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../../../support/tokens.ts'
import { handshakeHead, startWebSocketUpstream } from '../../../support/websocket.ts'

type Values = Readonly<Record<string, string>>
interface Edits {
  readonly set?: Values
  readonly add?: Values
  readonly remove?: readonly string[]
}

const NAMES = ['x-a', 'X-B', 'x-c', 'x.c']
const CLAIMS = { sub: 'alice', evil: 'a\r\nx-b: 1', n: 7, deep: { list: ['a'], text: 'b' } }
/** What each value is for the caller of the test; undefined where it is left out. */
const VALUES = new Map<string, string | undefined>([
  ['plain', 'plain'],
  ['${claims:/sub}', 'alice'],
  ['<${claims:/n}> ${claims:/deep/text}', '<7> b'],
  ['${claims:/evil}', undefined],
  ['a ${claims:/none} b', undefined],
  ['${claims:/deep/list}', undefined],
  ['${client.ip}/${request.id}', '192.0.2.1/r-1'],
  ['${route.path}', '/a/*'],
  ['$${client.ip} $5', '${client.ip} $5'],
])

const value = fc.constantFrom(...VALUES.keys())
const values = fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 3, noNullPrototype: true })
const edits: fc.Arbitrary<Edits> = fc.record(
  { set: values, add: values, remove: fc.array(fc.constantFrom(...NAMES), { maxLength: 2 }) },
  { requiredKeys: [] },
)
const level = fc.record({ request: edits, response: edits }, { requiredKeys: [] })
const raw = fc.array(fc.tuple(fc.constantFrom(...NAMES, 'X-A', 'x_b', 'x-other'), fc.constantFrom('1', '2')), {
  maxLength: 5,
})

const fold = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '-')

function model(headers: readonly (readonly [string, string])[], levels: readonly (Edits | undefined)[]) {
  let state = headers
  for (const { remove = [], set = {}, add = {} } of levels.filter((one) => one !== undefined)) {
    const without = (name: string) => (state = state.filter(([other]) => fold(other) !== fold(name)))
    for (const name of [...remove, ...Object.keys(set)]) without(name)
    for (const [name, text] of [...Object.entries(set), ...Object.entries(add)])
      state = [...state, [name.toLowerCase(), text] as const]
  }
  const original = new Set(headers)
  return state.flatMap((pair) => {
    const [name, text] = pair
    const written = original.has(pair) ? text : VALUES.get(text)
    return written === undefined ? [] : [name, written]
  })
}

t.test('whatever is changed at which level, the headers are those of the model', async (t) => {
  const parts = { clientOf: () => '192.0.2.1', isTrusted: () => false }
  fc.assert(
    fc.property(level, level, level, raw, (all, ofUpstream, own, headers) => {
      const config = testConfig({
        headers: all,
        upstreams: { up: { targets: ['http://127.0.0.1:1'], headers: ofUpstream } },
        routes: [{ path: '/a/*', upstream: 'up', headers: own }],
      })
      const { valuesOf } = createClaimHeaderValues(claimFieldsOf(config), () => undefined)
      const claimValues = valuesOf({ claims: CLAIMS, write: JSON.stringify })
      const admitted = {
        requestId: 'r-1',
        caller: { ...anonymousResult({ headerValue: undefined, claimValues }), claims: CLAIMS },
      } as unknown as Admitted
      const [route] = config.routes
      if (route === undefined) return
      const compiled = createEditsOf(config, { ...parts, placeOf: placesOf(config) })(route)
      for (const direction of ['request', 'response'] as const) {
        const edited = headers.flat()
        compiled[direction]?.(edited, admitted)
        const levels = [all[direction], ofUpstream[direction], own[direction]]
        t.strictSame(edited, model(headers, levels), direction)
        const isNone = levels.every((one) => Object.values(one ?? {}).every((some) => Object.keys(some).length === 0))
        t.equal(compiled[direction] === undefined, isNone, 'a route without edits has no function')
      }
    }),
    { numRuns: 1500 },
  )
})

t.test('requests and responses are changed, and what the gateway says stays its own', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(200, ['Server', 'secret/1.0', 'X-Powered-By', 'x', 'x-frame-options', 'SAMEORIGIN', 'Age', '1'])
    response.end('ok')
  })
  const sockets = await startWebSocketUpstream(t)
  for (const transport of ['direct', 'undici']) {
    const { url, port } = await startTestGateway(t, {
      issuers: [hmacIssuer()],
      tokens: { forward: 'strip' },
      headers: {
        request: { set: { 'x-gateway': 'tollgate' }, remove: ['cookie'] },
        response: { remove: ['server', 'x-powered-by'] },
        security: ['nosniff', 'frame-options', 'hsts'],
      },
      upstreams: {
        up: {
          targets: [upstream.url],
          transport,
          headers: { request: { set: { authorization: 'Basic c2VydmljZQ==', 'x-real-ip': '${client.ip}' } } },
        },
        ws: { targets: [sockets.url], transport },
      },
      routes: [
        {
          path: '/a/*',
          upstream: 'up',
          headers: {
            request: { add: { 'x-user': '${claims:/sub} by ${route.path}' } },
            response: { set: { 'x-request': '${request.id}', age: '0' } },
            security: ['referrer-policy'],
          },
        },
        { path: '/open', upstream: 'up', auth: 'none', headers: { request: { set: { 'x-user': '${claims:/sub}' } } } },
        { path: '/ws', upstream: 'ws', websocket: true, headers: { request: { set: { 'x-user': '${claims:/sub}' } } } },
      ],
    })
    const token = await signHmac()
    const ask = (path: string, headers: Record<string, string>) => fetch(`${url}${path}`, { headers })
    const response = await ask('/a/x', { authorization: `Bearer ${token}`, cookie: 'a=1', 'x-gateway': 'evil' })
    t.equal(await response.text(), 'ok')
    const seen = upstream.requests.at(-1)
    const told = (name: string) => headerValues(seen, name)
    t.same(told('x-gateway'), ['tollgate'])
    t.same(told('cookie'), [])
    t.same(told('authorization'), ['Basic c2VydmljZQ=='], 'in the place of the token, which was stripped')
    t.same(told('x-real-ip'), ['127.0.0.1'])
    t.same(told('x-user'), ['alice by /a/*'])
    t.equal(told('x-auth-result').length, 1)
    const { headers } = response
    for (const name of ['server', 'x-powered-by', 'strict-transport-security']) t.equal(headers.get(name), null, name)
    t.equal(headers.get('x-request'), headers.get('x-request-id'))
    t.equal(headers.get('age'), '0')
    t.equal(headers.get('x-content-type-options'), 'nosniff')
    t.equal(headers.get('x-frame-options'), 'SAMEORIGIN', 'the upstream knows better')
    t.equal(headers.get('referrer-policy'), 'no-referrer')

    const open = await ask('/open', { 'x-user': 'root', x_user: 'root' })
    await open.arrayBuffer()
    t.same(headerValues(upstream.requests.at(-1), 'x-user'), [], 'nobody: and not what the client says')
    t.equal(open.headers.get('referrer-policy'), null)

    const body = 'Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-User: root\r\nx.gateway: root\r\nx-kept: 1\r\n\r\n'
    const head = `POST /open HTTP/1.1\r\nHost: a\r\nConnection: close, x-gateway\r\n${body}`
    t.equal(statusOf(await sendRaw(port, head, 5000)), 200)
    t.same(upstream.trailers.at(-1), transport === 'undici' ? [] : ['x-kept', '1'], 'no trailer says it')
    t.same(headerValues(upstream.requests.at(-1), 'x-gateway'), ['tollgate'], 'Connection takes nothing away')

    const forged = ['X-User: root', 'X.User: root']
    t.equal(statusOf(await handshakeHead(t, port, '/ws', [`Authorization: Bearer ${token}`, ...forged])), 101)
    t.match(sockets.handshakes.at(-1)?.headers, { 'x-user': 'alice', 'x-gateway': 'tollgate' })
    t.notOk(sockets.handshakes.at(-1)?.rawHeaders.includes('root'))
  }
})
