// What the login server tells a gateway about itself.
import { calculateJwkThumbprint, type JSONWebKeySet } from 'jose'
import t from 'tap'

import { buildForTest } from './sample-server.ts'

t.test('the discovery document names the issuer, the keys and the login', async (t) => {
  const answer = await (await buildForTest(t)).inject('/.well-known/openid-configuration')
  t.equal(answer.statusCode, 200)
  t.match(answer.headers['content-type'], /^application\/json/)
  t.match(answer.json(), {
    issuer: 'http://127.0.0.1:3001',
    jwks_uri: 'http://127.0.0.1:3001/.well-known/jwks.json',
    token_endpoint: 'http://127.0.0.1:3001/login',
    id_token_signing_alg_values_supported: ['ES256'],
    scopes_supported: ['things:read', 'things:write'],
  })
})

t.test('an issuer that ends with a slash keeps it, and its addresses have one', async (t) => {
  const app = await buildForTest(t, { issuer: 'https://login.example/' })
  t.match((await app.inject('/.well-known/openid-configuration')).json(), {
    issuer: 'https://login.example/',
    jwks_uri: 'https://login.example/.well-known/jwks.json',
  })
})

t.test('the key set holds one public ES256 key, may be cached, and is named by its thumbprint', async (t) => {
  const answer = await (await buildForTest(t)).inject('/.well-known/jwks.json')
  const { keys } = answer.json<JSONWebKeySet>()
  t.equal(answer.headers['content-type'], 'application/jwk-set+json; charset=utf-8')
  t.match(answer.headers['cache-control'], /max-age=\d+/)
  t.equal(keys.length, 1)
  const key = keys[0] ?? { kty: '' }
  t.same(Object.keys(key).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  t.equal(key.kid, await calculateJwkThumbprint(key))
})
