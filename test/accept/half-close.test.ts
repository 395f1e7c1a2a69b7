// A client that ended its side (nc -N) gets its answer; one that left is told apart from it, and what it took is given back.
import t from 'tap'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

import { makeCertificate } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { openRaw } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { requireComponent } from '../support/require-component.ts'
import { NOTHING_TAKEN, takenOf } from '../support/taken.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { pause, waitFor } from '../support/wait-for.ts'

const isOpensslHere = requireComponent(t, 'openssl', '/usr/bin/openssl')

const route = (target: string, more: Record<string, unknown> = {}) => ({
  upstreams: { up: { targets: [target], ...more } },
  routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
})

/** All that comes until the other side ends, from a client that ends its own side at once. */
async function askHalfClosed(socket: Socket, bytes: string): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined)
  socket.end(bytes)
  await once(socket, 'end')
  socket.destroy()
  return Buffer.concat(chunks).toString('latin1')
}

const REQUESTS: Readonly<Record<string, string>> = {
  'a length': 'GET /length HTTP/1.1\r\nHost: a\r\n\r\n',
  'chunks that come late': 'GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n',
  'HTTP/1.0': 'GET /chunks HTTP/1.0\r\n\r\n',
  'a body': 'POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'an expectation': 'POST /length HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
  HEAD: 'HEAD /chunks HTTP/1.1\r\nHost: a\r\n\r\n',
  'a refusal': 'GET /length HTTP/1.1\r\n\r\n',
}

async function startSlow(t: Parameters<typeof startUpstream>[0]) {
  return startUpstream(t, (request, response) => {
    // Long enough for all rounds of asking whether the client is there, but the last.
    setTimeout(() => {
      if (request.url === '/length') response.end('the whole')
      else {
        response.write('the ')
        setTimeout(() => response.end('whole'), 300)
      }
    }, 400)
  })
}

/** What a client makes of the body. */
function bodyOf(answer: string): string {
  const [head = '', ...rest] = answer.replace(/^HTTP\/1\.1 100 .*\r\n\r\n/, '').split('\r\n\r\n')
  const body = rest.join('\r\n\r\n')
  if (!/transfer-encoding: chunked/i.test(head)) return body
  let text = ''
  let left = body
  for (;;) {
    const size = /^([0-9a-f]+)\r\n/i.exec(left)
    if (size === null) return `broken: ${body}`
    const length = Number.parseInt(size[1] ?? '', 16)
    if (length === 0) return text
    text += left.slice(size[0].length, size[0].length + length)
    left = left.slice(size[0].length + length + 2)
  }
}

t.test('a client that ends its side after its request gets its whole answer, and then the end', async (t) => {
  for (const transport of ['direct', 'undici']) {
    const upstream = await startSlow(t)
    const started = await startTestGateway(t, route(upstream.url, { transport }))
    for (const [what, bytes] of Object.entries(REQUESTS)) {
      const answer = await askHalfClosed(connect({ port: started.port, allowHalfOpen: true }), bytes)
      t.match(
        answer,
        what === 'a refusal' ? /^HTTP\/1\.1 400 / : /^HTTP\/1\.1 (100 Continue\r\n\r\nHTTP\/1\.1 )?200 OK\r\n/,
        `${transport}, ${what}`,
      )
      // A refusal may be out before the end of the client's side is seen.
      if (what !== 'a refusal') t.match(answer, /\r\nconnection: close\r\n/i)
      if (what !== 'HEAD' && what !== 'a refusal') t.equal(bodyOf(answer), 'the whole', `${transport}, ${what}`)
    }
    const piped = await askHalfClosed(
      connect({ port: started.port, allowHalfOpen: true }),
      `${REQUESTS['a length']}${REQUESTS['chunks that come late']}${REQUESTS['a length']}`,
    )
    t.same(piped.match(/HTTP\/1\.1 200 OK/g)?.length, 3, `${transport}, three in a row`)
    t.same(piped.match(/\r\nconnection: close\r\n/gi)?.length, 1, 'the last one says that it is')
    t.same(await takenOf(started), NOTHING_TAKEN)
  }
})

t.test('the same over TLS', { skip: !isOpensslHere }, async (t) => {
  const tls = makeCertificate(t.testdir({}), 'gateway.internal')
  const upstream = await startSlow(t)
  const started = await startTestGateway(t, { ...route(upstream.url), listen: { port: 0, tls } })
  for (const [what, bytes] of Object.entries(REQUESTS)) {
    const socket = connectTls({
      socket: connect({ port: started.port, allowHalfOpen: true }),
      rejectUnauthorized: false,
    })
    await once(socket, 'secureConnect')
    const answer = await askHalfClosed(socket, bytes)
    if (what !== 'HEAD' && what !== 'a refusal') t.equal(bodyOf(answer), 'the whole', what)
  }
  await eventually(async () => ((await takenOf(started))['requests_in_flight'] ?? 0) === 0, 'nothing is taken')
})

t.test('a client that left is found out, though it looked the same: what it took is given back', async (t) => {
  for (const [what, head] of Object.entries({
    'before the head': undefined,
    'in chunks': {},
    'in a stream of events': { 'content-type': 'text/event-stream' },
  })) {
    for (const version of ['1.1', '1.0']) {
      // What is neither chunked nor a stream of events has no place for a byte, and the upstream's idle time bounds it.
      if (version === '1.0' && what === 'in chunks') continue
      let closes = 0
      const upstream = await startUpstream(t, (_request, response) => {
        response.on('close', () => (closes += 1))
        if (head !== undefined) response.writeHead(200, head).write('data: begun\n\n')
      })
      const started = await startTestGateway(t, route(upstream.url))
      const client = await openRaw(t, started.port)
      client.write(`GET / HTTP/${version}\r\nHost: a\r\n\r\n`)
      if (head === undefined) await waitFor(() => upstream.requests.length === 1)
      else await client.until(/begun/)
      client.socket.destroy()
      await waitFor(() => closes === 1)
      await eventually(async () => ((await takenOf(started))['target_in_flight'] ?? 0) === 0, `${what}, ${version}`)
      t.same(await takenOf(started), NOTHING_TAKEN, `${what}, HTTP/${version}`)
    }
  }
})

