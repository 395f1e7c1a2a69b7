// Requests that come while another of their connection is under way, and then the end of the client's side: each gets its answer.
import t from 'tap'
import { once } from 'node:events'
import { connect } from 'node:net'

import { startUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { waitFor } from '../../support/wait-for.ts'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const post = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`

/** `release` lets the upstream answer what it holds. */
async function start(t: Teardown) {
  const seen: string[] = []
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  const upstream = await startUpstream(t, (request, response) => {
    seen.push(request.url ?? '')
    request.resume().on('end', () => {
      void released.then(() =>
        response.setHeader('content-length', 1 + (request.url ?? '').length).end(`<${request.url}`),
      )
    })
  })
  const gateway = await startTestGateway(t, {
    listen: { port: 0, parser: 'auto' },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  const socket = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true })
  const received: Buffer[] = []
  let isOver = false
  socket.on('data', (piece: Buffer) => received.push(piece)).on('error', () => undefined)
  socket.on('end', () => (isOver = true))
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  const answers = () => Buffer.concat(received).toString('latin1').match(/<\/\d/g) ?? []
  return { seen, release, socket, answers, isOver: () => isOver, ...gateway }
}

/** What comes in one piece after the first request has reached the upstream, and who is answered. */
const BEHIND: Readonly<Record<string, readonly [bytes: string, answered: readonly string[]]>> = {
  'a plain request': [get('/2'), ['</1', '</2']],
  'two of them': [get('/2') + post('/3', 'hello'), ['</1', '</2', '</3']],
  'one that is not plain': [get('/2').replace('Host', 'TE: trailers\r\nHost'), ['</1', '</2']],
  'a part of one': [get('/2').slice(0, 20), ['</1']],
  'more than a connection reads ahead': [
    get('/2') + post('/3', 'x'.repeat(300_000)) + get('/4'),
    ['</1', '</2', '</3', '</4'],
  ],
}

for (const [name, [bytes, answered]] of Object.entries(BEHIND))
  for (const ends of [true, false])
    t.test(`${name}${ends ? ', and the end' : ''}`, async (t) => {
      const { seen, release, socket, answers, isOver } = await start(t)
      socket.write(get('/1'))
      await waitFor(() => seen.length === 1)
      await new Promise((resolve) => socket.write(bytes.slice(0, 9000), resolve))
      socket.write(bytes.slice(9000))
      if (ends) socket.end()
      // What came must be there before the answer is: a turn for each side of the loopback.
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
      release()
      await waitFor(() => answers().length === answered.length)
      t.same(answers(), answered)
      if (ends) await waitFor(isOver)
      else socket.end()
    })

t.test('what comes behind a body in several pieces, and the end', async (t) => {
  const { release, socket, answers, isOver } = await start(t)
  release()
  const bytes = post('/1', 'x'.repeat(150_000)) + get('/2') + get('/3')
  socket.end(bytes)
  await waitFor(isOver)
  t.same(answers(), ['</1', '</2', '</3'])
})
