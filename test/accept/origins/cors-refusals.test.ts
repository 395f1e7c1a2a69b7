// What pages may read of refusals: those of the policy that covers the path, whatever is wrong with the request.
import t, { type Test } from 'tap'

import { APP, EVIL, READERS, startCorsGateway as start } from '../../support/cors-gateway.ts'
import { signHmac } from '../../support/tokens.ts'

/** Each kind of refusal on a path that a policy covers; by which policy is said in `cors`. */
async function refusals(t: Test, where: 'everywhere' | 'route') {
  const { send, upstream } = await start(t, {
    limits: { headerBytes: '4KiB', bodyBytes: '1KiB', authFailures: { max: 1000, per: '1m' } },
    ...(where === 'everywhere' ? { cors: READERS } : {}),
    routes: [
      {
        path: '/things/*',
        upstream: 'up',
        methods: ['GET', 'PUT'],
        ...(where === 'everywhere' ? {} : { cors: READERS }),
        require: { scopes: { all: ['things:read'] } },
      },
      {
        path: '/open/*',
        upstream: 'up',
        auth: 'none',
        ...(where === 'everywhere' ? {} : { cors: READERS }),
      },
    ],
  })
  const bearer = { authorization: `Bearer ${await signHmac()}` }
  const large = { 'content-length': '2000' }
  const cases: readonly (readonly [
    status: number,
    code: string,
    method: string,
    path: string,
    headers: Record<string, string>,
  ])[] = [
    [400, 'path_unsafe', 'GET', '/things/../x', {}],
    [400, 'path_unsafe', 'GET', '/things/a%00b', {}],
    [400, 'token_ambiguous', 'GET', '/things/1', { ...bearer, Authorization: 'Bearer x' }],
    [401, 'token_missing', 'GET', '/things/1', {}],
    [401, 'token_malformed', 'GET', '/things/1', { authorization: 'Bearer x' }],
    [403, 'scope_missing', 'GET', '/things/1', bearer],
    [405, 'method_not_allowed', 'POST', '/things/1', {}],
    [405, 'method_not_allowed', 'DELETE', '/things/1', bearer],
    [413, 'body_too_large', 'PUT', '/open/1', large],
    [431, 'headers_too_large', 'GET', '/things/1', { 'x-large': 'x'.repeat(8000) }],
    [400, 'request_invalid', 'GET', '/things/1', { 'x-broken\x00': 'x' }],
    [400, 'request_invalid', 'GET', '/open/1', { upgrade: 'websocket' }],
    ...(where === 'everywhere'
      ? ([
          [404, 'route_not_found', 'GET', '/nowhere', {}],
          [404, 'route_not_found', 'DELETE', '/nowhere', bearer],
          [400, 'path_unsafe', 'GET', '/nowhere/../x', {}],
          [431, 'headers_too_large', 'GET', '/nowhere', { 'x-large': 'x'.repeat(8000) }],
        ] as const)
      : []),
  ]
  for (const [status, code, method, path, headers] of cases) {
    const name = `${where}: ${status} ${code} ${method} ${path}`
    const answer = await send(method, path, { origin: APP, ...headers })
    t.equal(answer.status, status, name)
    t.equal(answer.code, code, name)
    t.same(answer.fields['access-control-allow-origin'], [APP], name)
    t.same(answer.fields['vary'], ['Origin'], name)
    t.same(answer.fields['access-control-expose-headers']?.length, 1, name)
    const foreign = await send(method, path, { origin: EVIL, ...headers })
    t.equal(foreign.code, code, name)
    t.same(foreign.fields['access-control-allow-origin'], undefined, name)
  }
  t.same(upstream.requests, [], 'what is refused reaches no upstream')
}

t.test('every refusal can be read by the pages of the policy that covers its path, and by no others', async (t) => {
  await refusals(t, 'everywhere')
  await refusals(t, 'route')
})

t.test('where no policy covers the path, no refusal says anything of origins', async (t) => {
  const { send, preflight } = await start(t, {
    limits: { headerBytes: '4KiB' },
    routes: [
      { path: '/things/*', upstream: 'up', methods: ['GET'], cors: READERS },
      { path: '/plain/*', upstream: 'up', methods: ['GET'] },
    ],
  })
  for (const [method, path, headers] of [
    ['GET', '/nowhere', {}],
    ['GET', '/plain/1', {}],
    ['POST', '/plain/1', {}],
    ['GET', '/plain/../x', {}],
    ['GET', '/plain/1', { 'x-large': 'x'.repeat(8000) }],
    ['GET', '/nowhere', { 'x-large': 'x'.repeat(8000) }],
  ] as const) {
    const { fields, status } = await send(method, path, { origin: APP, ...headers })
    t.ok(status >= 400, `${status} ${method} ${path}`)
    t.same(
      Object.keys(fields).filter((name) => name.startsWith('access-control') || name === 'vary'),
      [],
      `${method} ${path}`,
    )
  }
  t.equal((await preflight('/nowhere', 'GET', APP)).code, 'route_not_found')
})
