// The end of what would last for ever: streams are told within the drain time, what is cut is told in the log, and some signals end nothing.
import t from 'tap'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'

import { eventually } from '../support/eventually.ts'
import { start, type Started } from '../support/gateway-process.ts'
import { startUpstream } from '../support/recording-upstream.ts'

const configText = (upstream: string, workers: number, timeout: string) => `
listen: { port: 0 }
admin: { port: 0 }
workers: ${workers}
shutdown: { timeout: ${timeout} }
upstreams: { up: { targets: ['${upstream}'] } }
routes: [{ path: '/*', upstream: up, auth: none, websocket: true }]
`

async function open(url: string): Promise<IncomingMessage> {
  const asking = get(url, { agent: false })
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  response.resume()
  return response
}

/** How a response ended: whole, or cut off. */
const endOf = (response: IncomingMessage) =>
  new Promise<'ended' | 'cut'>((resolve) => {
    response.on('end', () => resolve('ended')).on('error', () => resolve('cut'))
  })

const linesOf = ({ output }: Started, message: string) =>
  output()
    .split('\n')
    .filter((line) => line.includes(`"message":"${message}`))
    .map((line) => JSON.parse(line) as Record<string, unknown>)

for (const workers of [1, 2])
  t.test(`${workers} worker: streams are ended within the drain time, and what is cut is told`, async (t) => {
    const timers: NodeJS.Timeout[] = []
    const upstream = createServer((request, response) => {
      const isEvents = request.url !== '/download'
      response.writeHead(200, { 'content-type': isEvents ? 'text/event-stream' : 'application/octet-stream' })
      response.write('data: 1\n\n')
      if (request.url === '/busy') timers.push(setInterval(() => response.write('data: more\n\n'), 100))
    })
    const sockets = new WebSocketServer({ server: upstream })
    upstream.listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    t.teardown(() => {
      for (const timer of timers) clearInterval(timer)
      sockets.close()
      upstream.closeAllConnections()
      upstream.close()
    })
    const { port } = upstream.address() as AddressInfo
    const gateway = await start(t, configText(`http://127.0.0.1:${port}`, workers, '4s'))
    const still = endOf(await open(`${gateway.url}/still`))
    const busy = endOf(await open(`${gateway.url}/busy`))
    const download = endOf(await open(`${gateway.url}/download`))
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/socket`)
    await once(socket, 'open')
    const closed = once(socket, 'close') as Promise<[number]>

    gateway.child.kill('SIGTERM')
    t.equal((await closed)[0], 1001)
    t.equal(await still, 'ended')
    t.equal(await busy, 'ended', 'one that never stands still as well')
    t.same(linesOf(gateway, 'what is still under way is cut'), [], 'before anything is cut')
    t.equal(await download, 'cut', 'half of it must not pass for all')
    t.same(await once(gateway.child, 'exit'), [0, null])
    await eventually(() => linesOf(gateway, 'stopped').length === 1, 'the log has all of it')
    const cut = linesOf(gateway, 'request cut')
    t.match(cut, [{ method: 'GET', route: '/*', requestId: /./ }])
    t.equal(cut.length, 1)
    const counts = linesOf(gateway, 'what is still under way is cut').map(({ count }) => count)
    t.same(counts, [1], 'of the worker that had it')
  })

for (const workers of [1, 2])
  t.test(`${workers} worker: signals that end other servers end nothing and are told`, async (t) => {
    const upstream = await startUpstream(t)
    const gateway = await start(t, configText(upstream.url, workers, '10s'))
    // SIGHUP reloads the config, and SIGUSR2 restarts workers where there are some.
    for (const signal of ['SIGQUIT', ...(workers > 1 ? [] : (['SIGUSR2'] as const))] as const) {
      gateway.child.kill(signal)
      await eventually(
        () => linesOf(gateway, 'this signal does nothing').some((line) => line['signal'] === signal),
        signal,
      )
      t.equal((await open(gateway.url)).statusCode, 200, `${signal}: it serves`)
    }
    gateway.child.kill('SIGTERM')
    t.same(await once(gateway.child, 'exit'), [0, null])
  })
