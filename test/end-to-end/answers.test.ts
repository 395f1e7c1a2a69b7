import t from 'tap'

import { authResultOf, headerValues, startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'

async function start(t: Parameters<typeof startTestGateway>[0], config: Record<string, unknown>) {
  const upstream = await startUpstream(t)
  const gateway = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    ...config,
  })
  return { upstream, ...gateway }
}

t.test('a refusal says why, in body, challenge and header, with the request’s id', async (t) => {
  const routes = [{ path: '/*', upstream: 'up', require: { scopes: { all: ['things:read'], any: ['a', 'b'] } } }]
  const { url } = await start(t, { routes, errors: { realm: 'shop' } })
  const expired = await signHmac({ iat: 1000, exp: 2000 })
  const cases: readonly [string | undefined, number, string, string][] = [
    [undefined, 401, 'token_missing', 'Bearer realm="shop"'],
    [
      expired,
      401,
      'token_expired',
      'Bearer realm="shop", error="invalid_token", error_description="The token has expired"',
    ],
    [
      await signHmac(),
      403,
      'scope_missing',
      'Bearer realm="shop", error="insufficient_scope", error_description="The token lacks a scope that is needed here", scope="things:read a b"',
    ],
  ]
  for (const [token, status, code, challenge] of cases) {
    const response = await fetch(url, {
      headers: { 'x-request-id': 'abc.1', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    })
    t.equal(response.status, status)
    t.equal(response.headers.get('www-authenticate'), challenge)
    t.equal(response.headers.get('x-tollgate'), code)
    t.equal(response.headers.get('x-request-id'), 'abc.1')
    t.equal(response.headers.get('cache-control'), 'no-store')
    t.equal(response.headers.get('content-type'), 'application/problem+json')
    t.match(await response.json(), { type: `urn:tollgate:${code}`, title: String, status, code, requestId: 'abc.1' })
  }
})

t.test('errors.detail false hides why, and keeps what a client needs to act', async (t) => {
  const { url, lines } = await start(t, {
    routes: [{ path: '/*', upstream: 'up', require: { scopes: { all: ['secret:scope'] } } }],
    errors: { detail: false },
  })
  for (const [token, status, code] of [
    [await signHmac({ iat: 1, exp: 2 }), 401, 'unauthorized'],
    [await signHmac(), 403, 'forbidden'],
  ] as const) {
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    const text = `${JSON.stringify(Object.fromEntries(response.headers))}${await response.text()}`
    t.equal(response.status, status)
    t.equal(response.headers.get('x-tollgate'), code)
    t.match(response.headers.get('www-authenticate'), /^Bearer realm="tollgate", error="[a-z_]+"$/)
    t.notMatch(text, /expired|scope_missing|secret:scope/)
  }
  t.ok(
    lines.some(({ code, detail }) => code === 'token_expired' && /expired/.test(String(detail))),
    'the log says why',
  )
})

t.test('a request id that is none is replaced, never echoed', async (t) => {
  const { url, upstream } = await start(t, { routes: [{ path: '/*', upstream: 'up', auth: 'none' }] })
  for (const id of ['a b', '<script>', 'x'.repeat(129), '"']) {
    const response = await fetch(url, { headers: { 'x-request-id': id } })
    t.match(response.headers.get('x-request-id'), /^[\w.-]{1,64}$/)
    t.not(response.headers.get('x-request-id'), id)
    t.same(headerValues(upstream.requests.at(-1), 'x-request-id'), [response.headers.get('x-request-id')])
  }
})

t.test('report-only forwards what it would refuse as anonymous, and counts it', async (t) => {
  const { url, upstream, gateway } = await start(t, {
    routes: [{ path: '/*', upstream: 'up', auth: 'report-only', require: { scopes: { all: ['a'] } } }],
  })
  for (const token of [undefined, 'junk', await signHmac({ iat: 1, exp: 2 }), await signHmac()]) {
    const response = await fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
    t.equal(response.status, 200)
    t.same(authResultOf(upstream.requests.at(-1)), { authenticated: false })
  }
  await fetch(url, { headers: { authorization: `Bearer ${await signHmac({ scope: 'a' })}` } })
  t.match(authResultOf(upstream.requests.at(-1)), { authenticated: true, subject: 'alice' })
  const metrics = await gateway.metrics.text()
  for (const code of ['token_missing', 'token_malformed', 'token_expired', 'scope_missing']) {
    t.match(metrics, `tollgate_decisions_total{route="/*",code="${code}",enforced="false"} 1`)
  }
  t.match(metrics, 'tollgate_decisions_total{route="/*",code="accepted",enforced="true"} 1')
})

t.test('an optional route lets callers without token in, and tells the upstream', async (t) => {
  const { url, upstream } = await start(t, {
    routes: [{ path: '/*', upstream: 'up', auth: 'optional', require: { scopes: { all: ['a'] } } }],
  })
  t.equal((await fetch(url)).status, 200)
  t.same(authResultOf(upstream.requests.at(-1)), { authenticated: false })
  t.equal((await fetch(url, { headers: { authorization: `Bearer ${await signHmac()}` } })).status, 403)
  t.equal((await fetch(url, { headers: { authorization: `Bearer ${await signHmac({ scope: 'a' })}` } })).status, 200)
})

t.test('the claims format sends the claims alone, under the configured name', async (t) => {
  const authResult = {
    header: 'X-Apigateway-Api-Userinfo',
    format: 'claims',
    claims: ['sub', 'http://a.com', 'missing'],
  }
  const { url, upstream } = await start(t, { routes: [{ path: '/*', upstream: 'up', auth: 'optional' }], authResult })
  const evil = { x_apigateway_api_userinfo: 'evil', 'X-APIGATEWAY-API-USERINFO': 'evil' }
  await fetch(url, {
    headers: { ...evil, authorization: `Bearer ${await signHmac({ 'http://a.com': true, name: 'hidden' })}` },
  })
  t.same(authResultOf(upstream.requests.at(-1), 'x-apigateway-api-userinfo'), { sub: 'alice', 'http://a.com': true })
  await fetch(url, { headers: evil })
  t.same(headerValues(upstream.requests.at(-1), 'x-apigateway-api-userinfo'), [], 'it cannot say that nobody calls')
})

t.test('the auth result is base64url without padding of UTF-8 JSON, whatever the claims hold', async (t) => {
  const { url, upstream } = await start(t, { routes: [{ path: '/*', upstream: 'up' }] })
  for (const name of ['', 'a', 'ab', 'abc', 'Zoë', '😀 non-BMP', 'zero\u0000', '"</script>', '\ud800 lone']) {
    await fetch(url, { headers: { authorization: `Bearer ${await signHmac({ name })}` } })
    const [value = ''] = headerValues(upstream.requests.at(-1), 'x-auth-result')
    t.match(value, /^[A-Za-z0-9_-]+$/)
    t.same(Buffer.from(value, 'base64url').toString('base64url'), value)
    t.equal((authResultOf(upstream.requests.at(-1))?.['claims'] as { name: string }).name, name)
  }
})

t.test('tokens are found in every configured location, and stripped when that is wanted', async (t) => {
  const from = [
    { header: 'authorization', scheme: 'Bearer' },
    { header: 'x-token' },
    { cookie: 'access_token' },
    { query: 'access_token' },
  ]
  const token = await signHmac()
  const locations: readonly [string, Record<string, string>][] = [
    ['/x?a=1', { authorization: `Bearer ${token}` }],
    ['/x?a=1', { 'x-token': token }],
    ['/x?a=1', { cookie: `a=1; access_token=${token}; b=2` }],
    [`/x?a=1&access_token=${token}`, {}],
  ]
  for (const forward of ['keep', 'strip']) {
    const { url, upstream, lines } = await start(t, {
      routes: [{ path: '/*', upstream: 'up' }],
      tokens: { from, forward },
    })
    for (const [path, headers] of locations) {
      t.equal((await fetch(url + path, { headers })).status, 200)
      const seen = upstream.requests.at(-1)
      t.equal(seen?.url, '/x?a=1', 'a query never goes on with the token')
      const kept = [
        ...headerValues(seen, 'authorization'),
        ...headerValues(seen, 'x-token'),
        ...headerValues(seen, 'cookie'),
      ].join()
      t.equal(kept.includes(token), forward === 'keep' && path === '/x?a=1')
      if ('cookie' in headers) t.match(kept, forward === 'keep' ? /a=1;.*b=2/ : 'a=1; b=2')
    }
    t.equal(
      (await fetch(`${url}/x?access_token=${token}`, { headers: { authorization: `Bearer ${token}` } })).status,
      400,
    )
    t.notOk(JSON.stringify(lines).includes(token), 'no token in the log')
  }
})

t.test('an issuer whose keys cannot be had is 503 with Retry-After, not ready, and recovers by itself', async (t) => {
  let up = false
  const retries: (() => void)[] = []
  const upstream = await startUpstream(t)
  const { jwk, sign } = await (await import('../support/tokens.ts')).createSigner('ES256', 'k')
  const { url, gateway } = await startTestGateway(
    t,
    {
      issuers: [
        {
          name: 'remote',
          issuer: 'https://issuer.example.com/',
          algorithms: ['ES256'],
          keys: { jwksUrl: 'https://issuer.example.com/jwks' },
        },
      ],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
    },
    {
      // The listener looks at its connections each second: the retries are what comes earlier or later.
      schedule: (ms, run) => (ms === 1000 || retries.push(run), () => undefined),
      fetchJson: () =>
        up ? Promise.resolve({ json: { keys: [jwk] }, maxAgeSec: undefined }) : Promise.reject(new Error('refused')),
    },
  )
  const get = async () => fetch(url, { headers: { authorization: `Bearer ${await sign()}` } })
  const refused = await get()
  t.equal(refused.status, 503)
  t.equal(refused.headers.get('retry-after'), '5')
  t.equal(refused.headers.get('www-authenticate'), null)
  t.match(await refused.json(), { code: 'keys_unavailable' })
  t.match(gateway.readiness().notReady, [{ part: 'keys of issuer remote', reason: 'refused' }])
  up = true
  retries.at(-1)?.()
  await new Promise((resolve) => setImmediate(resolve))
  t.equal((await get()).status, 200)
  t.same(gateway.readiness().notReady, [])
})

t.test(
  'a preflight is answered at the gateway without token; other answers carry what the page may read',
  async (t) => {
    const cors = { origins: ['https://app.example.com'], credentials: true, exposed: ['x-total'] }
    const { url, upstream } = await start(t, {
      routes: [
        { path: '/cors/*', upstream: 'up', cors, methods: ['GET', 'OPTIONS'] },
        { path: '/plain/*', upstream: 'up' },
      ],
    })
    const origin = 'https://app.example.com'
    const preflight = (path: string, from: string) =>
      fetch(url + path, {
        method: 'OPTIONS',
        headers: { origin: from, 'access-control-request-method': 'GET', 'x-auth-result': 'evil' },
      })
    const allowed = await preflight('/cors/x', origin)
    t.equal(allowed.status, 204)
    t.equal(allowed.headers.get('access-control-allow-origin'), origin)
    t.equal(allowed.headers.get('access-control-allow-credentials'), 'true')
    t.equal(allowed.headers.get('x-tollgate'), 'cors_preflight')
    t.equal((await preflight('/cors/x', 'https://evil.example.com')).headers.get('access-control-allow-origin'), null)
    t.equal((await preflight('/plain/x', origin)).status, 401, 'no cors, no answer without token')
    t.equal(upstream.requests.length, 0)

    const refused = await fetch(`${url}/cors/x`, { headers: { origin } })
    t.equal(refused.status, 401)
    t.equal(refused.headers.get('access-control-allow-origin'), origin, 'the page may read why')
    const served = await fetch(`${url}/cors/x`, { headers: { origin, authorization: `Bearer ${await signHmac()}` } })
    t.equal(served.status, 200)
    t.equal(served.headers.get('access-control-allow-origin'), origin)
    t.equal(served.headers.get('access-control-expose-headers'), 'x-total')
    t.match(served.headers.get('vary'), /Origin/)
    const options = await fetch(`${url}/cors/x`, {
      method: 'OPTIONS',
      headers: { authorization: `Bearer ${await signHmac()}` },
    })
    t.equal(options.status, 200, 'an OPTIONS request that is no preflight is the upstream’s')
  },
)
