// Requests to upstreams over HTTP/2: shared connections, refusals that are tried again, ends from either side.
import t from 'tap'
import { once } from 'node:events'
import { createServer, constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { request as httpRequest } from 'node:http'

import { eventually } from '../../support/eventually.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { requestLines } from '../../support/told.ts'
import { waitFor } from '../../support/wait-for.ts'

interface Seen {
  readonly stream: ServerHttp2Stream
  readonly headers: Record<string, unknown>
  readonly trailers: Record<string, unknown>
  body: string
  code: number | undefined
}

/** Answers by the last part of the path; `held` streams wait for the test. */
async function startUpstream(t: Teardown, settings: { maxConcurrentStreams?: number } = {}) {
  const seen: Seen[] = []
  const sessions: ServerHttp2Session[] = []
  let refusals = 0
  const server: Http2Server = createServer({ settings })
  server.on('session', (session) => sessions.push(session))
  server.on('sessionError', () => undefined)
  server.on('stream', (stream, headers) => {
    const one: Seen = { stream, headers, trailers: {}, body: '', code: undefined }
    seen.push(one)
    stream.on('error', () => undefined).on('close', () => (one.code = stream.rstCode))
    stream.on('trailers', (trailers: object) => Object.assign(one.trailers, trailers))
    stream.on('data', (piece: Buffer) => (one.body += String(piece)))
    const kind = String(headers[':path']).split('/').at(-1)
    if (kind === 'refused' && refusals++ === 0) stream.close(constants.NGHTTP2_REFUSED_STREAM)
    else if (kind === 'cut') {
      // Without trailers to wait for, Node ends the stream before it resets it, and the response is whole.
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.write('half', () => {
        stream.close(constants.NGHTTP2_INTERNAL_ERROR)
      })
    } else if (kind === 'large') stream.respond({ ':status': 200, 'x-large': 'y'.repeat(20_000) }, { endStream: true })
    else if (kind === 'hints') {
      stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' })
      stream.respond({ ':status': 200 })
      stream.end('hinted')
    } else if (kind !== 'held')
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'x-a': ['1', '2'] }, { waitForTrailers: true })
        stream.on('wantTrailers', () => {
          stream.sendTrailers({ 'x-sum': '7' })
        })
        stream.end('plain')
      })
    if (kind !== 'held') stream.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, sessions }
}

async function start(t: Teardown, settings?: { maxConcurrentStreams?: number }, more: Record<string, unknown> = {}) {
  const upstream = await startUpstream(t, settings)
  const clock = createFakeClock(Date.now())
  const gateway = await startTestGateway(
    t,
    {
      limits: { responseHeaderBytes: '16KiB' },
      upstreams: { u: { targets: [upstream.url], protocol: 'h2c', ...more } },
      routes: [{ path: '/*', upstream: 'u', auth: 'none' }],
    },
    { clock, schedule: clock.schedule },
  )
  return { upstream, gateway, clock }
}

interface Answered {
  status: number
  body: string
  trailers: Record<string, unknown>
  infos: number[]
  whole: boolean
  abort: () => void
  done: Promise<void>
}

function ask(port: number, path: string, options: { method?: string; body?: string } = {}): Answered {
  const { method = 'GET', body } = options
  const headers = body === undefined ? {} : { 'transfer-encoding': 'chunked' }
  const request = httpRequest({ port, host: '127.0.0.1', path, method, headers, agent: false })
  const answered: Answered = {
    ...{ status: 0, body: '', trailers: {}, infos: [], whole: false },
    abort: () => request.destroy(),
    done: new Promise((resolve) => {
      request.on('error', () => undefined).on('close', resolve)
    }),
  }
  request.on('information', ({ statusCode }) => answered.infos.push(statusCode))
  request.on('response', (response) => {
    answered.status = response.statusCode ?? 0
    response.on('error', () => undefined)
    response.on('data', (piece: Buffer) => (answered.body += String(piece)))
    response.on('end', () => {
      answered.whole = response.complete
      answered.trailers = response.trailers
    })
  })
  if (body !== undefined) request.addTrailers({ 'x-in': '6' })
  request.end(body)
  return answered
}

