import t from 'tap'
import { once } from 'node:events'
import { request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { run, start, workersOf, type Started } from '../../support/gateway-process.ts'
import { startUpstream } from '../../support/recording-upstream.ts'

function configText(upstream: string, listen = '{ port: 0 }'): string {
  return `
listen: ${listen}
admin: { port: 0 }
workers: 2
issuers: [{ name: main, algorithms: [HS256], keys: { secret: { value: a-secret-of-more-than-32-characters } } }]
upstreams: { up: { targets: ['${upstream}'] } }
routes:
  - { path: '/open/*', upstream: up, auth: none }
  - { path: '/*', upstream: up }
`
}

/** On a connection of its own: connections are given to the workers in turn. */
function get(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { agent: false }, (response) => {
      response.resume()
      response.on('end', () => {
        resolve(response.statusCode ?? 0)
      })
    })
      .on('error', reject)
      .end()
  })
}

const metricsOf = async ({ adminUrl }: Started) => (await fetch(`${adminUrl}/metrics`)).text()

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(20)
}

t.test('two workers serve one port and are counted as one gateway', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await start(t, configText(upstream.url))
  t.equal(workersOf(gateway).length, 2)
  for (let round = 0; round < 10; round += 1) t.equal(await get(`${gateway.url}/open/x`), 200)
  t.equal(await get(`${gateway.url}/x`), 401)

  const metrics = await metricsOf(gateway)
  for (const line of [
    'tollgate_requests_total{route="/open/*",status="200"} 10',
    'tollgate_request_duration_seconds_count{route="/open/*"} 10',
    'tollgate_decisions_total{route="/*",code="token_missing",enforced="true"} 1',
    'tollgate_keys{issuer="main"} 1',
    'tollgate_workers 2',
    'tollgate_worker_restarts_total 0',
  ])
    t.ok(metrics.includes(`${line}\n`), line)
  t.match(metrics, /tollgate_build_info\{[^}]*\} 1\n/, 'not their sum')
  t.match(await (await fetch(`${gateway.adminUrl}/readyz`)).json(), { ready: true, notReady: [] })
})

t.test('a worker that is killed is started again, and the others serve meanwhile', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await start(t, configText(upstream.url))
  const [victim = 0] = workersOf(gateway)
  process.kill(victim, 'SIGKILL')
  await until(async () => (await metricsOf(gateway)).includes('tollgate_worker_restarts_total 1\n'))
  for (let round = 0; round < 4; round += 1) t.equal(await get(`${gateway.url}/open/x`), 200)
  await until(async () => (await metricsOf(gateway)).includes('tollgate_workers 2\n'))
  t.notOk(workersOf(gateway).includes(victim))
  for (let round = 0; round < 4; round += 1) t.equal(await get(`${gateway.url}/open/x`), 200)
  await until(() => gateway.output().includes('a worker ended and is started again'))
  t.match(gateway.output(), /"ended":"SIGKILL"/)
})

t.test('SIGTERM drains every worker: what has begun is answered, and nothing is left running', async (t) => {
  const waiting: (() => void)[] = []
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url === '/open/probe') response.end()
    else waiting.push(() => response.end('done'))
  })
  const gateway = await start(t, configText(upstream.url))
  const answers = [get(`${gateway.url}/open/1`), get(`${gateway.url}/open/2`)]
  await until(() => waiting.length === 2)
  const workers = workersOf(gateway)
  const exit = once(gateway.child, 'exit')
  gateway.child.kill('SIGTERM')
  await until(() =>
    get(`${gateway.url}/open/probe`).then(
      () => false,
      () => true,
    ),
  )
  for (const finish of waiting) finish()
  t.same(await Promise.all(answers), [200, 200])
  t.same(await exit, [0, null])
  for (const pid of workers) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  t.match(gateway.output(), /"message":"stopped"/)
})

t.test(
  'a port that is in use is one clear line at its place, with workers and without, and nothing stays behind',
  async (t) => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    t.teardown(() => taken.close())
    const { port } = taken.address() as AddressInfo
    for (const workers of [1, 2]) {
      for (const option of ['listen', 'admin']) {
        const other = option === 'listen' ? 'admin' : 'listen'
        const text = `${option}: { port: ${port} }
${other}: { port: 0 }
workers: ${workers}
upstreams: { up: { targets: [http://127.0.0.1:1] } }
routes: [{ path: /*, upstream: up, auth: none }]
`
        const file = join(t.testdir({ 'gateway.yaml': text }), 'gateway.yaml')
        const { child, errors } = run(t, file)
        const [code] = (await once(child, 'close')) as [number]
        t.equal(code, 1)
        const place = `${file}:1:${option.length + 11}`
        t.equal(
          errors(),
          `${place} error: port ${port} of 127.0.0.1 is in use (${option}.port)\n`,
          `${option} with ${workers} at work`,
        )
      }
    }
  },
)

t.test('workers do not outlive a primary that is killed', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await start(t, configText(upstream.url))
  const workers = workersOf(gateway)
  t.equal(workers.length, 2)
  const exit = once(gateway.child, 'exit')
  gateway.child.kill('SIGKILL')
  await exit
  const isGone = (pid: number) => {
    try {
      process.kill(pid, 0)
      return false
    } catch {
      return true
    }
  }
  await until(() => workers.every(isGone))
  await t.rejects(get(`${gateway.url}/open/x`))
})
