// The last response of a connection of the fast lane, while the next request is there already.
import t from 'tap'

import { openRaw } from '../../support/raw-connection.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway } from '../../support/test-gateway.ts'
import { waitFor } from '../../support/wait-for.ts'

const HEAD = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'

t.test('a last response comes whole though the next request is there and nobody reads it', async (t) => {
  const body = 'x'.repeat(1_000_000)
  let finish: (() => void) | undefined
  const upstream = await startUpstream(t, (_request, response) => (finish = () => response.end(body)))
  const { port, gateway } = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    listen: { port: 0, parser: 'auto' },
  })
  const client = await openRaw(t, port)
  client.write(HEAD)
  await waitFor(() => finish !== undefined)
  client.socket.pause()
  client.write(`POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${'y'.repeat(300_000)}`)
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
  gateway.retire()
  finish?.()
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
  client.socket.resume()
  await waitFor(client.closed)
  const response = client.received()
  t.match(response.slice(0, 200), /^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n/)
  t.ok(response.endsWith(body), `${response.length} bytes came`)
})
