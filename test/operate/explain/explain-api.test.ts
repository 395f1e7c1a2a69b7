// POST /api/explain of the admin listener: what it takes, and how many questions at once.
import t from 'tap'

import { eventually } from '../../support/eventually.ts'
import { configText, HMAC, post, startIssuer, startWith, statusOf } from '../../support/explaining-gateway.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { createSigner, ISSUER, nowSec, signHmac } from '../../support/tokens.ts'

t.test('bodies that are no question, and too large ones', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startWith(t, configText(upstream.url, HMAC))
  const token = await signHmac()
  const good = { method: 'GET', target: '/api/x', headers: { authorization: `Bearer ${token}` } }

  for (const [title, body, status, code, headers] of [
    ['good', good, 200, undefined, {}],
    ['at a time', { ...good, at: nowSec() + 86_400 }, 200, undefined, {}],
    ['256 KiB', { ...good, headers: { x: 'y'.repeat(262_144) } }, 413, 'body_too_large', {}],
    ['no JSON', '{', 400, 'body_invalid', {}],
    ['no object', '[]', 400, 'question_invalid', {}],
    ['null', 'null', 400, 'question_invalid', {}],
    ['no JSON type', '<x/>', 415, 'body_invalid', { 'content-type': 'application/xml' }],
    ['text', '{}', 415, 'body_invalid', { 'content-type': 'text/plain' }],
    ['lines', '{}', 400, 'question_invalid', { 'content-type': 'application/x-ndjson' }],
    ['an unknown field', { ...good, token }, 400, 'question_invalid', {}],
    ['no method', { target: '/' }, 400, 'question_invalid', {}],
    ['another method', { ...good, method: 'GTE' }, 400, 'question_invalid', {}],
    ['no target', { method: 'GET' }, 400, 'question_invalid', {}],
    ['headers in a list', { ...good, headers: [token] }, 400, 'question_invalid', {}],
    ['a header that is none', { ...good, headers: { 'a b': token } }, 400, 'question_invalid', {}],
    ['a line break', { ...good, headers: { authorization: `${token}\r\nx: y` } }, 400, 'question_invalid', {}],
    ['a name twice', { ...good, headers: { A: '1', a: '2' } }, 400, 'question_invalid', {}],
    ['a number', { ...good, headers: { a: 1 } }, 400, 'question_invalid', {}],
    ['__proto__', `{"method":"GET","target":"/","headers":{"__proto__":{"a":"b"}}}`, 400, 'body_invalid', {}],
    ['no time', { ...good, at: 'soon' }, 400, 'question_invalid', {}],
    ['no address', { ...good, client: 'me' }, 400, 'question_invalid', {}],
    ['wrong token', good, 401, 'admin_token_invalid', { authorization: 'Bearer wrong' }],
    ['no token', good, 401, 'admin_token_invalid', { authorization: '' }],
    ['a target that is none', { ...good, target: '\u0000 \r\nx' }, 200, undefined, {}],
  ] as const) {
    const response = await post(gateway, '/api/explain', body, headers)
    const text = await response.text()
    t.equal(response.status, status, `${title}: ${text.slice(0, 200)}`)
    t.equal(response.headers.get('x-tollgate') ?? undefined, code, title)
    t.equal(status === 200 || !text.includes(token), true, `${title}: what was sent is not repeated`)
    if (status === 200) t.equal(response.headers.get('cache-control'), 'no-store')
  }
  t.equal((await fetch(`${gateway.adminUrl}/api/explain`)).status, 404)

  t.equal(await statusOf(gateway, token), 200)
  t.notOk(gateway.output().includes(token.slice(-20)), 'no token in the log')
})

t.test('of many questions at once some wait, and the others are told to come again', async (t) => {
  const upstream = await startUpstream(t)
  const signer = await createSigner('ES256', 'a')
  const issuer = await startIssuer(t, signer)
  const keys = `[{ name: main, issuer: ${ISSUER}, audiences: [api], algorithms: [ES256], keys: { jwksUrl: '${issuer.url}', timeout: 1m } }]`
  const gateway = await startWith(t, configText(upstream.url, keys))
  const question = async (kid: string) => ({
    method: 'GET',
    target: '/api/x',
    headers: { authorization: `Bearer ${await signer.sign({}, { kid })}` },
  })
  const release = issuer.hold()
  const first = post(gateway, '/api/explain', await question('b'))
  await issuer.held()
  const body = await question('a')
  const answered: number[] = []
  const others = Array.from({ length: 40 }, async () => {
    const response = await post(gateway, '/api/explain', body)
    answered.push(response.status)
    return response
  })
  // Those that wait cannot be answered before the first is.
  await eventually(() => answered.length === 24, '24 are turned away')
  t.same(answered, Array(24).fill(503))
  t.equal(await statusOf(gateway, await signer.sign()), 200, 'requests are served meanwhile')
  release()
  t.equal((await first).status, 200)
  const all = await Promise.all(others)
  t.equal(all.filter(({ status }) => status === 200).length, 16)
  const refused = all.find(({ status }) => status === 503)
  t.match(Object.fromEntries(refused?.headers ?? []), { 'x-tollgate': 'explain_busy', 'retry-after': '1' })
  t.equal((await post(gateway, '/api/explain', body)).status, 200, 'and then again')
})
