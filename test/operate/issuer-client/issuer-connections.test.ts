// Key sets behind certificates of one's own, headers and proxies: real sockets, real TLS.
import t from 'tap'
import type { Test } from 'tap'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttp, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'

import { createFetchJson } from '../../../gateway/src/operate/issuer-client/fetch-json.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway } from '../../support/test-gateway.ts'
import { createSigner, ISSUER } from '../../support/tokens.ts'
import { waitFor } from '../../support/wait-for.ts'

const limits = { timeoutMs: 3000, maxBytes: 10_000 }
const folder = t.testdir({})
const trusted = makeCertificate(folder, 'localhost')
const ca = readFileSync(trusted.cert, 'utf8')
const tls = { cert: ca, key: readFileSync(trusted.key) }

async function listen(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function startIssuer(t: Test, isSecure: boolean) {
  const seen: IncomingMessage[] = []
  const listener = (request: IncomingMessage, response: { end(text: string): unknown }) => {
    seen.push(request)
    response.end('{"keys":[]}')
  }
  const port = await listen(t, isSecure ? createHttps(tls, listener) : createHttp(listener))
  return { port, seen, url: `${isSecure ? 'https' : 'http'}://localhost:${port}/jwks` }
}

/** Counts what it is asked for, and leads every name to 127.0.0.1. */
async function startProxy(t: Test) {
  const asked: string[] = []
  const server = createHttp((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`.trim())
    const { port, pathname } = new URL(request.url ?? '')
    httpRequest({ host: '127.0.0.1', port, path: pathname, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    }).end()
  })
  server.on('connect', (request: IncomingMessage, socket, head: Buffer) => {
    asked.push(`CONNECT ${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`.trim())
    const target = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      target.write(head)
      target.pipe(socket).pipe(target)
    })
    for (const end of [target, socket]) end.on('error', () => undefined)
  })
  return { asked, port: await listen(t, server) }
}

function fetcher(t: Test, environment: Record<string, string> = {}) {
  const { fetchJson, close } = createFetchJson(environment)
  t.teardown(close)
  return fetchJson
}

t.test('the certificates of the option count, and those that Node knows do not count beside them', async (t) => {
  const { url } = await startIssuer(t, true)
  const fetchJson = fetcher(t)
  t.match(await fetchJson(url, { ...limits, ca }), { json: { keys: [] } })
  await t.rejects(fetchJson(url, limits), { message: /self-signed/ })
  const other = readFileSync(makeCertificate(folder, 'other').cert, 'utf8')
  await t.rejects(fetchJson(url, { ...limits, ca: other }))
  await t.rejects(fetchJson(url.replace('localhost', '127.0.0.1'), { ...limits, ca }), 'another name')
})

t.test('NODE_TLS_REJECT_UNAUTHORIZED=0 does not open the way to keys, direct or through a proxy', async (t) => {
  const { url } = await startIssuer(t, true)
  const { port } = await startProxy(t)
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  })
  const fetchJson = fetcher(t)
  await t.rejects(fetchJson(url, limits), { message: /self-signed/ })
  await t.rejects(fetchJson(url, { ...limits, proxy: `http://127.0.0.1:${port}` }), { message: /self-signed/ })
})

t.test('a proxy of the option or the environment: https in a tunnel, http by its whole address', async (t) => {
  const [secure, plain, proxy] = [await startIssuer(t, true), await startIssuer(t, false), await startProxy(t)]
  const address = `http://127.0.0.1:${proxy.port}`
  const named = (url: string) => url.replace('localhost', 'issuer.test')
  const fetchJson = fetcher(t)
  t.match(await fetchJson(secure.url, { ...limits, ca, proxy: address }), { json: { keys: [] } })
  t.match(await fetchJson(named(plain.url), { ...limits, proxy: `http://us%20er:p%40ss@127.0.0.1:${proxy.port}` }), {
    json: { keys: [] },
  })
  t.same(proxy.asked.splice(0), [
    `CONNECT localhost:${secure.port}`,
    `GET ${named(plain.url)} Basic ${Buffer.from('us er:p@ss').toString('base64')}`,
  ])
  const fromEnvironment = fetcher(t, { HTTPS_PROXY: address, HTTP_PROXY: address, NO_PROXY: '.internal' })
  t.match(await fromEnvironment(named(plain.url), limits), { json: { keys: [] } })
  t.equal(proxy.asked.splice(0).length, 1)
  t.match(await fromEnvironment(plain.url, limits), { json: { keys: [] } }, 'loopback goes directly')
  t.equal(proxy.asked.length, 0)
  await t.rejects(fromEnvironment('http://a.internal:1/', limits), 'NO_PROXY: asked directly, and not there')
  await t.rejects(fromEnvironment(named(plain.url), { ...limits, proxy: 'none' }), 'the option overrides')
  t.equal(proxy.asked.length, 0)
})

t.test('a proxy that cannot be used is told without its password', async (t) => {
  const { url } = await startIssuer(t, false)
  const refusing = createHttp((_request, response) => response.writeHead(407).end())
  refusing.on('connect', (_request, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'))
  const port = await listen(t, refusing)
  const named = url.replace('localhost', 'issuer.test')
  for (const proxy of [
    'socks5://user:hunter2@proxy',
    'http://user:hunter2@127.0.0.1:1',
    `http://u:hunter2@127.0.0.1:${port}`,
  ])
    for (const address of [named, named.replace('http', 'https')]) {
      const error = await fetcher(t)(address, { ...limits, proxy }).then(
        () => undefined,
        (reason: unknown) => reason as Error,
      )
      t.ok(error)
      t.notMatch(String(error), /hunter2/, `${proxy}: ${String(error)}`)
    }
})

t.test('headers and certificates from files that rotate: a Kubernetes service account', async (t) => {
  const clock = createFakeClock()
  const upstream = await startUpstream(t)
  const [first, second] = [await createSigner('ES256', 'one'), await createSigner('ES256', 'two')]
  const [tokenFile, caFile] = [join(folder, 'token'), join(folder, 'ca.crt')]
  let [served, wanted] = [first, 'Bearer token-1']
  const seen: string[] = []
  const server = createHttps(tls, (request, response) => {
    seen.push(request.headers.authorization ?? '')
    if (request.headers.authorization !== wanted) response.writeHead(401).end()
    else response.end(JSON.stringify({ keys: [served.jwk] }))
  })
  const port = await listen(t, server)
  writeFileSync(tokenFile, 'token-1\n')
  writeFileSync(caFile, ca)
  const { fetchJson, close } = createFetchJson({})
  t.teardown(close)
  const { url, gateway, lines } = await startTestGateway(
    t,
    {
      issuers: [
        {
          name: 'cluster',
          issuer: ISSUER,
          algorithms: ['ES256'],
          clockTolerance: '0s',
          keys: {
            jwksUrl: `https://localhost:${port}/openid/v1/jwks`,
            ca: caFile,
            headers: { Authorization: { file: tokenFile, prefix: 'Bearer ' }, 'x-extra': { value: 'yes' } },
          },
        },
      ],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
    },
    { clock, schedule: clock.schedule, fetchJson },
  )
  const get = async (signer: typeof first) => {
    const nowSec = clock.now() / 1000
    const token = await signer.sign({ iat: nowSec, exp: nowSec + 3600 })
    return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status
  }
  t.equal(await get(first), 200)
  wanted = 'Bearer token-2'
  writeFileSync(tokenFile, 'token-2')
  served = second
  t.equal(await get(second), 200)
  t.same(seen, ['Bearer token-1', 'Bearer token-2'])
  const problem = () => gateway.issuers[0]?.keys.remote?.problem() ?? ''
  /** Until the next fetch: by then the keys are older than they are believed to be new, or it is a retry. */
  const failsWith = async (text: RegExp) => {
    await clock.advance(16 * 60_000)
    await waitFor(() => text.test(problem()))
  }
  writeFileSync(tokenFile, 'a\nb')
  await failsWith(/the value of the header Authorization has characters/)
  t.equal(seen.length, 2, 'nothing was sent')
  writeFileSync(caFile, readFileSync(join(folder, 'other.cert.pem')))
  writeFileSync(tokenFile, 'token-2')
  await failsWith(/certificate|signed/i)
  t.equal(seen.length, 2, 'the certificates are read anew as well')
  t.equal(await get(second), 200, 'the last good keys serve')
  t.notMatch(JSON.stringify(lines), /token-1|token-2/)
})
