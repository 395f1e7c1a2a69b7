import t from 'tap'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'

import { startGateway } from '../../gateway/src/operate/process/main.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { testConfig } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'
import { CannotStart } from '../../gateway/src/failure.ts'

const silent = pino({ level: 'silent' })
const BIN = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../../gateway/bin/tollgate.js')

t.test('the gateway and its admin listener serve, count, and tell whether they are ready', async (t) => {
  const upstream = await startUpstream(t)
  const config = testConfig({
    listen: { port: 0 },
    admin: { port: 0 },
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/api/*', upstream: 'up' }],
  })
  const { url, adminUrl, close } = await startGateway(config, silent)
  const token = await signHmac()
  for (let round = 0; round < 3; round += 1)
    await (await fetch(`${url}/api/x`, { headers: { authorization: `Bearer ${token}` } })).text()
  await (await fetch(`${url}/api/x`)).text()
  await (await fetch(`${url}/nope`)).text()

  t.match(await (await fetch(`${adminUrl}/livez`)).json(), { alive: true })
  t.match(await (await fetch(`${adminUrl}/readyz`)).json(), { ready: true, notReady: [] })
  const verbose = (await (await fetch(`${adminUrl}/readyz?verbose`)).json()) as {
    ok: { part: string; since: string }[]
  }
  t.same(
    verbose.ok.map(({ part }) => part),
    ['keys of issuer main', 'revocations', 'upstream up'],
  )
  for (const { since } of verbose.ok) t.ok(Date.parse(since) <= Date.now() && Date.parse(since) > Date.now() - 60_000)
  t.match(await (await fetch(`${adminUrl}/version`)).json(), { version: /^\d+\.\d+\.\d+$/ })
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text()
  for (const line of [
    'tollgate_requests_total{route="/api/*",status="200"} 3',
    'tollgate_requests_total{route="/api/*",status="401"} 1',
    'tollgate_request_duration_seconds_count{route="/api/*"} 4',
    'tollgate_request_duration_seconds_bucket{le="+Inf",route="/api/*"} 4',
    'tollgate_decisions_total{route="/api/*",code="accepted",enforced="true"} 3',
    'tollgate_decisions_total{route="/api/*",code="token_missing",enforced="true"} 1',
    'tollgate_token_cache_hits_total 2',
    'tollgate_token_cache_misses_total 1',
    'tollgate_token_cache_entries 1',
    'tollgate_requests_in_flight 0',
    'tollgate_keys{issuer="main"} 1',
    'tollgate_keys_failing{issuer="main"} 0',
  ]) {
    t.ok(metrics.includes(`${line}\n`), line)
  }
  t.notMatch(metrics, /alice|issuer\.example\.com/)
  await close()
  await t.rejects(fetch(`${url}/api/x`))
})

t.test('with admin.metrics off nothing is counted for requests, and the rest is still there', async (t) => {
  const upstream = await startUpstream(t)
  const config = testConfig({
    listen: { port: 0 },
    admin: { port: 0, metrics: 'off' },
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/api/*', upstream: 'up' }],
  })
  const { url, adminUrl, close } = await startGateway(config, silent)
  const headers = { authorization: `Bearer ${await signHmac()}` }
  for (let round = 0; round < 2; round += 1) t.equal((await fetch(`${url}/api/x`, { headers })).status, 200)
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text()
  t.notMatch(metrics, /tollgate_(requests_total|decisions_total)\{/)
  t.match(metrics, 'tollgate_request_duration_seconds_count{route="/api/*"} 0')
  t.match(metrics, 'tollgate_token_cache_hits_total 1')
  t.match(metrics, 'tollgate_keys{issuer="main"} 1')
  await close()
})

t.test('closing lets a request end, and does not wait for connections that are idle', async (t) => {
  let finish: (() => void) | undefined
  const upstream = await startUpstream(t, (_request, response) => {
    finish = () => response.end('done')
  })
  const config = testConfig({
    listen: { port: 0 },
    admin: { port: 0 },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  const { url, close } = await startGateway(config, silent)
  const answer = fetch(url)
  while (finish === undefined) await new Promise((resolve) => setImmediate(resolve))
  const closed = close()
  finish()
  t.equal(await (await answer).text(), 'done')
  const startedAt = performance.now()
  await closed
  t.ok(performance.now() - startedAt < 5000, 'far less than the keep-alive time')
})

t.test('a port in use and keys that cannot be used are one clear line', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const config = {
    upstreams: { up: { targets: ['http://127.0.0.1:1'] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  }
  await t.rejects(
    startGateway(testConfig({ ...config, listen: { port }, admin: { port: 0 } }), silent),
    new CannotStart(`port ${port} of 127.0.0.1 is in use (listen.port)`, ['listen', 0, 'port']),
  )
  await t.rejects(
    startGateway(testConfig({ ...config, listen: { port: 0 }, admin: { port } }), silent),
    new CannotStart(`port ${port} of 127.0.0.1 is in use (admin.port)`, ['admin', 'port']),
  )
  await t.rejects(
    startGateway(testConfig({ ...config, listen: { port: 0, host: '192.0.2.1' }, admin: { port: 0 } }), silent),
    /cannot be listened on \(EADDRNOTAVAIL\) \(listen\.host\)/,
  )
  const weak = { ...config, issuers: [hmacIssuer({ keys: { secret: { value: 'short' } } })] }
  await t.rejects(
    startGateway(testConfig({ ...weak, listen: { port: 0 }, admin: { port: 0 } }), silent),
    /issuer main: .*5 bytes, HS256 needs 32/,
  )
})

t.test('the process starts, serves, and ends cleanly at a signal; a broken config starts nothing', async (t) => {
  const upstream = await startUpstream(t)
  const directory = t.testdir({
    'good.yaml': `listen: { port: 0 }\nadmin: { port: 0 }\nupstreams: { up: { targets: ['${upstream.url}'] } }\nroutes: [{ path: '/*', upstream: up, auth: none }]\n`,
    'bad.yaml': 'routes: []\n',
  })
  const child = spawn(process.execPath, [BIN, 'run', '-c', join(directory, 'good.yaml')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  let seen = ''
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString()
    lines.splice(0, lines.length, ...seen.split('\n').slice(0, -1))
  })
  while (!seen.includes('listening')) await once(child.stdout, 'data')
  const { url } = JSON.parse(lines.find((line) => line.includes('listening')) ?? '{}') as { url: string }
  t.equal((await fetch(`${url}/x?token=secret`)).status, 200)
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number]
  t.equal(code, 0)
  t.match(seen, /"message":"request"/)
  t.notMatch(seen, /secret/)

  const failed = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, [BIN, 'run', '-c', join(directory, 'bad.yaml')], (error, _stdout, stderr) => {
      resolve({ code: error?.code, stderr })
    })
  })
  t.equal(failed.code, 1)
  t.match(failed.stderr, /routes: must not be empty[^]*nothing was started/)
  t.notMatch(failed.stderr, / at .*\.js:\d+/, 'no stack')
})