t.test('a stream of events goes on for a client that ended its side and reads', async (t) => {
  let send = (_text: string): void => undefined
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    send = (text) => void response.write(`data: ${text}\n\n`)
    send('one')
  })
  const { port } = await startTestGateway(t, route(upstream.url))
  const socket = connect({ port, allowHalfOpen: true })
  let got = ''
  socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1'))).on('error', () => undefined)
  t.teardown(() => socket.destroy())
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await waitFor(() => got.includes('one'))
  socket.end()
  // The first three rounds of asking whether it is there.
  await waitFor(() => got.endsWith('000'))
  send('two')
  await waitFor(() => got.includes('two'))
  t.match(got, /\r\n0+b\r\ndata: two\n\n\r\n/, 'zeros before the size of a chunk mean nothing (RFC 9112 section 7.1)')
  await pause(1)
  t.notOk(socket.destroyed)
})

t.test(
  'it is asked for anew with each response: who leaves later, or behind a body with a length, is found out too',
  async (t) => {
    let closes = 0
    const upstream = await startUpstream(t, (request, response) => {
      response.on('close', () => (closes += 1))
      if (request.url === '/first') {
        response.writeHead(200, { 'content-length': '8' }).write('half')
        setTimeout(() => response.end('half'), 100)
      }
    })
    const started = await startTestGateway(t, route(upstream.url))
    const socket = connect({ port: started.port, allowHalfOpen: true })
    let got = ''
    socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1'))).on('error', () => undefined)
    socket.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /silent HTTP/1.1\r\nHost: a\r\n\r\n')
    await waitFor(() => got.endsWith('half'))
    socket.end()
    await waitFor(() => upstream.requests.some(({ url }) => url === '/silent'))
    socket.destroy()
    await waitFor(() => closes === 2)
    await eventually(async () => ((await takenOf(started))['requests_in_flight'] ?? 0) === 0, 'all is given back')
    t.same(await takenOf(started), NOTHING_TAKEN)
  },
)

const SWITCHES: Readonly<Record<string, string>> = {
  'another protocol':
    'POST /length HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi',
  'a WebSocket':
    'GET /length HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  'a tunnel': 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n',
}

t.test(
  'what was asked for before a wish to switch is answered, though the client ended its side behind it',
  async (t) => {
    const upstream = await startSlow(t)
    const options = route(upstream.url)
    const started = await startTestGateway(t, { ...options, routes: [{ ...options.routes[0], websocket: true }] })
    for (const before of ['a length', 'chunks that come late'] as const)
      for (const [what, bytes] of Object.entries(SWITCHES)) {
        const socket = connect({ port: started.port, allowHalfOpen: true })
        const answer = await askHalfClosed(socket, `${REQUESTS[before]}${bytes}`)
        const first = answer.split(/(?<=.)(?=HTTP\/1\.1 \d)/)[0] ?? ''
        t.match(first, /^HTTP\/1\.1 200 OK\r\n/, `${before}, then ${what}`)
        t.equal(bodyOf(first), 'the whole', `${before}, then ${what}`)
      }
    await eventually(
      async () => JSON.stringify(await takenOf(started)) === JSON.stringify(NOTHING_TAKEN),
      'all is given back',
    )
  },
)

t.test('half of a body whose request was answered early gets no second answer', async (t) => {
  for (const transport of ['direct', 'undici']) {
    const upstream = await startUpstream(t, (_request, response) => response.end('early'))
    const started = await startTestGateway(t, route(upstream.url, { transport }))
    for (const [what, begin] of [
      ['inside a chunk', 'Transfer-Encoding: chunked\r\n\r\nff\r\nhel'],
      ['between chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n'],
      ['inside a size', 'Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\nf'],
      ['inside a length', 'Content-Length: 100\r\n\r\nhel'],
    ] as const)
      for (const end of ['', 'no size\r\n']) {
        const socket = connect({ port: started.port, allowHalfOpen: true })
        const chunks: Buffer[] = []
        socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined)
        socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${begin}`)
        await once(socket, 'data')
        socket.end(end)
        await once(socket, 'end')
        socket.destroy()
        const answers = Buffer.concat(chunks).toString('latin1')
        t.same(answers.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200'], `${transport}, ${what}${end}`)
      }
  }
})

t.test('a response larger than a connection takes at once comes whole before a wish to switch', async (t) => {
  const size = 8_000_000
  const upstream = await startUpstream(t, (_request, response) => response.end(Buffer.alloc(size, 'x')))
  for (const transport of ['direct', 'undici']) {
    const options = route(upstream.url, { transport })
    const started = await startTestGateway(t, { ...options, routes: [{ ...options.routes[0], websocket: true }] })
    for (const [what, bytes] of Object.entries(SWITCHES))
      for (const ends of [false, true]) {
        const socket = connect({ port: started.port, allowHalfOpen: true })
        let got = 0
        socket.on('data', (chunk: Buffer) => (got += chunk.length)).on('error', () => undefined)
        socket.write(`${REQUESTS['a length']}${bytes}`)
        if (ends) socket.end()
        await eventually(() => got > size, `${transport}, ${what}`)
        socket.destroy()
      }
    await eventually(
      async () => JSON.stringify(await takenOf(started)) === JSON.stringify(NOTHING_TAKEN),
      'all is given back',
    )
  }
})
