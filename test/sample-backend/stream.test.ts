// Event streams.
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'

import t from 'tap'

import { createEndlessPause, createInstantPause } from './pauses.ts'
import { aliceResult, buildForTest, encodeAuthResult, listen } from './sample-server.ts'

const fromAlice = { 'x-auth-result': encodeAuthResult(aliceResult) }

async function open(url: string): Promise<IncomingMessage> {
  const request = get(url)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  // A client that leaves gets an ECONNRESET of its own making.
  response.on('error', () => undefined)
  return response
}

t.test('a stream sends the events it was asked for, a second apart, and then says that it is over', async (t) => {
  const { pause, pausesMs } = createInstantPause()
  const app = await buildForTest(t, { pause, clock: { now: () => 1_700_000_000_000 } })
  const answer = await app.inject({ url: '/stream?count=3', headers: fromAlice })
  t.match(answer.headers, { 'content-type': /^text\/event-stream/, 'cache-control': 'no-store' })

  const blocks = answer.body.split('\n\n').slice(0, -1)
  t.equal(blocks.length, 5)
  t.equal(blocks[0], ': welcome')
  t.match(blocks[1], /^id: 1\nevent: tick\ndata: \{/)
  t.match(JSON.parse(blocks[3]?.split('data: ')[1] ?? ''), {
    number: 3,
    of: 3,
    at: '2023-11-14T22:13:20.000Z',
    caller: { authenticated: true, subject: 'alice' },
  })
  t.equal(blocks[4], 'event: end\ndata: {}')
  t.same(pausesMs, [1000, 1000, 1000])
})

t.test('without a count there are five events', async (t) => {
  const { pause, pausesMs } = createInstantPause()
  await (await buildForTest(t, { pause })).inject('/stream')
  t.equal(pausesMs.length, 5)
})

t.test('between events that are far apart there are heartbeats', async (t) => {
  const { pause, pausesMs } = createInstantPause()
  const answer = await (await buildForTest(t, { pause })).inject('/stream?count=1&intervalMs=25000')
  t.same(pausesMs, [10_000, 10_000, 5000])
  t.match(answer.body, /^: welcome\n\n: heartbeat\n\n: heartbeat\n\nid: 1\n/)
})

t.test('the headers and a first line arrive before the first event', async (t) => {
  const { pause } = createEndlessPause()
  const url = await listen(await buildForTest(t, { pause }))
  const response = await open(`${url}/stream`)
  const [chunk] = (await once(response, 'data')) as [Buffer]
  t.equal(chunk.toString(), ': welcome\n\n')
  response.destroy()
})

t.test('a stream ends when its client leaves', async (t) => {
  const { pause, began } = createEndlessPause()
  const url = await listen(await buildForTest(t, { pause }))
  const response = await open(`${url}/stream`)
  const signal = await began
  t.equal(signal.aborted, false)
  response.destroy()
  await once(signal, 'abort')
  t.pass('nothing waits for a client who has left')
})

t.test('a server that closes ends its streams cleanly and does not wait for them', async (t) => {
  const { pause, began } = createEndlessPause()
  const app = await buildForTest(t, { pause })
  const response = await open(`${await listen(app)}/stream`)
  response.resume()
  await began
  await Promise.all([app.close(), once(response, 'end')])
  t.ok(response.complete, 'the last chunk has arrived')
})

t.test('numbers out of bounds are refused', async (t) => {
  const app = await buildForTest(t)
  const urls = [
    '/stream?count=0',
    '/stream?count=1001',
    '/stream?count=many',
    '/stream?intervalMs=9',
    '/stream?intervalMs=60001',
  ]
  for (const url of urls) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, 400, url)
    t.match(answer.json(), { code: 'request_invalid' })
  }
})
