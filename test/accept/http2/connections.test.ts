import t from 'tap'
import { once } from 'node:events'
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'

import { startChangeable } from '../../support/changeable-gateway.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import * as h2 from '../../support/http2-frames.ts'
import { openRaw } from '../../support/raw-connection.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { requestLines } from '../../support/told.ts'
import type { Teardown } from '../../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../../support/tokens.ts'
import { waitFor } from '../../support/wait-for.ts'

const { TYPE, FLAG, ERROR } = h2
const MINUTE_MS = 60_000

/** What the upstream sends goes out when the test says so, by the last part of the path. */
async function start(t: Teardown, listen: Record<string, unknown> = {}) {
  const clock = createFakeClock(Date.now())
  const held: (() => void)[] = []
  let aborted = 0
  const upstream = await startUpstream(t, (request, response) => {
    request.resume()
    response.on('close', () => (aborted += response.writableFinished ? 0 : 1))
    const kind = (request.url ?? '').split('/').at(-1)
    if (kind === 'held') held.push(() => response.end('held'))
    else if (kind === 'events') response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
    else if (kind === 'endless') response.write('first')
    else if (kind === 'large') response.end(Buffer.alloc(4_000_000, 'x'))
    else response.end('plain')
  })
  const config = {
    listen: { h2c: true, ...listen },
    issuers: [hmacIssuer()],
    upstreams: { u: { targets: [upstream.url] } },
    routes: [
      { path: '/open/*', upstream: 'u', auth: 'none' },
      { path: '/api/*', upstream: 'u' },
    ],
  }
  const gateway = await startChangeable(t, config, { clock, schedule: clock.schedule })
  return { clock, held, upstream, gateway, config, aborted: () => aborted }
}

async function openSession(t: Teardown, url: string): Promise<ClientHttp2Session> {
  const session = connect(url)
  session.on('error', () => undefined)
  t.teardown(() => {
    session.destroy()
  })
  await once(session, 'remoteSettings')
  return session
}

interface Asked {
  readonly stream: ClientHttp2Stream
  readonly body: () => string
  status: number
  code: number | undefined
  isOver: boolean
}

function ask(session: ClientHttp2Session, path: string, token?: string): Asked {
  const stream = session.request({
    ':path': path,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  })
  const pieces: Buffer[] = []
  const asked: Asked = {
    stream,
    status: 0,
    code: undefined,
    isOver: false,
    body: () => Buffer.concat(pieces).toString(),
  }
  stream
    .on('response', ({ ':status': status = 0 }) => (asked.status = status))
    .on('data', (piece: Buffer) => pieces.push(piece))
    .on('error', () => undefined)
    .on('close', () => {
      asked.isOver = true
      asked.code = stream.rstCode
    })
  return asked
}

