// Attack: a client says in a header of a claim who it is. Amplifiers: every spelling that upstreams fold, routes that send another
// set or none, trailers, WebSockets, Connection. Defence: what any route sends is removed on every route, and said last.
import t from 'tap'
import { generateKeyPairSync } from 'node:crypto'

import { headerValues, startUpstream, type RecordedRequest } from '../support/recording-upstream.ts'
import { sendRaw, statusOf } from '../support/raw-http.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'
import { handshakeHead, startWebSocketUpstream } from '../support/websocket.ts'

const BETWEEN = [..."!#$%&'*+-.^_`|~"]
const AUTHS = ['required', 'optional', 'none', 'report-only'] as const
const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
const signingKey = { pemFile: `${t.testdir({ 'key.pem': pem })}/key.pem`, alg: 'EdDSA' }
const OPTIONS = {
  issuers: [hmacIssuer()],
  claimHeaders: { 'x-user-id': '/sub' },
  assertion: { issuer: 'gateway', signingKey },
}

/** Another route sends x-plan: this one sends none, and removes it all the same. */
function routes(websocket: boolean): Record<string, unknown>[] {
  return [
    ...AUTHS.map((auth) => ({ path: `/${auth}/*`, upstream: 'up', auth, websocket })),
    { path: '/plan', upstream: 'up', claimHeaders: { 'x-plan': '/plan', 'x-user-id': false } },
  ]
}

function spellings(name: string): string[] {
  const [first = '', ...rest] = name.split('-')
  return [
    ...BETWEEN.flatMap((between) => [[first, ...rest].join(between), `X${between}Assertion`]),
    name.toUpperCase(),
    'X-uSeR-iD',
    'x_plan',
    'X.Plan',
  ]
}

/** All values under a name as CGI servers read names. */
function valuesOf({ rawHeaders }: Pick<RecordedRequest, 'rawHeaders'>, name: string): string[] {
  const folded = (spelt: string | undefined) => (spelt ?? '').toLowerCase().replace(/[^a-z0-9]/g, '-')
  return rawHeaders.filter((_value, index) => index % 2 === 1 && folded(rawHeaders[index - 1]) === name)
}

t.test('the headers of claims are the gateway’s in every spelling, on every route, with any transport', async (t) => {
  const upstream = await startUpstream(t)
  const authorization = `Authorization: Bearer ${await signHmac()}`
  for (const underscores of ['drop', 'keep']) {
    for (const transport of ['direct', 'undici']) {
      const { port } = await startTestGateway(t, {
        ...OPTIONS,
        proxy: { underscores },
        upstreams: { up: { targets: [upstream.url], transport } },
        routes: routes(false),
      })
      for (const path of [...AUTHS.map((auth) => `/${auth}/x`), '/plan']) {
        const forged = spellings('x-user-id').map((name) => `${name}: root`)
        const isAsked = path !== '/none/x'
        const head = [`GET ${path} HTTP/1.1`, 'Host: a', 'Connection: close, x-user-id', ...forged, 'x-kept: 1']
        if (isAsked) head.push(authorization)
        t.equal(statusOf(await sendRaw(port, `${head.join('\r\n')}\r\n\r\n`, 5000)), 200, `${path}, ${transport}`)
        const last = upstream.requests.at(-1) ?? { rawHeaders: [] }
        t.same(valuesOf(last, 'x-user-id'), isAsked && path !== '/plan' ? ['alice'] : [], path)
        t.same(valuesOf(last, 'x-plan'), [])
        const asserted = valuesOf(last, 'x-assertion')
        t.equal(asserted.length, isAsked ? 1 : 0)
        t.notOk(asserted.includes('root'))
        t.same(headerValues(upstream.requests.at(-1), 'x-kept'), ['1'])
      }
      const trailers = spellings('x-user-id').map((name) => `${name}: root\r\n`)
      const body = `Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n${trailers.join('')}\r\n`
      for (const auth of AUTHS) {
        const head = [`POST /${auth}/x HTTP/1.1`, 'Host: a', 'Connection: close', authorization, body].join('\r\n')
        t.equal(statusOf(await sendRaw(port, head, 5000)), 200)
        t.equal(upstream.requests.at(-1)?.body.toString(), 'a')
        for (const name of ['x-user-id', 'x-assertion'])
          t.same(valuesOf({ rawHeaders: upstream.trailers.at(-1) ?? [] }, name), [], 'no trailers')
      }
    }
  }
})

t.test('nor does the handshake of a WebSocket, or a response, say them', async (t) => {
  const sockets = await startWebSocketUpstream(t)
  const answering = await startUpstream(t, (_request, response) => {
    response.writeHead(200, ['x-user-id', 'evil', 'x_assertion', 'evil', 'x.plan', 'evil', 'x-kept', 'evil'])
    response.end()
  })
  for (const transport of ['direct', 'undici']) {
    const one = await startTestGateway(t, {
      ...OPTIONS,
      proxy: { underscores: 'keep' },
      upstreams: { up: { targets: [sockets.url], transport } },
      routes: routes(true),
    })
    for (const auth of AUTHS) {
      const headers = spellings('x-user-id').map((name) => `${name}: root`)
      if (auth !== 'none') headers.push(`Authorization: Bearer ${await signHmac()}`)
      t.equal(statusOf(await handshakeHead(t, one.port, `/${auth}/x`, headers)), 101)
      t.same(valuesOf(sockets.handshakes.at(-1) ?? { rawHeaders: [] }, 'x-user-id'), auth === 'none' ? [] : ['alice'])
    }
    const two = await startTestGateway(t, {
      ...OPTIONS,
      upstreams: { up: { targets: [answering.url], transport } },
      routes: routes(false),
    })
    const answer = await sendRaw(two.port, 'GET /none/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 5000)
    t.same(answer.match(/^.*: evil\r$/gm), ['x-kept: evil\r'])
  }
})

t.test('a claim cannot bring a second header, or make a list longer', async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    claimHeaders: { 'x-user-id': '/sub', 'x-roles': { claim: '/roles', join: ',' } },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up' }],
  })
  const evil = [
    'a\r\nx-roles: admin',
    'a\nx-roles: admin',
    'a\rx-roles: admin',
    'a\u2028x',
    'a\u0000',
    'a\u010dx',
    ' root',
    'root\t',
  ]
  for (const sub of evil) {
    const token = await signHmac({ sub, roles: ['reader', `x,admin`] })
    const head = `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`
    t.equal(statusOf(await sendRaw(port, head, 5000)), 200, 'the token is good')
    const last = upstream.requests.at(-1) ?? { rawHeaders: [] }
    t.same(valuesOf(last, 'x-user-id'), [], encodeURIComponent(sub))
    t.same(valuesOf(last, 'x-roles'), [])
  }
})
