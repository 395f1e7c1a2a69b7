// Configs with a secret in each place that may hold one.

export const SECRET = 'zq7-not-to-be-told'

export const routes = [{ path: '/*', upstream: 'up' }]
export const upstreams = { up: { targets: ['http://127.0.0.1:1'] } }
export const issuer = (keys: object, renewal?: object) => ({
  issuers: [{ name: 'a', issuer: 'https://i.example.com', algorithms: ['HS256'], keys, ...(renewal && { renewal }) }],
})
export const renewal = (more: object) => ({
  strategy: 'ahead',
  window: '1m',
  lifetime: '5m',
  maxSession: '8h',
  ...more,
})
const secret = { value: SECRET, encoding: 'utf8' }
export const url = { jwksUrl: 'https://i.example.com/k' }

/** Each option that may hold a secret, with one in it. */
export const KINDS: Record<string, Record<string, unknown>> = {
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
export const ADDRESSES: Readonly<Record<string, Record<string, unknown>>> = {
  'query of jwksUrl': issuer({ jwksUrl: `https://i.example.com/keys?key=${SECRET}#x` }),
  'user of jwksUrl': issuer({ jwksUrl: `https://${SECRET}@i.example.com/keys` }),
  'password of an endpoint': issuer(url, renewal({ endpoint: `https://u:${SECRET}@i.example.com/renew?t=${SECRET}` })),
  'query of a path': {
    upstreams: { up: { targets: ['http://127.0.0.1:1'], health: { path: `/healthz?key=${SECRET}` } } },
  },
  'password of a target': { upstreams: { up: { targets: [`http://u:${SECRET}@127.0.0.1:1`] } } },
}