t.test('a connection without TLS is told by its first bytes, however they are cut', async (t) => {
  const { gateway, clock } = await start(t)
  const bytes = Buffer.concat([h2.PREFACE, h2.settings(), h2.headers(1, h2.requestFields({ ':path': '/open/x' }))])
  const cut = await h2.openFrames(t, gateway.port, bytes.subarray(0, 1))
  for (const byte of bytes.subarray(1)) {
    cut.send(Buffer.from([byte]))
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.ok(await cut.until(({ type, stream }) => type === TYPE.data && stream === 1), 'HTTP/2, byte for byte')

  for (const method of ['GET', 'POST', 'PUT', 'PROPFIND', 'PRI']) {
    const raw = await openRaw(t, gateway.port)
    raw.write(method.slice(0, 2))
    await new Promise((resolve) => setImmediate(resolve))
    raw.write(`${method.slice(2)} /open/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`)
    const wanted = method === 'PRI' ? /^HTTP\/1\.1 400 / : /^HTTP\/1\.1 200 [^]*\r\n\r\n/
    t.match(await raw.until(wanted), wanted, method)
    raw.socket.destroy()
  }

  const half = await openRaw(t, gateway.port)
  half.socket.end('PRI * HT')
  t.match(await half.until(/HTTP\/1\.1 400/), /"code":"request_invalid"/, 'one that ends in the preface')
  const late = await openRaw(t, gateway.port)
  late.write('PRI * HT')
  await waitFor(() => late.socket.bytesWritten > 0)
  await new Promise((resolve) => setTimeout(resolve, 20))
  await clock.advance(MINUTE_MS + 1)
  t.match(await late.until(/HTTP\/1\.1 408/), /"code":"request_timeout"/, 'one that stops in the preface')
})

t.test(
  'a connection on which nothing goes on is closed in time: one that said nothing, one that broke the protocol, one that is done',
  async (t) => {
    const { gateway, clock } = await start(t)
    const silent = await h2.openFrames(t, gateway.port, h2.PREFACE)
    const broken = await h2.openFrames(t, gateway.port)
    const done = await h2.openFrames(t, gateway.port)
    done.send(h2.headers(1, h2.requestFields({ ':path': '/open/x' })))
    t.ok(await done.until(({ type }) => type === TYPE.data))
    broken.send(h2.frame(TYPE.settings, 0, 0, Buffer.alloc(5)))
    t.ok(await broken.until(({ type }) => type === TYPE.goaway), 'told at once')
    broken.send(h2.headers(1, h2.requestFields({ ':path': '/open/x' })))
    await clock.advance(30_000)
    t.same(
      [silent, broken, done].map(({ closed }) => closed()),
      [false, false, false],
    )
    await clock.advance(50_000)
    t.equal(await silent.end(), ERROR.none)
    await broken.end()
    t.equal(await done.end(), ERROR.none)
    t.equal(requestLines(gateway).length, 1, 'nothing is served behind a broken frame')
  },
)

t.test('a client that takes nothing holds no response for longer than over HTTP/1.1', async (t) => {
  const { gateway, clock } = await start(t)
  const connection = await h2.openFrames(t, gateway.port, Buffer.concat([h2.PREFACE, h2.settings([[4, 0]])]))
  const paths = ['/open/plain', '/open/large', '/open/x']
  for (const [index, path] of paths.entries())
    connection.send(h2.headers(2 * index + 1, h2.requestFields({ ':path': path })))
  await waitFor(() => connection.frames.filter(({ type }) => type === TYPE.headers).length === 3)
  for (let second = 0; second < 130; second += 1) await clock.advance(1000)
  await waitFor(() => connection.frames.filter(({ type }) => type === TYPE.reset).length === 3)
  t.same(
    connection.frames.filter(({ type }) => type === TYPE.data),
    [],
    'nothing was sent',
  )
  await waitFor(() => requestLines(gateway).length === 3)
  t.same(
    requestLines(gateway).map(({ complete }) => complete),
    [false, false, false],
  )
})

t.test('a client that resets a stream or goes away ends the exchange with the upstream', async (t) => {
  const { gateway, held, aborted } = await start(t)
  const session = await openSession(t, gateway.url)
  const asked = Array.from({ length: 20 }, () => ask(session, '/open/held'))
  await waitFor(() => held.length === 20)
  for (const { stream } of asked.slice(0, 10)) stream.close(ERROR.cancel)
  await waitFor(() => aborted() === 10)
  const last = ask(session, '/open/x')
  await waitFor(() => last.isOver)
  t.equal(last.body(), 'plain', 'others go on')
  session.destroy()
  await waitFor(() => aborted() === 20)
  await waitFor(() => requestLines(gateway).length === 21)
  t.equal(requestLines(gateway).filter(({ status, complete }) => status === 499 && complete === false).length, 20)
})

t.test('a stream ends with its token: events by their end, others by a reset', async (t) => {
  const { gateway, clock } = await start(t)
  const session = await openSession(t, gateway.url)
  const nowSec = Math.floor(clock.now() / 1000)
  const token = await signHmac({ iat: nowSec - 5, exp: nowSec + 60 })
  const events = ask(session, '/api/events', token)
  const endless = ask(session, '/api/endless', token)
  await waitFor(() => events.body() !== '' && endless.body() !== '')
  await clock.advance(62_000)
  await waitFor(() => events.isOver && endless.isOver)
  t.same([events.code, events.body()], [ERROR.none, 'data: 1\n\n'])
  t.same([endless.code, endless.body()], [ERROR.internal, 'first'])
  const refused = ask(session, '/api/x', token)
  await waitFor(() => refused.isOver)
  t.equal(refused.status, 401, 'on the same connection')
})

t.test('each stream is of the generation that serves when it opens', async (t) => {
  const { gateway, config, held } = await start(t)
  const session = await openSession(t, gateway.url)
  const before = ask(session, '/open/held')
  await waitFor(() => held.length === 1)
  await gateway.change({ ...config, routes: [{ path: '/open/x', upstream: 'u' }] })
  const after = [ask(session, '/open/held'), ask(session, '/open/x')]
  await waitFor(() => after.every(({ isOver }) => isOver))
  t.same(
    after.map(({ status }) => status),
    [404, 401],
  )
  held[0]?.()
  await waitFor(() => before.isOver)
  t.same([before.status, before.body()], [200, 'held'])
})

t.test('at its end a gateway sends GOAWAY, and what is under way comes whole', async (t) => {
  const { gateway, held } = await start(t)
  const session = await openSession(t, gateway.url)
  const idle = await openSession(t, gateway.url)
  const goaways: number[] = []
  session.on('goaway', (code) => goaways.push(code))
  const asked = ask(session, '/open/held')
  await waitFor(() => held.length === 1)
  gateway.gateway.retire()
  await waitFor(() => goaways.length > 0 && idle.destroyed)
  t.same(goaways[0], ERROR.none)
  const late = await openSession(t, gateway.url)
  const first = ask(late, '/open/x')
  await waitFor(() => first.isOver)
  t.equal(first.body(), 'plain', 'a connection that comes now is served once')
  await waitFor(() => late.destroyed)
  const closed = gateway.gateway.close()
  held[0]?.()
  await waitFor(() => asked.isOver)
  t.same([asked.status, asked.body(), asked.code], [200, 'held', ERROR.none])
  await closed
})

t.test('the cut of a shutdown ends what is under way', async (t) => {
  const { gateway, held } = await start(t)
  const session = await openSession(t, gateway.url)
  const asked = ask(session, '/open/held')
  await waitFor(() => held.length === 1)
  t.equal(await gateway.gateway.cut(), 1)
  await waitFor(() => asked.isOver)
  t.equal(asked.status, 0)
})

t.test('more streams than are allowed at once are refused, so that the client may try again', async (t) => {
  const { gateway, held } = await start(t, { streams: 3 })
  const connection = await h2.openFrames(t, gateway.port)
  for (let index = 0; index < 5; index += 1)
    connection.send(h2.headers(2 * index + 1, h2.requestFields({ ':path': '/open/held' })))
  await waitFor(() => connection.frames.filter(({ type }) => type === TYPE.reset).length === 2)
  t.same(
    connection.frames
      .filter(({ type }) => type === TYPE.reset)
      .map(({ stream, payload }) => [stream, payload.readUInt32BE(0)]),
    [
      [7, ERROR.refused],
      [9, ERROR.refused],
    ],
  )
  await waitFor(() => held.length === 3)
  for (const release of held) release()
  await waitFor(
    () => connection.frames.filter(({ type, flags }) => type === TYPE.data && flags === FLAG.endStream).length === 3,
  )
})
