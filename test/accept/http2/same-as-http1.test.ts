import t from 'tap'
import type { RequestListener } from 'node:http'
import { dirname } from 'node:path'

import { eventually } from '../../support/eventually.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { startUpstream, type RecordedRequest } from '../../support/recording-upstream.ts'
import { requestLines } from '../../support/told.ts'
import { renewingIssuer, writePrivateKey } from '../../support/renewal.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { nowSec, signHmac } from '../../support/tokens.ts'
import { startClient, type Asked, type Protocol } from './protocols.ts'

/** By the last part of the path. */
const answer: RequestListener = (request, response) => {
  request.on('error', () => undefined)
  const kind = (request.url ?? '').split('?')[0]?.split('/').at(-1)
  const later = (run: () => void) => request.on('end', run)
  if (kind === 'early') response.writeHead(400).end('early')
  else if (kind === 'large') later(() => response.end(Buffer.alloc(300_000, 'x')))
  else if (kind === 'resets') later(() => request.socket.destroy())
  else if (kind === 'invalid') later(() => request.socket.end('what?\r\n\r\n'))
  else if (kind === 'nothing') later(() => response.writeHead(204, { 'x-nothing': '1' }).end())
  else if (kind === 'unchanged') later(() => response.writeHead(304, { etag: '"1"' }).end())
  else if (kind === 'cookies') later(() => response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] }).end('c'))
  else if (kind === 'twice')
    later(() => response.writeHead(404, 'Not Here', ['X-A', '1', 'x-a', '2', 'X-Latin', 'caf\xe9']).end('missing'))
  else if (kind === 'away') later(() => response.writeHead(302, { location: '/api/other' }).end())
  else if (kind === 'dying') later(() => response.write('half', () => setTimeout(() => request.socket.destroy(), 5)))
  else if (kind === 'silent') later(() => undefined)
  else if (kind === 'trailers')
    later(() => {
      if (request.method !== 'HEAD') response.writeHead(200, { trailer: 'x-sum' }).write('body')
      if (request.method !== 'HEAD') response.addTrailers({ 'x-sum': '7', 'content-type': 'text/evil' })
      response.end()
    })
  else if (kind === 'hints')
    later(() => {
      response.writeProcessing()
      response.writeEarlyHints({ link: '</a.css>; rel=preload; as=style', 'x-more': '1' })
      setTimeout(() => response.end('hinted'), 5)
    })
  else later(() => response.writeHead(200, { 'content-type': 'text/plain', server: 'u' }).end('plain'))
}

