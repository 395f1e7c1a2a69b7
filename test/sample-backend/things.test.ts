// The list of things, and who the service thinks is looking at it.
import t from 'tap'

import { aliceResult, buildForTest, encodeAuthResult } from './sample-server.ts'

const nowMs = 1_700_000_000_000
const fromAlice = { 'x-auth-result': encodeAuthResult(aliceResult) }
const alice = { authenticated: true, subject: 'alice', issuer: 'sample', scopes: ['things:read', 'things:write'] }

t.test('the list says who asked for it, and everything that the gateway has said', async (t) => {
  const answer = await (await buildForTest(t)).inject({ url: '/things', headers: fromAlice })
  t.equal(answer.statusCode, 200)
  t.match(answer.json(), { caller: alice, authResult: aliceResult, things: [{ id: 1 }, { id: 2 }] })
})

t.test('a call past the gateway is nobody, and the answer says why', async (t) => {
  const answer = await (await buildForTest(t)).inject('/things')
  const nobody = { authenticated: false, reason: 'header_missing' }
  t.match(answer.json(), { caller: nobody, authResult: nobody })
})

t.test('a header that no gateway wrote is nobody, and the answer says why', async (t) => {
  const answer = await (await buildForTest(t)).inject({ url: '/things', headers: { 'x-auth-result': 'alice' } })
  t.match(answer.json(), { caller: { authenticated: false, reason: 'header_invalid' } })
})

t.test('a new thing knows who made it and when, and is on the list from then on', async (t) => {
  const app = await buildForTest(t, { clock: { now: () => nowMs } })
  const answer = await app.inject({
    method: 'POST',
    url: '/things',
    headers: fromAlice,
    payload: { name: ' a lantern ' },
  })
  const thing = { id: 3, name: 'a lantern', createdBy: 'alice', createdAt: '2023-11-14T22:13:20.000Z' }
  t.equal(answer.statusCode, 201)
  t.same(answer.json(), { caller: alice, authResult: aliceResult, thing })
  t.same((await app.inject('/things')).json<{ things: unknown[] }>().things[2], thing)
})

t.test('what is not the name of a thing is refused', async (t) => {
  const app = await buildForTest(t)
  const bodies: ReadonlyArray<readonly [unknown, number]> = [
    [{}, 400],
    [{ name: '' }, 400],
    [{ name: ' \t ' }, 400],
    [{ name: 'x'.repeat(101) }, 400],
    [{ name: 5 }, 400],
    [{ name: null }, 400],
    [{ name: ['a lantern'] }, 400],
    [{ name: 'a lantern', id: 1 }, 400],
    [['a lantern'], 400],
    ['{"name":', 400],
    ['', 400],
    [{ name: 'x'.repeat(70_000) }, 413],
  ]
  for (const [body, status] of bodies) {
    const payload = typeof body === 'string' ? body : JSON.stringify(body)
    const headers = { 'content-type': 'application/json' }
    const answer = await app.inject({ method: 'POST', url: '/things', headers, payload })
    t.equal(answer.statusCode, status, payload.slice(0, 40))
    t.match(answer.headers['content-type'], /^application\/problem\+json/)
    t.match(answer.json(), { status, code: 'request_invalid' })
  }
  t.equal((await app.inject('/things')).json<{ things: unknown[] }>().things.length, 2)
})

t.test('only JSON is a thing', async (t) => {
  const app = await buildForTest(t)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'json']) {
    const headers = { 'content-type': type }
    const answer = await app.inject({ method: 'POST', url: '/things', headers, payload: '{"name":"a lantern"}' })
    t.equal(answer.statusCode, 415, type)
  }
})

t.test('the list does not grow without end', async (t) => {
  const app = await buildForTest(t)
  const create = () => app.inject({ method: 'POST', url: '/things', payload: { name: 'a lantern' } })
  for (let count = 2; count < 1000; count += 1) await create()
  const answer = await create()
  t.equal(answer.statusCode, 507)
  t.match(answer.json(), { code: 'list_full' })
  t.equal((await app.inject('/things')).json<{ things: unknown[] }>().things.length, 1000)
})
