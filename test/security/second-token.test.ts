// Attack: a request carries the token that the gateway judges, and another that only the upstream reads. Amplifiers: spellings of the
// second one's place; routes that ask for no token, where nobody would look. Defence: every location is read as upstreams read it, two
// tokens are refused, and what is to be removed is removed on every route.
import t from 'tap'

import { codeOf, sendRaw, statusOf } from '../support/raw-http.ts'
import { headerValues, startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'
import { handshakeHead, startWebSocketUpstream } from '../support/websocket.ts'

const AUTHS = ['required', 'optional', 'none', 'report-only'] as const
const TRANSPORTS = ['direct', 'undici'] as const
const FROM = [
  { header: 'authorization', scheme: 'Bearer' },
  { cookie: 'session' },
  { query: 'access_token' },
  { websocketProtocol: 'bearer' },
]

function config(url: string, transport: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    issuers: [hmacIssuer()],
    tokens: { from: FROM, forward: 'strip', ...more },
    upstreams: { up: { targets: [url], transport } },
    routes: AUTHS.map((auth) => ({ path: `/${auth}/*`, upstream: 'up', auth, websocket: true })),
  }
}

function get(port: number, target: string, headers: readonly string[], version = '1.1'): Promise<string> {
  const head = [`GET ${target} HTTP/${version}`, 'Host: a', 'Connection: close', ...headers]
  return sendRaw(port, `${head.join('\r\n')}\r\n\r\n`, 5000)
}

t.test('a second token beside the first is refused, however its location is spelt', async (t) => {
  const { url, requests } = await startUpstream(t)
  const [good, bad] = [await signHmac(), await signHmac({ sub: 'mallory' })]
  const header = `Authorization: Bearer ${good}`
  const requestsWithTwo: readonly (readonly [string, readonly string[]])[] = [
    [`?access%5ftoken=${bad}`, [header]],
    [`?ACCESS_TOKEN=${bad}`, [header]],
    [`?access.token=${bad}`, [header]],
    [`?access_token%5B%5D=${bad}`, [header]],
    [`?a=1;access_token=${bad}`, [header]],
    [`?access_token=${good}&access%5Ftoken=${bad}`, []],
    ['', [header, `Cookie: session=${bad}`]],
    ['', [header, `Cookie: %73ession=${bad}`]],
    ['', [`Cookie: session=${good}; sess%69on=${bad}`]],
    ['', [`Cookie: session=${good}`, `Cookie: session=${bad}`]],
    ['', [`Cookie: session=${good}`, `Authorization: Basic eA==, Bearer ${bad}`]],
    ['', [header, `Sec-WebSocket-Protocol: bearer, ${bad}`]],
    ['', [`Sec-WebSocket-Protocol: bearer, ${good}, bearer, ${bad}`]],
    ['', [`Sec-WebSocket-Protocol: bearer, ${good}`, `Sec-WebSocket-Protocol: bearer, ${bad}`]],
  ]
  for (const transport of TRANSPORTS) {
    const { port } = await startTestGateway(t, config(url, transport))
    for (const auth of ['required', 'optional'] as const) {
      for (const [query, headers] of requestsWithTwo) {
        const answer = await get(port, `/${auth}/x${query}`, headers)
        t.match([statusOf(answer), codeOf(answer)], [400, 'token_ambiguous'], `${auth} ${query} ${headers.length}`)
      }
    }
  }
  t.equal(requests.length, 0)
})