async function startSide(t: Teardown, keyFile: string, tls: { cert: string; key: string } | undefined) {
  const upstream = await startUpstream(t, answer)
  const gateway = await startTestGateway(t, {
    listen: { h2c: true, ...(tls === undefined ? {} : { tls }) },
    limits: { bodyBytes: '64KiB', headerBytes: '8KiB' },
    cors: { origins: ['https://page.example'] },
    proxy: { via: 'tollgate' },
    issuers: [renewingIssuer(keyFile, { window: '20m', lifetime: '30m', maxSession: '8h' })],
    tokens: { from: [{ header: 'authorization', scheme: 'Bearer' }, { cookie: 'session' }] },
    upstreams: {
      u: { targets: [upstream.url], timeouts: { headers: '300ms' }, retries: 0 },
      gone: { targets: ['http://127.0.0.1:1'], retries: 0 },
    },
    routes: [
      { path: '/open/*', upstream: 'u', auth: 'none' },
      { path: '/gone', upstream: 'gone', auth: 'none' },
      { path: '/api/*', upstream: 'u', methods: ['GET', 'POST'] },
      { path: '/scoped/*', upstream: 'u', require: { scopes: { all: ['things:read'] } } },
      { path: '/elsewhere/*', upstream: 'u', auth: 'none', hosts: ['other.example'] },
      { path: '/logout', action: 'revoke', auth: 'optional' },
    ],
  })
  const origin = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${gateway.port}`
  return { upstream, gateway, ask: await startClient(t, origin) }
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

async function table(): Promise<Readonly<Record<string, Asked>>> {
  const exp = nowSec() + 600
  const good = await signHmac({ exp, jti: 'one', scope: 'things:write' })
  const expired = await signHmac({ exp: nowSec() - 600 })
  const api = bearer(good)
  return {
    'a plain request': { path: '/open/x?a=b%20c' },
    'fields that are joined, and one that is not ASCII': {
      path: '/open/x',
      headers: { accept: ['a/b', 'c/d'], 'x-latin': 'caf\xe9', 'x-empty': '', 'user-agent': 'me' },
    },
    cookies: { path: '/open/x', headers: { cookie: 'a=1; b=2' } },
    te: { path: '/open/x', headers: { te: 'trailers' } },
    'only what the gateway may say': {
      path: '/open/x',
      headers: { 'x-auth-result': 'forged', x_auth_result: 'forged', 'x-forwarded-for': '1.2.3.4', forwarded: 'for=x' },
    },
    'a known token': { path: '/api/x', ...api },
    'a token in a cookie': { path: '/api/x', headers: { cookie: `session=${good}`, 'sec-fetch-site': 'same-origin' } },
    'a token in a cookie of another site': {
      path: '/api/x',
      headers: { cookie: `session=${good}`, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    },
    'a body with a length': {
      method: 'POST',
      path: '/api/x',
      body: 'abc',
      headers: { ...api.headers, 'content-length': '3' },
    },
    'a body without a length': { method: 'POST', path: '/api/x', body: 'abc', ...api },
    'a body of 60,000 bytes': { method: 'POST', path: '/open/x', body: Buffer.alloc(60_000, 'y') },
    'a body with trailers': {
      method: 'POST',
      path: '/open/x',
      body: 'abc',
      trailers: { 'x-sum': '6', authorization: 'Bearer x' },
    },
    'an empty body': { method: 'POST', path: '/open/x', body: '' },
    'no body where one is usual': { method: 'POST', path: '/open/x', headers: { 'content-length': '0' } },
    'a body that waits for 100': {
      method: 'POST',
      path: '/open/x',
      body: 'abc',
      headers: { expect: '100-continue', 'content-length': '3' },
    },
    'an expectation that nobody knows': { path: '/open/x', headers: { expect: 'miracles' } },
    ...Object.fromEntries(
      ['large', 'nothing', 'unchanged', 'cookies', 'twice', 'away', 'trailers', 'hints'].flatMap((kind) => [
        [`GET ${kind}`, { path: `/open/${kind}` }],
        [`HEAD ${kind}`, { method: 'HEAD', path: `/open/${kind}` }],
      ]),
    ),
    QUERY: { method: 'QUERY', path: '/open/x', body: 'abc' },
    'a preflight': {
      method: 'OPTIONS',
      path: '/api/x',
      headers: { origin: 'https://page.example', 'access-control-request-method': 'POST' },
    },
    'OPTIONS for the server': { method: 'OPTIONS', path: '*' },
    'a page that may read': { path: '/api/x', headers: { ...api.headers, origin: 'https://page.example' } },
    'log-out': { method: 'POST', path: '/logout', ...bearer(await signHmac({ jti: 'two' })) },
    // Refused, in the order of the checks.
    'a path that is not safe': { path: '/open/%2e%2e/api/x' },
    'a path with an encoded slash': { path: '/open/a%2fb' },
    'no route': { path: '/nothing' },
    'a host that no route has': { path: '/elsewhere/x', headers: { host: 'third.example' } },
    'a host that one has': { path: '/elsewhere/x', headers: { host: 'other.example' } },
    'a host that is none': { path: '/open/x', headers: { host: 'a..b' } },
    'a method that the route has not': { method: 'DELETE', path: '/api/x' },
    'headers too large': { path: '/open/x', headers: { 'x-large': 'y'.repeat(8300) } },
    'a body too large, announced': {
      method: 'POST',
      path: '/open/x',
      headers: { 'content-length': '70000' },
      body: Buffer.alloc(70_000),
    },
    'a body too large, not announced': { method: 'POST', path: '/open/x', body: Buffer.alloc(200_000) },
    'no token': { path: '/api/x' },
    'no token, with a body': { method: 'POST', path: '/api/x', body: 'abc' },
    'no JWT': { path: '/api/x', ...bearer('abc') },
    expired: { path: '/api/x', ...bearer(expired) },
    'a foreign signature': { path: '/api/x', ...bearer(`${good.slice(0, -6)}AAAAAA`) },
    'another audience': { path: '/api/x', ...bearer(await signHmac({ aud: 'other' })) },
    'another issuer': { path: '/api/x', ...bearer(await signHmac({ iss: 'https://other/' })) },
    'a scope missing': { path: '/scoped/x', ...api },
    'two tokens': { path: '/api/x', headers: { ...api.headers, cookie: `session=${expired}` } },
    'no upstream there': { path: '/gone' },
    'an upstream that resets': { path: '/open/resets' },
    'an upstream that speaks no HTTP': { path: '/open/invalid' },
    'an upstream that is silent': { path: '/open/silent' },
    'an upstream that dies in its response': { path: '/open/dying' },
    'an upstream that answers early': { method: 'POST', path: '/open/early', body: 'abc' },
  }
}

const DIFFERENT = new Set(['x-request-id', 'x-forwarded-proto', 'host'])

/** Without what is another from one request to the next, by TLS, or by the port of the upstream. */
function comparable({ method, url, headers, body }: RecordedRequest) {
  const same = Object.entries(headers).filter(([name]) => !DIFFERENT.has(name))
  return { method, url, headers: Object.fromEntries(same), body: body.toString('latin1') }
}

t.test(
  'a request over HTTP/2 is for the upstream and for its client what it is over HTTP/1.1, with TLS and without',
  async (t) => {
    const keyFile = writePrivateKey(t)
    const tls = makeCertificate(dirname(keyFile), 'api.example')
    const sides = { plain: await startSide(t, keyFile, undefined), tls: await startSide(t, keyFile, tls) }
    const cases = Object.entries(await table())
    for (const [name, asked] of cases) {
      const told = []
      for (const [kind, { upstream, gateway, ask }] of Object.entries(sides))
        for (const protocol of ['http/1.1', 'h2'] satisfies Protocol[]) {
          upstream.requests.length = 0
          const { length } = requestLines(gateway)
          const got = await ask(protocol, asked)
          await eventually(() => requestLines(gateway).length > length, `${name}: its line`)
          const { status, code, route, complete } = requestLines(gateway)[length] ?? {}
          told.push({
            kind,
            protocol,
            got,
            upstream: upstream.requests.map(comparable),
            line: { status, code, route, complete },
          })
        }
      const [first, ...others] = told
      for (const { kind, protocol, ...rest } of others) {
        t.same(rest, { got: first?.got, upstream: first?.upstream, line: first?.line }, `${name}: ${kind} ${protocol}`)
      }
    }
  },
)