t.test('a request goes on with its body and trailers, and the response comes back with its own', async (t) => {
  const { upstream, gateway } = await start(t)
  const answered = ask(gateway.port, '/a?b', { method: 'POST', body: 'abc' })
  await answered.done
  t.match(answered, { status: 200, body: 'plain', trailers: { 'x-sum': '7' }, whole: true })
  const [seen] = upstream.seen
  t.match(seen, { body: 'abc', trailers: { 'x-in': '6' } })
  t.match(seen?.headers, {
    ...{ ':method': 'POST', ':path': '/a?b', ':scheme': 'http', ':authority': new URL(upstream.url).host },
    ...{ te: 'trailers', 'x-forwarded-for': '127.0.0.1' },
  })
  t.notOk(seen?.headers['host'] ?? seen?.headers['transfer-encoding'] ?? seen?.headers['connection'])
  const hinted = ask(gateway.port, '/hints')
  await hinted.done
  t.match(hinted, { status: 200, body: 'hinted', infos: [103] })
})

t.test('many requests share one connection; more than it takes open another', async (t) => {
  const { upstream, gateway } = await start(t, { maxConcurrentStreams: 10 })
  const first = ask(gateway.port, '/x')
  await first.done
  const held = Array.from({ length: 25 }, () => ask(gateway.port, '/held'))
  await waitFor(() => upstream.seen.length === 26)
  t.equal(upstream.sessions.length, 3)
  t.match(gateway.gateway.status(), { upstreams: [{ targets: [{ inFlight: 25 }] }] })
  for (const { stream } of upstream.seen.slice(1)) {
    stream.respond({ ':status': 200 })
    stream.end('late')
  }
  await Promise.all(held.map(({ done }) => done))
  t.ok(held.every(({ status, body }) => status === 200 && body === 'late'))
})

t.test('what the upstream refuses unseen is tried again, whatever the method; what it broke off is not', async (t) => {
  const { upstream, gateway } = await start(t)
  const refused = ask(gateway.port, '/refused', { method: 'PATCH' })
  await refused.done
  t.match(refused, { status: 200, body: 'plain' })
  t.equal(upstream.seen.length, 2)
  t.match(requestLines(gateway)[0], { tries: 2 })
  upstream.sessions[0]?.goaway()
  // It may cross the GOAWAY on its way.
  for (let asked = 0; asked < 50 && upstream.sessions.length < 2; asked += 1) {
    const next = ask(gateway.port, '/x')
    await next.done
    t.equal(next.status, 200)
  }
  t.equal(upstream.sessions.length, 2, 'another connection after GOAWAY')
  const cut = ask(gateway.port, '/cut')
  await cut.done
  t.match(cut, { status: 200, whole: false })
  const large = ask(gateway.port, '/large')
  await large.done
  t.match(large.body, /upstream_headers_too_large|upstream_reset/)
  t.equal(large.status, 502)
})

t.test('a client that goes away resets its stream alone; a response that does not begin is 504', async (t) => {
  const { upstream, gateway, clock } = await start(t)
  const [gone, late] = [ask(gateway.port, '/held'), ask(gateway.port, '/held')]
  await waitFor(() => upstream.seen.length === 2)
  gone.abort()
  await eventually(async () => {
    // A client that ended its side is asked whether it is there, by the clock.
    await clock.advance(10)
    return upstream.seen.some(({ code }) => code === constants.NGHTTP2_CANCEL)
  }, 'the stream is reset')
  t.equal(upstream.seen.filter(({ code }) => code !== undefined).length, 1)
  await clock.advance(15_001)
  await late.done
  t.equal(late.status, 504)
  await waitFor(() => upstream.seen.every(({ code }) => code === constants.NGHTTP2_CANCEL))
  t.equal(upstream.sessions[0]?.destroyed, false, 'it answered to the ping')
})
