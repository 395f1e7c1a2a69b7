import t from 'tap'

import { openWebSocket, nextMessage, startWebSocketUpstream } from '../support/websocket.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'

t.test('a message crosses', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const { url } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/ws', upstream: 'up', websocket: true }],
  })
  const { socket, status } = await openWebSocket(`${url}/ws?x=1`, [], {
    headers: { authorization: `Bearer ${await signHmac({})}` },
  })
  t.equal(status, 101)
  const answer = nextMessage(socket)
  socket.send('hello')
  t.equal(await answer, 'hello')
  t.ok(upstream.handshakes[0]?.headers['x-auth-result'])
  socket.terminate()
})
