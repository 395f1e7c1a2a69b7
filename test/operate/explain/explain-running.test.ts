// What explain says when a gateway runs: by the keys, the block list and the counts that this gateway has.
import t from 'tap'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'

import {
  ADMIN_TOKEN,
  configText,
  countsOf,
  HMAC,
  post,
  startIssuer,
  startWith,
  statusOf,
} from '../../support/explaining-gateway.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { runCli } from '../../support/run-cli.ts'
import { createSigner, goodClaims, ISSUER, nowSec, SECRET, signHmac, signText } from '../../support/tokens.ts'

t.test('a token that is revoked in the running gateway', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startWith(t, configText(upstream.url, HMAC))
  const at = gateway.adminUrl.replace('http://', '')
  const claims = { sub: 'al', iss: 'i', aud: 'a', iat: 1, exp: 4000000000 }
  const token = signText('{"alg":"HS256"}', JSON.stringify(claims))

  const before = await gateway.explain(token)
  t.equal(before.code, 0)
  t.match(before.out, /ok +revocation\n/, 'known, and not blocked')
  t.equal((await post(gateway, '/api/revocations', { token })).status, 201)

  const { code, out } = await gateway.explain(token)
  t.equal(code, 1)
  t.equal(
    out,
    `GET /api/x
  asked         the running gateway at ${at}
  route         /api/* to upstream up, auth: required
  token         header authorization
  header        {"alg":"HS256"}
  claims        {"sub":"al","iss":"i","aud":"a","iat":1,"exp":4000000000}
  ok   request
  ok   token         found in header authorization
  ok   origin
  ok   limit
  ok   shape         three parts of base64url, ${token.length} characters
  ok   issuer        main
  ok   algorithm     HS256
  ok   claims        exp there, aud not looked at
  ok   time          it expires 2096-10-02T07:06:40.000Z
  ok   key           no kid: one of the keys that fit
  ok   signature
  ok   result
  FAIL revocation    it was revoked (blocked by its token)
  -    requirements  not reached
  client sees   401 token_revoked
                WWW-Authenticate: Bearer realm="tollgate", error="invalid_token", error_description="The token has been revoked"
`,
  )
  t.match(JSON.parse((await gateway.explain(token, '--json')).out), {
    asked: { running: true, text: `the running gateway at ${at}` },
    verdict: 'refused',
    passes: false,
    answer: { status: 401, code: 'token_revoked' },
  })
  const online = await gateway.explain(token, '--online')
  t.match(online, { code: 0, out: /asked +nobody: keys fetched as a start would \(--online\)/ })
  t.match(online.out, /\? +revocation +not known/, 'a start has an empty list')
  t.match(await gateway.explain(token, '--offline'), { code: 3, out: /asked +nobody, and nothing is fetched/ })

  writeFileSync(gateway.file, configText(upstream.url, HMAC, 'limits: { tokenBytes: 100B }\n'))
  const other = await gateway.explain(token)
  t.match(
    other.out,
    /running gateway at \S+, whose config is not the one in .*c\.yaml/,
    'a file that was changed since',
  )
  t.match(other.out, /401 token_revoked/)
  t.notOk(gateway.output().includes(token.slice(0, 40)), 'nothing of the token is logged')
})

t.test('keys as the running gateway has them, and would fetch them', async (t) => {
  const upstream = await startUpstream(t)
  const [first, second, third] = [
    await createSigner('ES256', 'a'),
    await createSigner('ES256', 'b'),
    await createSigner('ES256', 'c'),
  ]
  const issuer = await startIssuer(t, first)
  const keys = `[{ name: main, issuer: ${ISSUER}, audiences: [api], algorithms: [ES256], keys: { jwksUrl: '${issuer.url}', cooldown: 1h } }]`
  const gateway = await startWith(t, configText(upstream.url, keys))
  t.equal(issuer.fetches, 1)
  const [ofFirst, ofSecond] = [await first.sign(), await second.sign()]

  issuer.keys = []
  t.match(await gateway.explain(ofFirst), { code: 0, out: /ok +signature/ }, 'the issuer is down, the keys are here')
  t.match(await gateway.explain(ofFirst, '--online'), { code: 1, out: /503 keys_unavailable/ })
  issuer.fetches = 0
  t.match(await gateway.explain(ofSecond), { code: 1, out: /401 key_unknown/ }, 'fetched in vain')
  t.equal(issuer.fetches, 1, 'a request would have them fetched, and so does the question')

  issuer.keys = [second]
  const counts = await countsOf(gateway)
  t.match(await gateway.explain(ofSecond), { code: 0, out: /ok +key +kid "b"/ }, 'rotated, and not known here yet')
  t.match(await gateway.explain(ofFirst), { code: 0, out: /ok +key +kid "a"/ }, 'which changes nothing')
  t.equal(await countsOf(gateway), counts, 'no count moves, and no key')
  t.equal(await statusOf(gateway, ofSecond), 200, 'and a request has the one fetch of the cooldown still to itself')
  t.match(
    await gateway.explain(ofFirst),
    { code: 1, out: /key "a" with ES256, .* it has "b"/ },
    'now the key is withdrawn',
  )

  issuer.keys = [third]
  issuer.fetches = 0
  const ofThird = await third.sign()
  const stale = await gateway.explain(await first.sign({}, { kid: 'z' }))
  t.match(stale, { code: 1, out: /401 key_unknown/ })
  const [status, said] = [await statusOf(gateway, ofThird), await gateway.explain(ofThird)]
  t.equal(said.code, status === 200 ? 0 : 1, 'and what the cooldown keeps a request from, it keeps explain from')
})