t.test('a second header with a token is refused, also of a name of which Node shows the first alone', async (t) => {
  const { url, requests } = await startUpstream(t)
  const [good, bad] = [await signHmac(), await signHmac({ sub: 'mallory' })]
  // All that Node keeps once (https://nodejs.org/api/http.html#messageheaders), and one that it joins.
  const names = [
    ...['age', 'etag', 'expires', 'from', 'if-modified-since', 'if-unmodified-since', 'last-modified', 'location'],
    ...['max-forwards', 'proxy-authorization', 'referer', 'retry-after', 'server', 'user-agent', 'x-token'],
  ]
  for (const name of names) {
    const { port } = await startTestGateway(t, config(url, 'direct', { from: [{ header: name }], forward: 'keep' }))
    for (const auth of ['required', 'optional'] as const)
      for (const [first, second] of [
        [good, bad],
        ['', bad],
      ]) {
        const answer = await get(port, `/${auth}/x`, [`${name}: ${first}`, `${name.toUpperCase()}: ${second}`])
        t.match([statusOf(answer), codeOf(answer)], [400, 'token_ambiguous'], `${auth} ${name} '${first?.slice(0, 3)}'`)
      }
  }
  t.equal(requests.length, 0)
})

t.test('no trailer brings a token, wherever tokens are read from; all else in trailers goes on', async (t) => {
  const trailers: string[][] = []
  const { url } = await startUpstream(t, (request, response) => {
    request.on('end', () => {
      trailers.push(request.rawTrailers)
      response.end('ok')
    })
  })
  const [good, bad] = [await signHmac(), await signHmac({ sub: 'mallory' })]
  const names = ['X-Token', 'x_token', 'X.Token', 'Authorization', 'Cookie', 'Sec-WebSocket-Protocol']
  const lines = names.map((name) => `${name}: ${bad}\r\n`).join('')
  const body = `1\r\nx\r\n0\r\n${lines}X-Checksum: 1\r\n\r\n`
  for (const forward of ['keep', 'strip'])
    for (const auth of AUTHS) {
      const { port } = await startTestGateway(
        t,
        config(url, 'direct', { from: [...FROM, { header: 'x-token' }], forward }),
      )
      const head = ['Host: a', 'Connection: close', `X-Token: ${good}`, 'Transfer-Encoding: chunked']
      const answer = await sendRaw(port, `POST /${auth}/x HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${body}`, 5000)
      t.equal(statusOf(answer), 200, `${forward} ${auth}`)
      t.same(trailers.pop(), ['X-Checksum', '1'], `${forward} ${auth}`)
    }
})

t.test(
  'forward: strip removes tokens on every route, also where nobody asked for one or a bad one is only reported',
  async (t) => {
    const { url, requests } = await startUpstream(t)
    const token = await signHmac()
    for (const transport of TRANSPORTS) {
      const { port } = await startTestGateway(t, config(url, transport))
      for (const auth of AUTHS) {
        for (const version of ['1.1', '1.0']) {
          for (const [query, headers] of [
            ['', [`Authorization: Bearer ${token}`]],
            ['', [`authorization: bearer ${token}`]],
            ['', [`Cookie: session=${token}`]],
            [`?access_token=${token}`, []],
            [`?Access%5fToken=${token}`, []],
            ['', [`Sec-WebSocket-Protocol: bearer, ${token}`]],
          ] as const) {
            const answer = await get(port, `/${auth}/x${query}`, [...headers, 'X-Kept: 1'], version)
            t.equal(statusOf(answer), 200, `${auth} ${query} ${headers.join()}`)
            const last = requests.at(-1)
            t.notMatch(JSON.stringify([last?.url, last?.rawHeaders]), token)
            t.same(headerValues(last, 'cookie'), [], 'no empty header is left')
            t.same(headerValues(last, 'x-kept'), ['1'])
          }
        }
      }
      for (const auth of ['none', 'report-only'] as const) {
        const many = [
          'Authorization: Bearer bad',
          'Cookie: a=1; session=bad; session=worse',
          'Sec-WebSocket-Protocol: bearer, bad, bearer, worse, chat',
        ]
        t.equal(statusOf(await get(port, `/${auth}/x?access_token=bad&b=1;access%5ftoken=worse`, many)), 200)
        const last = requests.at(-1)
        t.equal(last?.url, `/${auth}/x?b=1`, 'several and bad ones too')
        t.same(headerValues(last, 'authorization'), [])
        t.same(headerValues(last, 'cookie'), ['a=1'])
        t.same(headerValues(last, 'sec-websocket-protocol'), ['chat'])
      }
      for (const auth of ['optional', 'none', 'report-only'] as const) {
        t.equal(statusOf(await get(port, `/${auth}/x`, ['Authorization: Basic eA=='])), 200)
        t.same(headerValues(requests.at(-1), 'authorization'), ['Basic eA=='], 'what is no token stays')
      }
    }
  },
)

