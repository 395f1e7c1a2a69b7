// One of two gateways behind a real HAProxy is told to end while clients are at work: the other takes over, and nothing fails.
import t, { type Test } from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'

import { drillSize, tellFigure } from '../support/drill-size.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/gateway-process.ts'
import { startReloadable } from '../support/reloadable.ts'
import { requireComponent } from '../support/require-component.ts'
import { startSteadyUpstream, startTraffic } from '../support/steady-traffic.ts'
import { signHmac } from '../support/tokens.ts'
import { startWebSocketUpstream } from '../support/websocket.ts'

const HAPROXY = '/usr/sbin/haproxy'
const PATIENCE_MS = 60_000
/** The gateway serves on for longer than HAProxy takes to see that it is not ready. */
const FIRST = 'log: { access: off }\nshutdown: { delay: 2s, timeout: 10s }'
const REQUESTS = drillSize(500, 50_000)

interface Server {
  readonly port: number
  readonly adminUrl: string
}

/** Asks each gateway whether it is ready, and says of none that fails. No request is tried twice. */
async function startHaproxy(t: Test, servers: readonly Server[]): Promise<string> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  const file = join(temporaryDirectory(t), 'haproxy.cfg')
  writeFileSync(
    file,
    [
      'defaults',
      '  mode http',
      '  retries 0',
      '  timeout connect 5s',
      '  timeout client 60s',
      '  timeout server 60s',
      '  timeout tunnel 60s',
      'frontend in',
      `  bind 127.0.0.1:${port}`,
      '  default_backend gateways',
      'backend gateways',
      '  balance roundrobin',
      '  option httpchk GET /readyz',
      ...servers.map(
        (one, index) =>
          `  server g${index} 127.0.0.1:${one.port} check port ${new URL(one.adminUrl).port} inter 200ms fall 1 rise 1`,
      ),
      '',
    ].join('\n'),
  )
  const haproxy = spawn(HAPROXY, ['-db', '-f', file], { stdio: 'ignore' })
  t.teardown(() => haproxy.kill('SIGKILL'))
  const url = `http://127.0.0.1:${port}`
  await eventually(
    () =>
      fetch(url).then(
        () => true,
        () => false,
      ),
    'HAProxy serves',
    PATIENCE_MS,
    50,
  )
  return url
}

t.test('the other gateway takes over what is new, and what is under way is served to its end', async (t) => {
  if (!requireComponent(t, 'haproxy', HAPROXY)) return
  const [http, { url: ws }] = [await startSteadyUpstream(t), await startWebSocketUpstream(t)]
  const leaving = await startReloadable(t, { http, ws }, { first: FIRST })
  const staying = await startReloadable(t, { http, ws }, { first: FIRST })
  const url = await startHaproxy(t, [leaving, staying])
  const traffic = startTraffic(url, await signHmac(), 4)
  await eventually(() => traffic.total() > REQUESTS / 2, 'clients are at work', 10 * PATIENCE_MS, 50)
  const served = async () =>
    Number(/tollgate_requests_total\{route="\/same\/\*",status="200"\} (\d+)/.exec(await leaving.metrics())?.[1])
  t.ok((await served()) > 0, 'it has its share')

  const exited = once(leaving.child, 'exit')
  leaving.child.kill('SIGTERM')
  t.same(await exited, [0, null])
  const atEnd = traffic.total()
  await eventually(() => traffic.total() > atEnd + REQUESTS / 2, 'the other one serves all', 10 * PATIENCE_MS, 50)
  await traffic.stop()
  t.same(traffic.failures(), [])
  tellFigure(`a drain behind HAProxy: ${traffic.failures().length} failed of ${traffic.total()}`)
})
