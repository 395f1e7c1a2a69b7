// Slow answers.
import { once } from 'node:events'
import { get } from 'node:http'

import t from 'tap'

import { createEndlessPause, createInstantPause } from './pauses.ts'
import { aliceResult, buildForTest, encodeAuthResult, listen } from './sample-server.ts'

const fromAlice = { 'x-auth-result': encodeAuthResult(aliceResult) }

t.test('a slow answer takes as long as it was asked to', async (t) => {
  const { pause, pausesMs } = createInstantPause()
  const app = await buildForTest(t, { pause })
  const answer = await app.inject({ url: '/slow?ms=1500', headers: fromAlice })
  t.match(answer.json(), { caller: { subject: 'alice' }, authResult: aliceResult, waitedMs: 1500 })
  await app.inject('/slow')
  t.same(pausesMs, [1500, 1000])
})

t.test('a slow answer is given up when its client leaves', async (t) => {
  const { pause, began } = createEndlessPause()
  const url = await listen(await buildForTest(t, { pause }))
  const request = get(`${url}/slow?ms=60000`).on('error', () => undefined)
  const signal = await began
  request.destroy()
  await once(signal, 'abort')
  t.pass('nothing waits for a client who has left')
})

t.test('a server that closes does not wait for a slow answer, and tells the client', async (t) => {
  const { pause, began } = createEndlessPause()
  const app = await buildForTest(t, { pause })
  const answer = fetch(`${await listen(app)}/slow?ms=60000`)
  await began
  await app.close()
  t.equal((await answer).status, 503)
  t.match(await (await answer).json(), { code: 'shutting_down' })
})

t.test('a time out of bounds is refused', async (t) => {
  const app = await buildForTest(t)
  for (const query of ['ms=-1', 'ms=60001', 'ms=1e3', 'ms=', 'ms=1&ms=2']) {
    const answer = await app.inject(`/slow?${query}`)
    t.equal(answer.statusCode, 400, query)
    t.match(answer.json(), { code: 'request_invalid' })
  }
})