t.test('with workers one of them is asked, and numbers keep their digits', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startWith(t, configText(upstream.url, HMAC, 'workers: 2\n'))
  const token = signText('{"alg":"HS256"}', '{"sub":"al","exp":4000000000,"id":12345678901234567890}')
  t.match(await gateway.explain(token), { code: 0, out: /the running gateway at .*\n[^]*"id":12345678901234567890/ })
  t.equal((await post(gateway, '/api/revocations', { token })).status, 201)
  t.match(await gateway.explain(token), { code: 1, out: /401 token_revoked/ })
  t.match(await gateway.explain('junk'), { code: 1, out: /401 token_malformed/ })
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => post(gateway, '/api/explain', { method: 'GET', target: '/api/x' })),
  )
  t.same(
    answers.map(({ status }) => status),
    Array(8).fill(200),
  )
})

t.test('what the gateway counts and keeps is read, and never changed', async (t) => {
  const upstream = await startUpstream(t)
  const renewal = `{ window: 1h, lifetime: 2h, maxSession: 12h, overlap: 2s, onReuse: revoke-session, signingKey: { alg: HS256, secret: { value: "${SECRET}" } } }`
  const issuers = `[{ name: main, issuer: ${ISSUER}, audiences: [api], algorithms: [HS256], keys: { secret: { value: "${SECRET}" } }, renewal: ${renewal} }]`
  const gateway = await startWith(
    t,
    configText(upstream.url, issuers, 'limits: { authFailures: { max: 3, per: 1h } }\n'),
  )
  const due = await signHmac(goodClaims({ iat: nowSec() - 10, exp: nowSec() + 600 }))
  const bad = await signHmac(goodClaims(), {}, 'another-secret-of-at-least-thirty-two-bytes')

  const first = await fetch(`${gateway.url}/api/x`, { headers: { authorization: `Bearer ${due}` } })
  const successor = first.headers.get('x-renewed-token') ?? ''
  t.not(successor, '')
  const fresh = await countsOf(gateway)
  const listed = async () =>
    (await fetch(`${gateway.adminUrl}/api/revocations`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).text()
  const list = await listed()

  t.match(await gateway.explain(due), { code: 0, out: /renewal +yes: within the window/ })
  t.match(await gateway.explain(successor), { code: 0 }, 'is no use of it')
  t.match(await gateway.explain(due), { code: 0 }, 'so that the first is not retired')
  for (let round = 0; round < 5; round += 1)
    t.match(await gateway.explain(bad, '--client', '127.0.0.1'), { code: 1, out: /401 signature_invalid/ })
  t.equal(await countsOf(gateway), fresh)
  t.equal(await listed(), list)

  t.equal(await statusOf(gateway, successor), 200)
  let retired = await gateway.explain(due)
  while (retired.code === 0) retired = await gateway.explain(due)
  t.match(retired.out, /it was renewed, and its successor is in use/, 'after the overlap')
  t.equal(
    await statusOf(gateway, successor),
    200,
    'explaining a retired token is no reuse, which would end the session',
  )

  for (let round = 0; round < 3; round += 1) t.equal(await statusOf(gateway, bad), 401)
  t.match(await gateway.explain(bad, '--client', '127.0.0.1'), { code: 1, out: /FAIL limit [^]*429 rate_limited/ })
  t.match(await gateway.explain(successor, '--client', '127.0.0.1'), { code: 0, out: /ok +limit/ }, 'known before')
  t.match(await gateway.explain(bad, '--client', '192.0.2.7'), { code: 1, out: /ok +limit[^]*signature_invalid/ })
  t.match(await gateway.explain(bad), { code: 1, out: /\? +limit +not known: .*\(--client\)[^]*signature_invalid/ })
})

t.test('who is not told anything hears why, and what was done instead', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startWith(t, configText(upstream.url, HMAC))
  const token = await signHmac()
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  const junk = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('{"hello":1}')
  }).listen(0, '127.0.0.1')
  t.teardown(() => junk.close())
  await once(junk, 'listening')
  const another = `http://127.0.0.1:${(junk.address() as AddressInfo).port}`

  for (const [title, argv, why] of [
    ['a wrong token', ['--admin-token', 'wrong'], /gateway at \S+ does not tell: 401 This needs .*\(--admin-token, or/],
    ['no token', ['--admin-token', ''], /was not asked, as admin\.token is not set/],
    ['nobody', ['--admin', `http://127.0.0.1:${port}`], /no gateway answers at 127\.0\.0\.1:\d+/],
    ['another service', ['--admin', another], /explains nothing \(404\): no gateway, or an older one/],
  ] as const) {
    const told = await gateway.explain(token, ...argv)
    t.match(told, { code: 0, out: why }, title)
    t.match(told.out, /asked .*: keys fetched as a start would\n/, title)
    const strict = await gateway.explain(token, '--running', ...argv)
    t.match(strict, { code: 1, out: '', err: why }, `${title}, --running`)
  }
  const byConfig = await runCli('explain', 'GET', '/api/x', '-c', gateway.file, '-t', token)
  t.match(byConfig.out, /asked +admin\.port is 0, .*: keys fetched as a start would/)
  t.match(await gateway.explain(token, '--admin', 'nowhere'), { code: 2, err: /--admin is no URL/ })
  t.match(await gateway.explain(token, '--client', 'me'), { code: 2, err: /--client me is no IP address/ })
  t.match(await gateway.explain(token, '--running', '--offline'), { code: 2 })
  const warned = gateway
    .output()
    .split('\n')
    .filter((line) => line.includes('no or wrong admin token'))
  t.equal(warned.length, 2, 'in the log')
  t.notOk(gateway.output().includes(token.slice(-20)))
})
