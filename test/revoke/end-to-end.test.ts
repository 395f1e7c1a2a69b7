import { writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'

import t from 'tap'

import { tokenIdOf } from '../../gateway/src/authenticate/token/token-id.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { runCli } from '../support/run-cli.ts'
import { createSigner, hmacIssuer, signHmac } from '../support/tokens.ts'
import { closeOf, openWebSocket, startWebSocketUpstream } from '../support/websocket.ts'
import { ADMIN_TOKEN, startWithAdmin } from './gateway.ts'

const OTHER = 'https://other.example.com/'

t.test('RV-1: a revoked token is refused in every spelling of its signature', async (t) => {
  const upstream = await startUpstream(t)
  const signer = await createSigner('ES256')
  const keys = { jwksFile: join(t.testdir(), 'keys.json') }
  writeFileSync(keys.jwksFile, JSON.stringify({ keys: [signer.jwk] }))
  const gateway = await startWithAdmin(t, upstream.url, { issuers: [hmacIssuer({ algorithms: ['ES256'], keys })] })
  const token = await signer.sign()
  t.equal(await gateway.call(token), '200')
  const { status, body } = await gateway.admin('POST', '/api/revocations', { token })
  t.match(
    { status, body },
    { status: 201, body: { stored: true, entries: [{ kind: 'token', value: tokenIdOf(token) }] } },
  )

  const at = token.lastIndexOf('.') + 1
  const signature = Buffer.from(token.slice(at), 'base64url')
  // ECDSA: (r, n-s) is as good a signature as (r, s).
  const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`)
  const mirrored = Buffer.concat([
    signature.subarray(0, 32),
    Buffer.from((n - s).toString(16).padStart(64, '0'), 'hex'),
  ])
  t.equal(await gateway.call(token), '401 token_revoked')
  t.equal(await gateway.call(token.slice(0, at) + mirrored.toString('base64url')), '401 token_revoked')
  for (const spelling of [`${token}=`, token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')])
    t.match(await gateway.call(spelling), /^401 /)
  t.equal(upstream.requests.length, 1)
})

t.test('RV-2: a jti, a session or a subject is blocked for its own issuer, and can be allowed again', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startWithAdmin(t, upstream.url)
  const claims = { jti: 'j1', sid: 's1', iat: 1_700_000_000 }
  const [ours, theirs] = [await signHmac(claims), await signHmac({ ...claims, iss: OTHER })]
  for (const what of [{ jti: 'j1' }, { sid: 's1' }, { sub: 'alice' }]) {
    const name = JSON.stringify(what)
    const { status, body } = await gateway.admin('POST', '/api/revocations', { ...what, issuer: 'main', until: '1h' })
    t.equal(status, 201, name)
    t.equal(await gateway.call(ours), '401 token_revoked', name)
    t.equal(await gateway.call(theirs), '200', name)
    t.equal((await gateway.admin('DELETE', `/api/revocations/${body.entries[0]?.id ?? ''}`)).status, 204)
    t.equal(await gateway.call(ours), '200', name)
  }
  await gateway.admin('POST', '/api/revocations', { sub: 'alice', issuer: OTHER })
  t.equal(await gateway.call(theirs), '401 token_revoked', 'the issuer by its iss')
  t.equal(
    await gateway.call(await signHmac({ iss: OTHER, iat: Math.floor(Date.now() / 1000) + 5, nbf: undefined })),
    '401 token_not_yet_valid',
  )
  const audit = gateway.lines.filter(
    ({ message }) => message === 'revocations added' || message === 'revocation removed',
  )
  t.equal(audit.length, 7)
  t.notMatch(JSON.stringify(audit), new RegExp(ours.slice(-20)))
})

t.test('what the admin API is asked is checked, and refused in plain words', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startWithAdmin(t, upstream.url, { revocation: { maxEntries: 3 } })
  const cases: [title: string, body: unknown, status: number, words: RegExp][] = [
    ['nothing', {}, 400, /exactly one of token, jti, sid, sub/],
    ['two things', { jti: 'a', sid: 'b', issuer: 'main' }, 400, /exactly one/],
    ['an unknown issuer', { jti: 'a', issuer: 'nobody' }, 400, /there are main, other/],
    ['no issuer where there are two', { jti: 'a' }, 400, /there are main, other/],
    ['an unknown field', { jti: 'a', issuer: 'main', kid: 'x' }, 400, /not known/],
    ['an empty value', { jti: '', issuer: 'main' }, 400, /not empty/],
    ['a number', { jti: 7, issuer: 'main' }, 400, /must be text/],
    ['an end in the past', { jti: 'a', issuer: 'main', until: 1000 }, 400, /a time to come/],
    ['an end that is none', { jti: 'a', issuer: 'main', until: 'soon' }, 400, /a time to come/],
    ['issuedBefore of a jti', { jti: 'a', issuer: 'main', issuedBefore: 5 }, 400, /goes with sub only/],
    ['a reason that only the gateway gives', { jti: 'a', issuer: 'main', reason: 'renewed' }, 400, /reason must be/],
    ['half a token', { token: 'eyJhbGciOiJIUzI1NiJ9.e30' }, 400, /two parts, wanted are three/],
    [
      'a token of nobody',
      { token: await signHmac({ iss: 'https://nobody.example.com/' }) },
      400,
      /no issuer of the config/,
    ],
    ['a list', [], 400, /JSON object/],
    ['a token that has ended', { token: await signHmac({ iat: 1000, exp: 2000 }) }, 200, /^$/],
    ['lines of which one is wrong', '{"jti":"a","issuer":"main"}\n{"jti":\n', 400, /line 2.*nothing was added/],
    ['more than fit', '{"jti":"a","issuer":"main"}\n'.repeat(4), 507, /full/],
    ['more than a MiB', { jti: 'x'.repeat(1_100_000), issuer: 'main' }, 413, /1 MiB/],
  ]
  for (const [title, body, status, words] of cases) {
    const answer = await gateway.admin('POST', '/api/revocations', body)
    t.equal(answer.status, status, title)
    t.match(answer.body.title ?? '', words, title)
  }
  t.equal((await gateway.admin('GET', '/api/revocations')).body.total, 0)
  t.equal((await gateway.admin('GET', '/api/revocations?limit=0')).status, 400)
  t.equal((await gateway.admin('DELETE', '/api/revocations/bm8')).status, 404)
})

t.test('without the admin token nobody reads or changes the list, whatever they send', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startWithAdmin(t, upstream.url)
  const locked = await startWithAdmin(t, upstream.url, { admin: { port: 0 } })
  const empty = await startWithAdmin(t, upstream.url, { admin: { port: 0, token: '' } })
  const body = JSON.stringify({ jti: 'a', issuer: 'main' })
  const tries: [Record<string, string>, string][] = [
    [{}, 'nothing'],
    [{ authorization: 'Bearer wrong' }, 'a wrong token'],
    [{ authorization: `Bearer ${ADMIN_TOKEN}x` }, 'one character more'],
    [{ authorization: `Bearer ${ADMIN_TOKEN.slice(1)}` }, 'one less'],
    [{ authorization: `Basic ${ADMIN_TOKEN}` }, 'another scheme'],
    [{ authorization: 'Bearer ' }, 'an empty token'],
  ]
  for (const [headers, title] of tries) {
    for (const [method, path] of [
      ['POST', ''],
      ['GET', ''],
      ['DELETE', '/anZ0'],
    ] as const) {
      const sent = {
        method,
        headers: { ...headers, 'content-type': 'application/json' },
        ...(method === 'POST' ? { body } : {}),
      }
      t.equal((await fetch(`${gateway.adminUrl}/api/revocations${path}`, sent)).status, 401, `${method} with ${title}`)
      t.equal(
        (await fetch(`${locked.adminUrl}/api/revocations${path}`, sent)).status,
        403,
        `${method}, none configured`,
      )
      t.equal(
        (await fetch(`${empty.adminUrl}/api/revocations${path}`, sent)).status,
        403,
        `${method}, an empty one configured`,
      )
    }
  }
  t.equal((await gateway.admin('GET', '/api/revocations')).body.total, 0)
})

t.test('log-out: the caller’s token is refused from then on, and the upstream hears nothing of it', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startWithAdmin(t, upstream.url, {
    cors: { origins: ['https://app.example.com'] },
    routes: [
      { path: '/x', upstream: 'up' },
      { path: '/logout', action: 'revoke', methods: ['POST'] },
    ],
  })
  const [token, neighbour] = [await signHmac({ jti: '1' }), await signHmac({ jti: '2' })]
  const headers = { authorization: `Bearer ${token}`, origin: 'https://app.example.com' }
  const response = await fetch(`${gateway.url}/logout`, { method: 'POST', headers, body: 'dropped' })
  t.equal(response.status, 204)
  t.equal(response.headers.get('cache-control'), 'no-store')
  t.equal(response.headers.get('access-control-allow-origin'), 'https://app.example.com')
  t.equal(await gateway.call(token), '401 token_revoked')
  t.equal(await gateway.call(neighbour), '200')
  t.equal((await fetch(`${gateway.url}/logout`, { method: 'POST', headers })).status, 204, 'also by another tab')
  t.equal((await fetch(`${gateway.url}/logout`, { method: 'POST' })).status, 401)
  t.equal((await fetch(`${gateway.url}/logout`, { headers })).status, 405)
  t.equal(upstream.requests.length, 1)
})

t.test(
  'an open WebSocket and an open event stream end at once when their token is revoked; others go on',
  async (t) => {
    const sockets = await startWebSocketUpstream(t)
    const events = await startUpstream(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
    })
    const gateway = await startWithAdmin(t, events.url, {
      upstreams: { up: { targets: [events.url] }, ws: { targets: [sockets.url] } },
      routes: [
        { path: '/*', upstream: 'up' },
        { path: '/ws', upstream: 'ws', websocket: true },
        { path: '/keep', upstream: 'ws', websocket: true, onExpiry: 'keep' },
      ],
    })
    const [token, neighbour] = [await signHmac({ jti: 'gone' }), await signHmac({ jti: 'stays' })]
    const bearer = (value: string) => ({ headers: { authorization: `Bearer ${value}` } })
    const { socket } = await openWebSocket(`${gateway.url}/ws`, [], bearer(token))
    const { socket: kept } = await openWebSocket(`${gateway.url}/keep`, [], bearer(token))
    const { socket: other } = await openWebSocket(`${gateway.url}/ws`, [], bearer(neighbour))
    const stream = await fetch(`${gateway.url}/events`, bearer(token))
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader()
    await reader.read()

    const closes = [closeOf(socket), closeOf(kept)]
    const streamEnd = reader.read()
    const startedAt = Date.now()
    await gateway.admin('POST', '/api/revocations', { jti: 'gone', issuer: 'main' })
    for (const close of await Promise.all(closes)) t.equal(close[0], 4401)
    t.equal((await streamEnd).done, true)
    t.ok(Date.now() - startedAt < 2000, `after ${Date.now() - startedAt} ms`)
    other.send('still here')
    const [echo] = (await once(other, 'message')) as [Buffer]
    t.equal(echo.toString(), 'still here')
    other.terminate()
  },
)

t.test('tollgate revoke: a token, a subject, a file, and what goes wrong', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startWithAdmin(t, upstream.url)
  const at = ['--admin', gateway.adminUrl, '--admin-token', ADMIN_TOKEN]
  const [token, second] = [await signHmac({ jti: '1' }), await signHmac({ jti: '2' })]
  t.match(await runCli('revoke', token, ...at), {
    code: 0,
    out: /^blocked: token \S{43} of https:\/\/issuer\.example\.com\/ until 20/,
  })
  t.equal(await gateway.call(token), '401 token_revoked')
  const file = join(t.testdir(), 'entries.jsonl')
  writeFileSync(file, `{"jti":"2","issuer":"main"}\n\n${'{"sid":"s","issuer":"other","until":"30d"}\n'.repeat(20_000)}`)
  const imported = await runCli('revoke', '--file', file, '--json', ...at)
  t.same([imported.code, JSON.parse(imported.out)], [0, { count: 20_001, stored: true }])
  t.equal(await gateway.call(second), '401 token_revoked')
  const json = await runCli('revoke', '--sub', 'bob', '--issuer', 'main', '--until', '1h', '--json', ...at)
  t.match(JSON.parse(json.out), { stored: true, entries: [{ kind: 'sub', value: 'bob' }] })
  t.match(await runCli('revoke', '--sub', 'bob', ...at), { code: 1, err: /^400 issuer must be/ })
  t.match(await runCli('revoke', '--sub', 'bob', '--admin', gateway.adminUrl, '--admin-token', 'x'), {
    code: 1,
    err: /TOLLGATE_ADMIN_TOKEN/,
  })
  t.match(await runCli('revoke', '--sub', 'bob', '--admin', 'http://127.0.0.1:1'), {
    code: 1,
    err: /no answer from http:\/\/127\.0\.0\.1:1/,
  })
  t.match(await runCli('revoke', '--file', '/nowhere', ...at), { code: 1, err: /cannot be read/ })
})

t.test('the list is told page by page, and counted in the metrics', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startWithAdmin(t, upstream.url)
  const lines = Array.from({ length: 500 }, (_, index) => JSON.stringify({ jti: `j${index}`, issuer: 'main' }))
  t.equal((await gateway.admin('POST', '/api/revocations', lines.join('\n'))).status, 201)
  const seen = new Set<string>()
  let path: string | undefined = '/api/revocations?limit=100'
  while (path !== undefined) {
    const { body } = await gateway.admin('GET', path)
    t.equal(body.total, 500)
    for (const { value } of body.entries) seen.add(value)
    path = typeof body.next === 'string' ? `/api/revocations?limit=100&after=${body.next}` : undefined
  }
  t.equal(seen.size, 500)
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text()
  for (const line of [
    'tollgate_revocations{kind="jti"} 500',
    'tollgate_revocations{kind="sub"} 0',
    'tollgate_revocation_store_up{store="memory"} 1',
  ])
    t.ok(metrics.includes(`${line}\n`), line)
})
