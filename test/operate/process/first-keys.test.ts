// The first request after `listening` is answered as all others: keys are here by then, or it waits for the fetch under way.
import t from 'tap'
import { createServer, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'

import { eventually } from '../../support/eventually.ts'
import { start } from '../../support/gateway-process.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import type { Teardown } from '../../support/test-gateway.ts'
import { createSigner, ISSUER } from '../../support/tokens.ts'
import { freePort } from '../../../bench/harness/free-port.ts'

const signer = await createSigner('ES256')
const upstream = await startUpstream(t)

/** Serves the key set as `answer` does; closed before it listens where there is none. */
async function startKeys(t: Teardown, answer: ((send: () => void) => void) | undefined): Promise<string> {
  const server = createServer((_request, response: ServerResponse) => {
    answer?.(() => response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [signer.jwk] })))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  if (answer === undefined) server.close()
  else
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
  return `http://127.0.0.1:${port}/jwks`
}

const configText = (jwksUrl: string, workers: number, startTimeout: string) => `
listen: { port: 0 }
admin: { port: 0 }
workers: ${workers}
startTimeout: ${startTimeout}
issuers: [{ name: main, issuer: '${ISSUER}', algorithms: [ES256], keys: { jwksUrl: '${jwksUrl}', timeout: 3s } }]
upstreams: { up: { targets: ['${upstream.url}'] } }
routes: [{ path: '/*', upstream: up }]
`

interface Answer {
  readonly status: number
  readonly code: string | null
}

async function ask(url: string, token: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, connection: 'close' }
  const response = await fetch(url, { headers })
  await response.text()
  return { status: response.status, code: response.headers.get('x-tollgate') }
}

const after = (ms: number) => (send: () => void) => void setTimeout(send, ms)
const MISSING = 'starts without the keys of this issuer: its tokens are answered 503 until they come'
const UNAVAILABLE = { status: 503, code: 'keys_unavailable' }
const PASSED = { status: 200, code: null }

const CASES = [
  { issuer: 'answers at once', answer: after(0), startTimeout: '10s', first: PASSED, told: undefined },
  { issuer: 'answers after 1 s', answer: after(1000), startTimeout: '10s', first: PASSED, told: undefined },
  {
    issuer: 'answers after startTimeout',
    answer: after(1500),
    startTimeout: '200ms',
    first: PASSED,
    told: /did not come within startTimeout \(0.2 s\)/,
  },
  { issuer: 'never answers', answer: () => undefined, startTimeout: '500ms', first: UNAVAILABLE, told: /startTimeout/ },
  { issuer: 'refuses', answer: undefined, startTimeout: '10s', first: UNAVAILABLE, told: /ECONNREFUSED|refused/i },
]

for (const workers of [1, 2])
  for (const { issuer, answer, startTimeout, first, told } of CASES)
    t.test(`${workers} worker, an issuer that ${issuer}: the first request is ${first.status}`, async (t) => {
      const gateway = await start(t, configText(await startKeys(t, answer), workers, startTimeout))
      const token = await signer.sign()
      // As many connections as there are workers, so that each gets one.
      const answers = await Promise.all(Array.from({ length: 2 * workers }, () => ask(gateway.url, token)))
      for (const one of answers) t.same(one, first)
      const lines = () =>
        gateway
          .output()
          .split('\n')
          .filter((line) => line.includes(MISSING))
      if (told === undefined) t.same(lines(), [])
      else await eventually(() => lines().length === workers, 'each worker says so')
      for (const line of lines()) t.match(line, told ?? /nothing/)
    })

t.test('the admin listener answers while a start waits for keys, and nothing listens yet', async (t) => {
  let answer = (): void => undefined
  const jwksUrl = await startKeys(t, (send) => (answer = send))
  const port = await freePort()
  const adminPort = await freePort()
  const text = configText(jwksUrl, 1, '10s')
    .replace('listen: { port: 0 }', `listen: { port: ${port} }`)
    .replace('admin: { port: 0 }', `admin: { port: ${adminPort} }`)
  const starting = start(t, text)
  let ready: Response | undefined
  while (ready === undefined) ready = await fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined)
  t.equal(ready.status, 503)
  t.match(await ready.json(), { notReady: [{ part: 'keys of issuer main', reason: 'not fetched yet' }] })
  const socket = connect(port, '127.0.0.1')
  const [refused] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
  t.equal(refused.code, 'ECONNREFUSED')
  answer()
  const { url, adminUrl } = await starting
  t.same(await ask(url, await signer.sign()), PASSED)
  t.equal((await fetch(`${adminUrl}/readyz`)).status, 200)
})
