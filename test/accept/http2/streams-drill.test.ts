// Attack: thousands of streams on one connection, then the client goes away. Defence: everything of each of them is let go.
import t from 'tap'
import { once } from 'node:events'
import { connect } from 'node:http2'

import { drillSize, tellFigure } from '../../support/drill-size.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway } from '../../support/test-gateway.ts'
import { waitFor } from '../../support/wait-for.ts'

const STREAMS = drillSize(500, 10_000)
const WITHIN_MS = 60_000

t.test(
  'streams of a client that goes away are over, and so are their requests to the upstream',
  { timeout: 300_000 },
  async (t) => {
    let open = 0
    const upstream = await startUpstream(t, (request, response) => {
      open += 1
      request.resume()
      response.on('close', () => (open -= 1))
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
    })
    const { gateway, url } = await startTestGateway(t, {
      log: { access: 'off' },
      listen: { h2c: true, streams: STREAMS },
      limits: { inFlight: STREAMS + 10 },
      upstreams: { u: { targets: [upstream.url], connections: STREAMS } },
      routes: [{ path: '/*', upstream: 'u', auth: 'none' }],
    })
    const count = async () => Number(/^tollgate_requests_in_flight (\d+)$/m.exec(await gateway.metrics.text())?.[1])
    const memory = () => {
      globalThis.gc?.()
      return process.memoryUsage().rss
    }
    const before = memory()
    for (const ends of ['resets each', 'goes away', 'goes away again']) {
      const session = connect(url)
      session.on('error', () => undefined)
      await once(session, 'remoteSettings')
      let begun = 0
      const streams = Array.from({ length: STREAMS }, (_, index) =>
        session
          .request({ ':path': `/${index}` })
          .on('error', () => undefined)
          .once('data', () => (begun += 1)),
      )
      await waitFor(() => begun === STREAMS && open === STREAMS, WITHIN_MS)
      t.equal(await count(), STREAMS)
      const startMs = performance.now()
      if (ends === 'resets each') for (const stream of streams) stream.close(8)
      else session.destroy()
      await waitFor(() => open === 0, WITHIN_MS)
      t.equal(await count(), 0, ends)
      session.destroy()
      tellFigure(
        `${STREAMS} streams of one connection, the client ${ends}: let go in ${Math.round(performance.now() - startMs)} ms, ${Math.round((memory() - before) / STREAMS)} bytes a stream more than at the start`,
      )
    }
    await waitFor(() => upstream.open() === 0, WITHIN_MS)
  },
)
