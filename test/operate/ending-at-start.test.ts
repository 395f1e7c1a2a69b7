// A signal that comes before the gateway says that it listens: nothing that is served already is lost, and the exit code is 0.
import t from 'tap'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import { eventually } from '../support/eventually.ts'
import { run, temporaryDirectory } from '../support/gateway-process.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import type { Teardown } from '../support/test-gateway.ts'
import { createSigner } from '../support/tokens.ts'

async function listening(t: Teardown, answer: (response: ServerResponse, count: number) => void) {
  let count = 0
  const server = createServer((_request, response) => {
    count += 1
    answer(response, count)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => count }
}

/** Two that were free a moment ago. */
async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer().listen(0, '127.0.0.1'), createServer().listen(0, '127.0.0.1')]
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const [one, two] = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return [one ?? 0, two ?? 0]
}

async function get(url: string): Promise<IncomingMessage> {
  const asking = request(url, { agent: false }).end()
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  response.resume()
  return response
}

async function begin(t: Teardown, workers: number, issuer: string, upstream: string, shutdown: string) {
  const [port, adminPort] = await freePorts()
  const file = join(temporaryDirectory(t), 'gateway.yaml')
  writeFileSync(
    file,
    `
listen: { port: ${port} }
admin: { port: ${adminPort} }
workers: ${workers}
startTimeout: 1h
shutdown: ${shutdown}
issuers: [{ name: i, issuer: 'https://i.example.com', audiences: [a], algorithms: [ES256], keys: { jwksUrl: '${issuer}', timeout: 1h } }]
upstreams: { up: { targets: ['${upstream}'] } }
routes: [{ path: '/*', upstream: up, auth: none }, { path: /closed, upstream: up }]
`,
  )
  return { ...run(t, file), url: `http://127.0.0.1:${port}`, adminUrl: `http://127.0.0.1:${adminPort}` }
}

t.test('a worker serves, the other still waits for keys: what is under way is answered first', async (t) => {
  const { jwk } = await createSigner('ES256', 'k')
  // The first fetch is answered, and no other.
  const issuer = await listening(t, (response, count) => {
    if (count === 1) response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }))
  })
  let finish = (): void => undefined
  const upstream = await startUpstream(t, (incoming, response) => {
    if (incoming.url === '/slow') finish = () => response.end('slow')
    else response.end('ok')
  })
  const gateway = await begin(t, 2, issuer.url, upstream.url, '{ delay: 3s, timeout: 5s }')
  await eventually(
    () =>
      get(`${gateway.url}/`).then(
        ({ statusCode }) => statusCode === 200,
        () => false,
      ),
    'the first worker serves',
  )
  await eventually(() => issuer.asked() === 2, 'the other waits')
  const slow = get(`${gateway.url}/slow`)
  await eventually(() => upstream.requests.some(({ url }) => url === '/slow'), 'it is under way')
  t.notMatch(gateway.output(), '"listening"')

  const exited = once(gateway.child, 'exit')
  gateway.child.kill('SIGTERM')
  await eventually(async () => (await fetch(`${gateway.adminUrl}/readyz`)).status === 503, 'it is not ready')
  const fresh = await get(`${gateway.url}/fresh`)
  t.equal(fresh.statusCode, 200, 'within shutdown.delay all is served')
  t.equal(fresh.headers.connection, 'close')
  finish()
  t.equal((await slow).statusCode, 200)
  t.same(await exited, [0, null])
  t.match(gateway.output(), /"stopInMs":3000.*"shutting down"/)
  t.match(gateway.output(), '"stopped"')
  t.notMatch(gateway.output(), /"listening"|started again/)
})

for (const workers of [1, 2]) {
  t.test(`${workers} worker: nothing serves yet, so that nothing is waited for`, async (t) => {
    const issuer = await listening(t, () => undefined)
    const gateway = await begin(t, workers, issuer.url, issuer.url, '{ delay: 1h, timeout: 1h }')
    await eventually(() => issuer.asked() === workers, 'it waits for keys')
    const exited = once(gateway.child, 'exit')
    gateway.child.kill('SIGTERM')
    t.same(await exited, [0, null])
    t.match(gateway.output(), /"stopInMs":0.*"shutting down"/)
    t.match(gateway.output(), '"stopped"')
    t.equal(gateway.errors(), '')
  })

  t.test(`${workers} worker: a second signal ends it at once, also within shutdown.delay`, async (t) => {
    const issuer = await listening(t, (response) => response.end('{"keys":[]}'))
    const gateway = await begin(t, workers, issuer.url, issuer.url, '{ delay: 1h, timeout: 1h }')
    await eventually(() => gateway.output().includes('"listening"'), 'it serves')
    const exited = once(gateway.child, 'exit')
    gateway.child.kill('SIGTERM')
    await eventually(() => gateway.output().includes('"shutting down"'), 'it waits')
    gateway.child.kill('SIGINT')
    t.same(await exited, [1, null])
  })
}
