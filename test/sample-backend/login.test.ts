// Logging in, and the token that comes of it.
import type { FastifyInstance } from 'fastify'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import t from 'tap'

import { buildForTest } from './sample-server.ts'

const nowMs = 1_700_000_000_500
const clock = { now: () => nowMs }
const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }

interface LoginAnswer {
  readonly access_token: string
  readonly token_type: string
  readonly expires_in: number
}

async function logIn(app: FastifyInstance, username = 'alice', password = 'wonderland'): Promise<LoginAnswer> {
  const answer = await app.inject({ method: 'POST', url: '/login', payload: { username, password } })
  return answer.json<LoginAnswer>()
}

t.test('JSON and an HTML form both log in', async (t) => {
  const app = await buildForTest(t)
  const bodies = [
    [json, '{"username":"alice","password":"wonderland"}'],
    [{ 'content-type': 'application/json; charset=utf-8' }, '{"password":"wonderland","username":"alice","more":1}'],
    [form, 'username=alice&password=wonderland'],
    [form, 'grant_type=password&username=al%69ce&password=wonderland&scope=things%3Aread'],
  ] as const
  for (const [headers, payload] of bodies) {
    const answer = await app.inject({ method: 'POST', url: '/login', headers, payload })
    t.equal(answer.statusCode, 200, payload)
    t.equal(answer.headers['cache-control'], 'no-store')
    t.same(Object.keys(answer.json<object>()), ['access_token', 'token_type', 'expires_in'])
    t.match(answer.json(), { token_type: 'Bearer', expires_in: 900 })
  }
})

t.test('the token verifies against the published keys and says who, for whom, by whom and until when', async (t) => {
  const app = await buildForTest(t, { clock })
  const { access_token: token } = await logIn(app)
  const keySet = (await app.inject('/.well-known/jwks.json')).json<JSONWebKeySet>()
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(keySet), {
    issuer: 'http://127.0.0.1:3001',
    audience: 'sample-api',
    subject: 'alice',
    typ: 'at+jwt',
    algorithms: ['ES256'],
    currentDate: new Date(nowMs),
  })

  t.same(protectedHeader, { alg: 'ES256', typ: 'at+jwt', kid: keySet.keys[0]?.kid })
  const { jti, ...rest } = payload
  t.match(jti, /^[0-9a-f-]{36}$/)
  t.same(rest, {
    iss: 'http://127.0.0.1:3001',
    aud: 'sample-api',
    sub: 'alice',
    client_id: 'sample-page',
    iat: 1_700_000_000,
    exp: 1_700_000_900,
    auth_time: 1_700_000_000,
    scope: 'things:read things:write',
    'http://a.com': 'wonderland',
    displayName: 'Alice Liddell',
    department: 'Research',
    roles: ['admin', 'editor'],
  })
})

t.test('every login gives a token of its own', async (t) => {
  const app = await buildForTest(t, { clock })
  t.not((await logIn(app)).access_token, (await logIn(app)).access_token)
})

t.test('bob gets what the users file gives to bob', async (t) => {
  const app = await buildForTest(t)
  const { access_token: token } = await logIn(app, 'bob', 'builder')
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  t.match(claims, { sub: 'bob', scope: 'things:read', roles: ['viewer'], 'http://a.com': 'building-site' })
})

t.test('issuer, audience and lifetime are options', async (t) => {
  const options = { issuer: 'https://login.example/', audience: 'things', tokenLifetimeMs: 86_400_000, clock }
  const { access_token: token, expires_in } = await logIn(await buildForTest(t, options))
  t.equal(expires_in, 86_400)
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  t.match(claims, { iss: 'https://login.example/', aud: 'things', iat: 1_700_000_000, exp: 1_700_086_400 })
})

t.test('a token made before a restart verifies after it', async (t) => {
  const keysDirectory = t.testdir({})
  const { access_token: token } = await logIn(await buildForTest(t, { keysDirectory }))
  const restarted = await buildForTest(t, { keysDirectory })
  const keySet = (await restarted.inject('/.well-known/jwks.json')).json<JSONWebKeySet>()
  t.equal(decodeProtectedHeader(token).kid, keySet.keys[0]?.kid)
  await t.resolves(jwtVerify(token, createLocalJWKSet(keySet)))
})

t.test('an unknown user and a wrong password get the same answer', async (t) => {
  const app = await buildForTest(t)
  const attempt = async (username: string, password: string) => {
    const { statusCode, headers, body } = await app.inject({
      method: 'POST',
      url: '/login',
      payload: { username, password },
    })
    return { statusCode, headers: { ...headers, date: '' }, body }
  }
  const wrongPassword = await attempt('alice', 'builder')
  t.same(await attempt('nobody', 'builder'), wrongPassword)
  t.same(await attempt('toString', 'builder'), wrongPassword)
  t.same(await attempt('alice', 'wonderland '), wrongPassword)

  t.equal(wrongPassword.statusCode, 401)
  t.match(wrongPassword.headers, {
    'content-type': /^application\/problem\+json/,
    'cache-control': 'no-store',
    'www-authenticate': /^Bearer /,
  })
  t.same(JSON.parse(wrongPassword.body), {
    type: 'urn:tollgate-sample:credentials_wrong',
    title: 'The user name or the password is wrong',
    status: 401,
    code: 'credentials_wrong',
  })
})

t.test('a body without both, once, as text of a sane length is refused before any password is looked at', async (t) => {
  const app = await buildForTest(t)
  const long = 'x'.repeat(201)
  const cases = [
    [json, '{}', 400],
    [json, '[]', 400],
    [json, 'null', 400],
    [json, '"alice"', 400],
    [json, '{"username":"alice"}', 400],
    [json, '{"username":"","password":"wonderland"}', 400],
    [json, '{"username":"alice","password":["wonderland"]}', 400],
    [json, '{"username":{"$ne":""},"password":{"$ne":""}}', 400],
    [json, `{"username":"${long}","password":"x"}`, 400],
    [json, `{"username":"alice","password":"${long}"}`, 400],
    [json, '{"username":"alice","password":"wonder', 400],
    [json, '{"__proto__":{"username":"alice","password":"wonderland"}}', 400],
    [form, 'username=alice&username=bob&password=wonderland', 400],
    [form, 'username=alice', 400],
    [form, '', 400],
    [json, `{"username":"alice","password":"${'x'.repeat(5000)}"}`, 413],
    [{ 'content-type': 'text/plain' }, 'username=alice&password=wonderland', 415],
    [{}, 'username=alice&password=wonderland', 415],
  ] as const
  for (const [headers, payload, status] of cases) {
    const answer = await app.inject({ method: 'POST', url: '/login', headers, payload })
    t.equal(answer.statusCode, status, payload.slice(0, 60))
    t.match(answer.headers['content-type'], /^application\/problem\+json/)
    t.notMatch(answer.body, /alice|wonder/, 'nothing of the body comes back')
  }
})