t.test('forward: keep leaves tokens where they came, but in the URL and among the subprotocols', async (t) => {
  const { url, requests } = await startUpstream(t)
  const { port } = await startTestGateway(t, config(url, 'direct', { forward: 'keep' }))
  for (const auth of ['none', 'report-only'] as const) {
    const headers = ['Authorization: Bearer x', 'Cookie: session=y', 'Sec-WebSocket-Protocol: bearer, z']
    t.equal(statusOf(await get(port, `/${auth}/x?access%5ftoken=w`, headers)), 200)
    const last = requests.at(-1)
    t.equal(last?.url, `/${auth}/x`)
    t.same(headerValues(last, 'authorization'), ['Bearer x'])
    t.same(headerValues(last, 'cookie'), ['session=y'])
    t.same(headerValues(last, 'sec-websocket-protocol'), [])
  }
})

t.test('a WebSocket passes its token on no route, and its client is told a subprotocol that it offered', async (t) => {
  const upstream = await startWebSocketUpstream(t, {
    handleProtocols: (offered) => (offered.has('chat') ? 'chat' : false),
  })
  const token = await signHmac()
  for (const transport of TRANSPORTS) {
    const { port } = await startTestGateway(t, config(upstream.url, transport))
    for (const auth of AUTHS) {
      for (const [headers, told] of [
        [[`Sec-WebSocket-Protocol: bearer, ${token}`], 'bearer'],
        [[`Sec-WebSocket-Protocol: bearer, ${token}, chat`], 'chat'],
        [[`Authorization: Bearer ${token}`, 'Sec-WebSocket-Protocol: chat'], 'chat'],
        [[`Authorization: Bearer ${token}`], undefined],
      ] as const) {
        const answer = await handshakeHead(t, port, `/${auth}/x`, headers)
        t.equal(statusOf(answer), 101, `${auth} ${headers.join()}`)
        t.equal(/^sec-websocket-protocol: (.*)\r$/im.exec(answer)?.[1], told)
        t.notMatch(JSON.stringify(upstream.handshakes.at(-1)?.rawHeaders), token)
      }
    }
    for (const auth of ['required', 'optional'] as const) {
      const answer = await handshakeHead(t, port, `/${auth}/x`, [
        `Sec-WebSocket-Protocol: bearer, ${token}, bearer, x.y.z`,
      ])
      t.match([statusOf(answer), codeOf(answer)], [400, 'token_ambiguous'])
    }
  }
})

t.test('a cookie that holds a scheme and a token is a location like any other', async (t) => {
  const { url, requests } = await startUpstream(t)
  const token = await signHmac()
  for (const forward of ['keep', 'strip'] as const) {
    const { port } = await startTestGateway(
      t,
      config(url, 'direct', { from: [{ cookie: 'session', scheme: 'Bearer' }], forward }),
    )
    for (const value of [`"Bearer ${token}"`, `Bearer%20${token}`, `bearer ${token}`]) {
      t.equal(statusOf(await get(port, '/required/x', [`Cookie: session=${value}`])), 200, value.slice(0, 12))
      t.same(headerValues(requests.at(-1), 'cookie'), forward === 'keep' ? [`session=${value}`] : [])
    }
    const bare = await get(port, '/required/x', [`Cookie: session=${token}`])
    t.match([statusOf(bare), codeOf(bare)], [401, 'token_missing'])
  }
})
