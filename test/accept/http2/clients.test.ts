// Clients that people have, over HTTP/2: curl, h2load and a browser.
import t from 'tap'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { makeCertificate } from '../../support/certificates.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { requireComponent } from '../../support/require-component.ts'
import { requestLines } from '../../support/told.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { chromiumPath, launchBrowser } from '../../sample-backend/browser.ts'

const run = promisify(execFile)
const CURL = '/usr/bin/curl'
const H2LOAD = '/usr/bin/h2load'

async function start(t: Teardown, listen: Record<string, unknown>) {
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url === '/page')
      response
        .setHeader('content-type', 'text/html')
        .end('<script type=module>document.title=(await(await fetch("/x",{method:"POST",body:"abc"})).text())</script>')
    else request.resume().on('end', () => response.end('plain'))
  })
  const gateway = await startTestGateway(t, {
    listen,
    upstreams: { u: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'u', auth: 'none' }],
  })
  const protocols = () => [...new Set(requestLines(gateway).map(({ protocol }) => protocol))]
  return { protocols, ...gateway }
}

t.test('curl chooses HTTP/2 by ALPN, or begins with it; without either it stays with HTTP/1.1', async (t) => {
  if (!requireComponent(t, 'curl', CURL)) return
  const tls = makeCertificate(t.testdir(), 'localhost')
  const secure = await start(t, { tls })
  const secureUrl = `https://localhost:${secure.port}/x`
  const of = async (...args: string[]) =>
    (await run(CURL, ['-sS', '-o', '/dev/null', '-w', '%{http_version} %{http_code}', ...args])).stdout
  const resolve = ['--cacert', tls.cert, '--resolve', `localhost:${secure.port}:127.0.0.1`]
  t.equal(await of(...resolve, '--http2', secureUrl), '2 200')
  t.equal(await of(...resolve, '--http1.1', secureUrl), '1.1 200')
  t.equal(await of(...resolve, '--http2', '-T', tls.cert, secureUrl), '2 200')
  const off = await start(t, { tls, http2: false })
  t.equal(
    await of('--cacert', tls.cert, '--connect-to', `::127.0.0.1:${off.port}`, '--http2', 'https://localhost/x'),
    '1.1 200',
  )
  const plain = await start(t, { h2c: true })
  t.equal(await of('--http2-prior-knowledge', `${plain.url}/x`), '2 200')
  t.equal(await of('--http2', `${plain.url}/x`), '1.1 200', 'the upgrade of RFC 7540, which RFC 9113 took back')
  t.equal(await of(`${plain.url}/x`), '1.1 200')
  const noH2c = await start(t, {})
  await t.rejects(of('--http2-prior-knowledge', `${noH2c.url}/x`))
})

t.test('h2load: thousands of requests over few connections, each answered', async (t) => {
  if (!requireComponent(t, 'h2load', H2LOAD)) return
  const { url, protocols, gateway } = await start(t, { h2c: true })
  const { stdout } = await run(H2LOAD, ['-n', '3000', '-c', '3', '-m', '50', `${url}/x`])
  t.match(stdout, /3000 succeeded, 0 failed/)
  const upload = await run(H2LOAD, ['-n', '60', '-c', '2', '-m', '20', '-d', H2LOAD, `${url}/x`])
  t.match(upload.stdout, /60 succeeded, 0 failed/, 'with a body')
  t.same(protocols(), ['HTTP/2.0'])
  t.match(await gateway.metrics.text(), /tollgate_parser_requests_total\{parser="http2",reason=""\} 3060/)
})

t.test('a browser over HTTP/2', async (t) => {
  if (!requireComponent(t, 'Chromium', chromiumPath)) return
  const tls = makeCertificate(t.testdir(), 'localhost')
  const { port, protocols } = await start(t, { tls })
  const browser = await launchBrowser(t)
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage()
  await page.goto(`https://localhost:${port}/page`)
  await page.waitForFunction('document.title === "plain"')
  t.same(protocols(), ['HTTP/2.0'])
})
