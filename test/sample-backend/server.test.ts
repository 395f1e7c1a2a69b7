// The server as a whole: health, refusals, the log.
import { fastify } from 'fastify'
import t from 'tap'

import { addProblemAnswers } from '../../sample-backend/src/problem.ts'
import { buildForTest, encodeAuthResult } from './sample-server.ts'

t.test('a health check is answered', async (t) => {
  const answer = await (await buildForTest(t)).inject('/healthz')
  t.equal(answer.statusCode, 200)
  t.same(answer.json(), { status: 'ok' })
})

t.test('a path that does not exist is a problem document', async (t) => {
  const answer = await (await buildForTest(t)).inject('/nothing')
  t.equal(answer.statusCode, 404)
  t.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
  t.match(answer.json(), { type: 'urn:tollgate-sample:not_found', status: 404, code: 'not_found' })
})

t.test('a mistake of ours tells the client nothing about itself', async (t) => {
  const app = fastify()
  addProblemAnswers(app)
  app.get('/broken', () => {
    throw new Error('the secret of the house')
  })
  const answer = await app.inject('/broken')
  t.equal(answer.statusCode, 500)
  t.match(answer.json(), { code: 'internal_error' })
  t.notMatch(answer.body, /secret/)
})

t.test('the log holds no password, token, header or query', async (t) => {
  let log = ''
  const app = await buildForTest(t, { log: { write: (line) => void (log += line) } })
  const header = encodeAuthResult({ authenticated: true, issuer: 'sample', scopes: [], claims: {} })
  await app.inject({ method: 'POST', url: '/login', payload: { username: 'alice', password: 'hunter2' } })
  await app.inject({
    method: 'POST',
    url: '/login',
    payload: '{"password":"hunter2',
    headers: { 'content-type': 'application/json' },
  })
  await app.inject({
    url: '/things?access_token=hunter2',
    headers: { authorization: 'Bearer hunter2', 'x-auth-result': header },
  })

  t.match(log, /"path":"\/things"/)
  t.notMatch(log, /hunter2|alice|authorization/)
  t.notMatch(log, new RegExp(header))
})
