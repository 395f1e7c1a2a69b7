// A body that ends before its length, because the client ended its side: the client is told so, however much of it came.
import t from 'tap'
import { once } from 'node:events'
import { connect } from 'node:net'

import { startUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway } from '../../support/test-gateway.ts'

t.test('a body that ends before its length is refused, small or larger than what is held of it', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await startTestGateway(t, {
    listen: { port: 0, parser: 'auto' },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  for (const bytes of [0, 2, 1000, 65_000, 65_536, 66_000, 70_000, 89_999]) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const received: Buffer[] = []
    socket
      .on('data', (piece: Buffer) => received.push(piece))
      .on('end', () => socket.destroy())
      .on('error', () => undefined)
    socket.end(`PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n${'x'.repeat(bytes)}`)
    await once(socket, 'close', { signal: AbortSignal.timeout(5000) }).catch(() => socket.destroy())
    t.match(Buffer.concat(received).toString(), /^HTTP\/1\.1 400 [^]*request_invalid/, `${bytes} bytes came`)
  }
})
