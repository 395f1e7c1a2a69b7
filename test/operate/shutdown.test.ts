// The end of a gateway: load balancers and clients are told before anything is closed, and a dead worker leaves nothing open.
import t from 'tap'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'

import { eventually } from '../support/eventually.ts'
import { start, workersOf, type Started } from '../support/gateway-process.ts'
import { openRaw, type RawConnection } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'

const configText = (upstream: string, workers: number, shutdown: string) => `
listen: { port: 0 }
admin: { port: 0 }
workers: ${workers}
shutdown: ${shutdown}
upstreams: { up: { targets: ['${upstream}'] } }
routes: [{ path: '/*', upstream: up, auth: none }]
`

/** On a connection of its own, that the client would keep. */
async function get(url: string): Promise<IncomingMessage> {
  const asking = request(url, { agent: false, headers: { connection: 'keep-alive' } }).end()
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  response.resume()
  return response
}

const readiness = async ({ adminUrl }: Started) => (await fetch(`${adminUrl}/readyz`)).status

for (const workers of [1, 2]) {
  t.test(`${workers} worker: with shutdown.delay all is served at first, while it is not ready`, async (t) => {
    let finish = (): void => undefined
    const upstream = await startUpstream(t, (incoming, response) => {
      if (incoming.url === '/slow') finish = () => response.end('slow')
      else response.end('ok')
    })
    const gateway = await start(t, configText(upstream.url, workers, '{ delay: 3s, timeout: 5s }'))
    t.equal((await get(`${gateway.url}/before`)).headers.connection, 'keep-alive')
    t.equal(await readiness(gateway), 200)
    const slow = get(`${gateway.url}/slow`)
    await eventually(() => upstream.requests.some(({ url }) => url === '/slow'), 'it is under way')
    gateway.child.kill('SIGTERM')
    await eventually(async () => (await readiness(gateway)) === 503, 'it is not ready')
    for (let round = 0; round < 4; round += 1) {
      const fresh = await get(`${gateway.url}/fresh`)
      t.equal(fresh.statusCode, 200, 'a new connection is served')
      t.equal(fresh.headers.connection, 'close', 'and told to end')
    }
    finish()
    const answer = await slow
    t.equal(answer.statusCode, 200)
    t.equal(answer.headers.connection, 'close', 'also the answer that was under way at the signal')
    const [code] = (await once(gateway.child, 'exit')) as [number]
    t.equal(code, 0)
    t.match(gateway.output(), /shutting down/)
  })

  t.test(`${workers} worker: without a delay the port closes at once, and what is under way ends`, async (t) => {
    let finish = (): void => undefined
    const upstream = await startUpstream(t, (incoming, response) => {
      if (incoming.url === '/slow') finish = () => response.end('slow')
      else response.end('ok')
    })
    const gateway = await start(t, configText(upstream.url, workers, '{}'))
    const slow = get(`${gateway.url}/slow`)
    await eventually(() => upstream.requests.length === 1, 'it is under way')
    gateway.child.kill('SIGTERM')
    const refused = () =>
      get(gateway.url).then(
        () => false,
        () => true,
      )
    await eventually(refused, 'the port is closed')
    finish()
    const answer = await slow
    t.equal(answer.statusCode, 200)
    t.equal(answer.headers.connection, 'close')
    t.same(await once(gateway.child, 'exit'), [0, null])
  })

  t.test(`${workers} worker: what does not end within shutdown.timeout is cut`, async (t) => {
    const upstream = await startUpstream(t, () => undefined)
    const gateway = await start(t, configText(upstream.url, workers, '{ timeout: 200ms }'))
    const slow = get(`${gateway.url}/slow`)
    await eventually(() => upstream.requests.length === 1, 'it is under way')
    gateway.child.kill('SIGTERM')
    await t.rejects(slow)
    t.same(await once(gateway.child, 'exit'), [0, null], 'as planned: an event stream ends no other way')
    await eventually(() => gateway.output().includes('"stopped"'), 'the log has all of it')
    t.match(gateway.output(), /"what is still under way is cut \(shutdown.timeout\)"/)
  })
}

const descriptorsOf = ({ child }: Started) => readdirSync(`/proc/${child.pid}/fd`).length

t.test('a worker that dies with a connection on its way leaves no client hanging and no descriptor open', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await start(t, configText(upstream.url, 2, '{}'))
  const port = Number(new URL(gateway.url).port)
  t.equal((await get(gateway.url)).statusCode, 200)
  // The connection of this question is kept, and counted.
  t.equal(await readiness(gateway), 200)
  const before = descriptorsOf(gateway)
  for (let round = 0; round < 3; round += 1) {
    const workers = workersOf(gateway)
    t.equal(workers.length, 2)
    const [victim = 0] = workers
    // It takes what is handed to it no more, and says nothing: as one does that is busy, or dies this moment.
    process.kill(victim, 'SIGSTOP')
    const clients: RawConnection[] = []
    for (let index = 0; index < 6; index += 1) {
      const client = await openRaw(t, port)
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      clients.push(client)
    }
    const unanswered = () => clients.filter((client) => client.received() === '')
    await eventually(() => unanswered().length === 1, 'one waits for the worker that stands still')
    process.kill(victim, 'SIGKILL')
    await eventually(() => unanswered().every((client) => client.closed()), 'its client is told')
    await eventually(() => workersOf(gateway).length === 2 && !workersOf(gateway).includes(victim), 'another comes')
    for (const client of clients) client.socket.destroy()
    // Its channel is open once it has said that it listens.
    await eventually(async () => (await readiness(gateway)) === 200, 'it serves')
    await eventually(() => descriptorsOf(gateway) <= before, `descriptors of the primary: ${before} at first`)
  }
})
