// What the supervision of connections does, over TLS: clients that left are found out, drains are told, other protocols refused.
import t from 'tap'
import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'

import { makeCertificate } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { requireComponent } from '../support/require-component.ts'
import { NOTHING_TAKEN, takenOf } from '../support/taken.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { requestLines } from '../support/told.ts'
import { waitFor } from '../support/wait-for.ts'

const skip = !requireComponent(t, 'openssl', '/usr/bin/openssl')

async function open(t: Teardown, port: number): Promise<{ socket: TLSSocket; got: () => string }> {
  const socket = connectTls({ socket: connect({ port, allowHalfOpen: true }), rejectUnauthorized: false })
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => pieces.push(piece)).on('error', () => undefined)
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  return { socket, got: () => Buffer.concat(pieces).toString('latin1') }
}

async function start(t: Teardown, directory: string) {
  let closes = 0
  const upstream = await startUpstream(t, (request, response) => {
    response.on('close', () => (closes += 1))
    const kind = request.url?.slice(1) ?? ''
    if (kind === 'chunks') response.write('data: begun\n\n')
    if (kind === 'events') response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: begun\n\n')
    if (kind === 'late') request.on('end', () => setTimeout(() => response.end('late'), 100))
  })
  const gateway = await startTestGateway(t, {
    listen: { port: 0, tls: makeCertificate(directory, 'gateway.internal') },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  return { ...gateway, started: gateway, upstream, closes: () => closes }
}

t.test('a client that left is found out: what it took is given back', { skip }, async (t) => {
  const { port, started, upstream, closes } = await start(t, t.testdir({}))
  let clients = 0
  for (const kind of ['nothing', 'chunks', 'events'])
    for (const [form, fields, body] of [
      ['plain', '', ''],
      ['for Node’s parser', 'Transfer-Encoding: chunked\r\n', '0\r\n\r\n'],
    ] as const) {
      clients += 1
      const client = await open(t, port)
      client.socket.write(`POST /${kind} HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`)
      if (kind === 'nothing') await waitFor(() => upstream.requests.length === clients)
      else await waitFor(() => client.got().includes('begun'))
      client.socket.destroy()
      await waitFor(() => closes() === clients)
      await eventually(async () => ((await takenOf(started))['target_in_flight'] ?? 0) === 0, `${kind}, ${form}`)
      t.same(await takenOf(started), NOTHING_TAKEN, `${kind}, ${form}`)
    }
  t.ok(
    requestLines(started).every(({ client }) => client === '127.0.0.1'),
    'the lines say who it was',
  )
})

t.test('at a drain, the response under way says that it is the last of its connection', { skip }, async (t) => {
  const { gateway, port, upstream } = await start(t, t.testdir({}))
  for (const [fields, body] of [
    ['', ''],
    ['Transfer-Encoding: chunked\r\n', '0\r\n\r\n'],
  ]) {
    const { socket, got } = await open(t, port)
    const before = upstream.requests.length
    socket.write(`POST /late HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`)
    await waitFor(() => upstream.requests.length === before + 1)
    gateway.retire()
    await waitFor(() => got().includes('late'))
    t.match(got(), /\r\nconnection: close\r\n/i)
  }
})

t.test('what a gateway does not speak is refused as without TLS', { skip }, async (t) => {
  const { port } = await start(t, t.testdir({}))
  const { socket, got } = await open(t, port)
  socket.write('GET /late RTSP/1.0\r\n\r\n')
  await waitFor(() => got().includes('\r\n\r\n'))
  t.match(got(), /^HTTP\/1\.1 505 /)
})
