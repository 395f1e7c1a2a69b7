// A client whose next request waits behind the one under way: whether it is there is asked, and one that left is found out.
import t from 'tap'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'

import { createFakeClock } from '../../support/fake-clock.ts'
import { eventually } from '../../support/eventually.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { NOTHING_TAKEN, takenOf } from '../../support/taken.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { waitFor } from '../../support/wait-for.ts'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

const BEGINNINGS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  nothing: () => undefined,
  chunks: (response) => void response.write('begun'),
  events: (response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).write('begun'),
}

async function start(t: Teardown) {
  const clock = createFakeClock(Date.now())
  const closed: string[] = []
  const waiting: ServerResponse[] = []
  const upstream = await startUpstream(t, (request, response) => {
    const [, kind = ''] = (request.url ?? '').split('/')
    response.on('close', () => closed.push(kind))
    if (kind === 'next') response.end('next')
    else waiting.push(response)
    BEGINNINGS[kind]?.(response)
  })
  const gateway = await startTestGateway(
    t,
    {
      listen: { port: 0, parser: 'auto' },
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    },
    { clock, schedule: clock.schedule },
  )
  const socket = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true })
  let got = ''
  socket.on('data', (piece: Buffer) => (got += piece.toString('latin1'))).on('error', () => undefined)
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  /** Sends one request, and another when the first is under way. */
  async function sendBoth(kind: string): Promise<void> {
    socket.write(get(`/${kind}`))
    await waitFor(() => waiting.length === 1)
    if (kind !== 'nothing') await waitFor(() => got.includes('begun'))
    socket.write(get('/next'))
    await eventually(async () => (await takenOf(gateway))['requests_waiting'] === 1, 'it waits')
  }
  return { ...gateway, started: gateway, clock, socket, closed, waiting, got: () => got, sendBoth }
}

for (const kind of Object.keys(BEGINNINGS)) {
  t.test(`a client that left is found out: ${kind}`, async (t) => {
    const { clock, socket, closed, sendBoth, started } = await start(t)
    await sendBoth(kind)
    socket.destroy()
    await once(socket, 'close')
    await clock.advance(3500)
    await waitFor(() => closed.includes(kind))
    await eventually(async () => ((await takenOf(started))['target_in_flight'] ?? 0) === 0, 'all is given back')
    t.same(await takenOf(started), NOTHING_TAKEN)
  })

  t.test(`one that waits is asked, and gets both responses as they are: ${kind}`, async (t) => {
    const { clock, waiting, got, sendBoth } = await start(t)
    await sendBoth(kind)
    await clock.advance(3500)
    await waitFor(() => (kind === 'nothing' ? /^HTTP/ : /begun\r\n0+$/).test(got()))
    for (const response of waiting) response.end('the end')
    await waitFor(() => got().endsWith('\r\n\r\nnext'))
    const first =
      kind === 'nothing' ? /^HTTP\/1\.1 200 OK\r\n[^]*the endHTTP\// : /begun\r\n0+7\r\nthe end\r\n0\r\n\r\nHTTP\//
    t.match(got(), first)
    t.equal(got().match(/HTTP\/1\.1 200 OK\r\n/g)?.length, 2)
  })
}

t.test('nobody is asked whose response is on its way', async (t) => {
  const { clock, waiting, got, sendBoth } = await start(t)
  await sendBoth('chunks')
  for (let turn = 0; turn < 10; turn += 1) {
    waiting[0]?.write('more')
    await waitFor(() => got().split('more').length === turn + 2)
    await clock.advance(1000)
  }
  t.notMatch(got(), /\r\n0/)
})
