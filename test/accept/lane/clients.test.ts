// Requests of the clients that people have are taken by the fast lane, each as it comes from the real client.
import t, { type Test } from 'tap'
import { execFile } from 'node:child_process'
import { Agent, get } from 'node:http'
import { promisify } from 'node:util'

import { startUpstream, type RecordedRequest } from '../../support/recording-upstream.ts'
import { requireComponent } from '../../support/require-component.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { chromiumPath, launchBrowser } from '../../sample-backend/browser.ts'

const run = promisify(execFile)
const LARGE = 2_000_000

interface Gateway {
  readonly url: string
  readonly port: number
  readonly requests: readonly RecordedRequest[]
  /** Those that Node's parser read. */
  readonly ofNode: string[]
}

async function start(t: Teardown): Promise<Gateway> {
  const upstream = await startUpstream(t)
  const { gateway, url, port } = await startTestGateway(t, {
    listen: { port: 0, parser: 'auto' },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  const ofNode: string[] = []
  gateway.listeners.current[0]?.server.server.on(
    'request',
    ({ method, url: target }) => void ofNode.push(`${method} ${target}`),
  )
  return { url, port, requests: upstream.requests, ofNode }
}

/** Some of the clients are large, or no programs. `must`: everything is installed where all tests are run. */
async function canRun(name: string, must: boolean, command: string, ...args: string[]): Promise<boolean> {
  try {
    await run(command, args)
    return true
  } catch {
    const line = `${name} cannot be run`
    if (must && process.env['CI'] === 'true') t.fail(`${line}, and this run must have everything`)
    process.stderr.write(`\n*** SKIPPED: ${line}; whether the lane takes its requests is not proved ***\n\n`)
    return false
  }
}
const hasRequests = await canRun('Python’s requests', true, '/usr/bin/python3', '-c', 'import requests')
const hasJava = await canRun('Java', false, '/usr/bin/java', '-version')

/** What a client asked for came, and all of it by the lane. */
function allTaken(t: Test, { requests, ofNode }: Gateway, paths: readonly string[]): void {
  t.same(
    requests.map(({ url }) => url.slice(1)),
    paths,
  )
  t.same(ofNode, [], 'none was for the parser of Node')
}

t.test('the measure itself: a request in chunks is one of Node’s parser', async (t) => {
  const gateway = await start(t)
  const body = new Blob(['ok']).stream()
  t.equal((await fetch(`${gateway.url}/chunks`, { method: 'PUT', body, duplex: 'half' })).status, 200)
  t.same(gateway.ofNode, ['PUT /chunks'])
})

t.test('curl', { skip: !requireComponent(t, 'curl', '/usr/bin/curl') }, async (t) => {
  const gateway = await start(t)
  const { url } = gateway
  const curl = (...args: string[]) => run('/usr/bin/curl', ['-sS', '--fail', '--max-time', '20', ...args])
  await curl(`${url}/get?a=%2F&b`, `${url}/again`)
  await curl('-d', 'a=1', `${url}/form`)
  await curl('-X', 'DELETE', '-H', 'Authorization: Bearer a.b.c', '-b', 'a=b; c=d', `${url}/delete`)
  await curl('-I', `${url}/head`)
  await curl('-F', 'a=b', `${url}/parts`)
  allTaken(t, gateway, ['get?a=%2F&b', 'again', 'form', 'delete', 'head', 'parts'])
})

t.test('Node: fetch, and http.get with and without keep-alive', async (t) => {
  const gateway = await start(t)
  const { url } = gateway
  await (await fetch(`${url}/get`, { headers: { authorization: 'Bearer a.b.c', cookie: 'a=b' } })).text()
  await (
    await fetch(`${url}/json`, { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } })
  ).text()
  await (await fetch(`${url}/large`, { method: 'PUT', body: Buffer.alloc(LARGE) })).text()
  await fetch(`${url}/head`, { method: 'HEAD' })
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => {
    agent.destroy()
  })
  for (const [path, options] of [
    ['kept', { agent }],
    ['closed', { agent: false }],
  ] as const)
    await new Promise((resolve, reject) => {
      get(`${url}/${path}`, options, (response) => response.resume().on('end', resolve)).on('error', reject)
    })
  allTaken(t, gateway, ['get', 'json', 'large', 'head', 'kept', 'closed'])
  t.equal(gateway.requests[2]?.body.length, LARGE)
})

t.test('Python’s requests', { skip: !hasRequests }, async (t) => {
  const gateway = await start(t)
  const { stdout } = await run('/usr/bin/python3', ['test/clients/session.py', String(gateway.port)])
  t.equal(stdout.match(/ 200 /g)?.length, 7, stdout)
  allTaken(t, gateway, ['get?a=%2F&b=', 'form', 'json', 'file', 'large', 'head', 'bearer'])
})

t.test('Python’s http.client', { skip: !requireComponent(t, 'python3', '/usr/bin/python3') }, async (t) => {
  const gateway = await start(t)
  const asks = ['GET', 'POST', 'DELETE'].map(
    (method) =>
      `c.request("${method}", "/${method}", ${method === 'POST' ? 'b"x" * 9000' : 'None'}); c.getresponse().read()`,
  )
  const program = [
    'import http.client',
    `c = http.client.HTTPConnection("127.0.0.1", ${gateway.port}, timeout=20)`,
    ...asks,
  ]
  await run('/usr/bin/python3', ['-c', program.join('\n')])
  allTaken(t, gateway, ['GET', 'POST', 'DELETE'])
})

t.test('Java: HttpClient and HttpURLConnection', { skip: !hasJava, timeout: 90_000 }, async (t) => {
  const gateway = await start(t)
  const java = ['-XX:TieredStopAtLevel=1', 'test/clients/Plain.java', String(gateway.port)]
  const { stdout } = await run('/usr/bin/java', java)
  t.equal(stdout, 'GET 200\nPOST 200\nDELETE 200\nold 200\n')
  allTaken(t, gateway, ['GET', 'POST', 'DELETE', 'old'])
})

t.test('wrk', { skip: !requireComponent(t, 'wrk', '/usr/bin/wrk') }, async (t) => {
  const { url, requests, ofNode } = await start(t)
  const { stdout } = await run('/usr/bin/wrk', [
    '-t1',
    '-c4',
    '-d1s',
    '-H',
    'Authorization: Bearer a.b.c',
    `${url}/wrk`,
  ])
  t.match(stdout, /requests in/)
  t.notMatch(stdout, /Non-2xx/)
  t.ok(requests.length > 10)
  t.same(ofNode, [])
})

t.test(
  'Chromium: a page, what it loads, and its scripts',
  { skip: !requireComponent(t, 'chromium', chromiumPath), timeout: 60_000 },
  async (t) => {
    const gateway = await start(t)
    const browser = await launchBrowser(t)
    const page = await browser.newPage()
    await page.goto(`${gateway.url}/page`)
    // In the page: its own code, as text.
    const script = `Promise.all([
    fetch('/get', { headers: { authorization: 'Bearer a.b.c' } }),
    fetch('/json', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }),
    fetch('/large', { method: 'PUT', body: 'x'.repeat(${LARGE}) }),
  ]).then((answers) => answers.map(({ status }) => status).join())`
    t.equal(await page.evaluate(script), '200,200,200')
    await page.reload()
    const paths = gateway.requests.map(({ url }) => url)
    for (const path of ['/page', '/get', '/json', '/large']) t.ok(paths.includes(path), path)
    t.same(gateway.ofNode, [], 'none was for the parser of Node')
  },
)
