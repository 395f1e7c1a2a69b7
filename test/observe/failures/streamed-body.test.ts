// A body whose size nobody announced is told by what came of it, and what is allowed.
import t from 'tap'

import { startUpstream } from '../../support/recording-upstream.ts'
import { sendRaw } from '../../support/raw-http.ts'
import { startTestGateway } from '../../support/test-gateway.ts'

t.test('a streamed body that is too large is told with both numbers, over both transports', async (t) => {
  for (const transport of ['direct', 'undici']) {
    const upstream = await startUpstream(t)
    const { port, lines } = await startTestGateway(t, {
      limits: { bodyBytes: '1KiB' },
      upstreams: { up: { targets: [upstream.url], transport } },
      routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    })
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`
    const head = 'POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n'
    await sendRaw(port, `${head}${chunk}${chunk}0\r\n\r\n`, 50)
    const told = lines.find(({ code, cause }) => code === 'body_too_large' && cause !== undefined)
    t.match(JSON.stringify(told?.['cause']), /\d{4} bytes and more came, allowed are 1024 \(bodyBytes\)/, transport)
  }
})
