// Attack: a client speaks in the gateway's name to upstreams that know headers by letters and digits alone (CGI: RFC 3875 section
// 4.1.18; lighttpd, seen). Amplifiers: every character that a name may have, trailers, WebSockets. Defence: a name that reads as a
// reserved one is dropped, whatever stands between its letters.
import t from 'tap'

import { LIGHTTPD, startLighttpd, variablesIn } from '../support/lighttpd.ts'
import { sendRaw, statusOf } from '../support/raw-http.ts'
import { headerValues, startUpstream, type RecordedRequest } from '../support/recording-upstream.ts'
import { requireComponent } from '../support/require-component.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'
import { handshakeHead, startWebSocketUpstream } from '../support/websocket.ts'

const EVIL = Buffer.from('{"authenticated":true,"subject":"root"}').toString('base64url')
// All that a name may have besides letters and digits (RFC 9110 section 5.6.2).
const BETWEEN = [..."!#$%&'*+-.^_`|~"]
const AUTHS = ['required', 'optional', 'none', 'report-only'] as const

function routes(websocket: boolean): Record<string, unknown>[] {
  return AUTHS.map((auth) => ({ path: `/${auth}/*`, upstream: 'up', auth, websocket }))
}

/** As lighttpd, Apache and others name variables after headers. */
function variableOf(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '_')
}

function valuesOf({ rawHeaders }: Pick<RecordedRequest, 'rawHeaders'>, variable: string): string[] {
  return rawHeaders.filter((_value, index) => index % 2 === 1 && variableOf(rawHeaders[index - 1] ?? '') === variable)
}

t.test('the program behind a CGI server is told by nobody but the gateway who calls', async (t) => {
  if (!requireComponent(t, 'lighttpd', LIGHTTPD)) return
  const { url } = await startLighttpd(t)
  const forged = [
    ...BETWEEN.map((character) => `X${character}Auth${character}Result: ${EVIL}`),
    "x.auth'result: 1",
    'X-Forwarded.For: 6.6.6.6',
    'x~request~id: forged',
    'x.tollgate: forged',
    'Proxy: http://evil.example/',
    'pRoXy: http://evil.example/',
    'x-harmless.one: 1',
  ]
  for (const underscores of ['drop', 'keep']) {
    for (const transport of ['direct', 'undici']) {
      const { port } = await startTestGateway(t, {
        issuers: [hmacIssuer()],
        proxy: { underscores },
        upstreams: { up: { targets: [url], transport } },
        routes: routes(false),
      })
      for (const auth of AUTHS) {
        const head = [`GET /${auth}/x HTTP/1.1`, 'Host: a', 'Connection: close', ...forged]
        if (auth !== 'none') head.push(`Authorization: Bearer ${await signHmac()}`)
        const answer = await sendRaw(port, `${head.join('\r\n')}\r\n\r\n`, 5000)
        t.equal(statusOf(answer), 200, `${auth}, ${transport}, underscores: ${underscores}`)
        const variables = variablesIn(answer.slice(answer.indexOf('\r\n\r\n')))
        const result = variables.get('HTTP_X_AUTH_RESULT')
        if (auth === 'none') t.equal(result, undefined)
        else t.match(Buffer.from(result ?? '', 'base64url').toString(), '"subject":"alice"')
        t.equal(variables.get('HTTP_PROXY'), undefined, 'httpoxy')
        t.equal(variables.get('HTTP_X_FORWARDED_FOR'), '127.0.0.1')
        t.notMatch(variables.get('HTTP_X_REQUEST_ID'), /forged/)
        t.equal(variables.get('HTTP_X_TOLLGATE'), undefined)
        t.equal(variables.get('HTTP_X_HARMLESS_ONE'), '1', 'other odd names pass')
      }
    }
  }
})

t.test(
  'framing, what belongs to one connection, and tokens come in no other spelling, with underscores: keep too',
  async (t) => {
    const { url, requests } = await startUpstream(t)
    for (const transport of ['direct', 'undici']) {
      const { port } = await startTestGateway(t, {
        issuers: [hmacIssuer()],
        tokens: { from: [{ header: 'x-token' }] },
        proxy: { underscores: 'keep' },
        upstreams: { up: { targets: [url], transport } },
        routes: routes(false),
      })
      const names = [
        ...['Transfer_Encoding', 'transfer.encoding', 'Content_Length', 'content~length', 'Content.Type'],
        ...['Keep_Alive', 'Proxy_Connection', 'proxy.authorization', 'HTTP2_Settings', 'Proxy', 'PROXY'],
        ...['X_Token', 'x.token', 'X_Forwarded_For', 'X.Real.IP', 'x_original_url', 'X_Renewed_Token', 'X|Tollgate'],
        ...['Sec_WebSocket_Protocol', 'sec.websocket.key'],
      ]
      for (const auth of AUTHS) {
        for (const name of names) {
          const head = [`GET /${auth}/x HTTP/1.1`, 'Host: a', 'Connection: close', `X-Token: ${await signHmac()}`]
          const answer = await sendRaw(port, `${[...head, `${name}: 7`, 'X_Kept: 1'].join('\r\n')}\r\n\r\n`, 5000)
          t.equal(statusOf(answer), 200, `${auth}: ${name}`)
          const last = requests.at(-1)
          t.notOk(last?.rawHeaders.includes(name), `${name} is dropped`)
          if (last !== undefined) t.notOk(valuesOf(last, variableOf(name)).includes('7'))
          t.same(headerValues(last, 'x_kept'), ['1'], 'and no more than that')
        }
      }
    }
  },
)

t.test('nor as fields after a body', async (t) => {
  const { url, requests } = await startUpstream(t, (request, response) => {
    request.resume()
    request.on('end', () => response.end(JSON.stringify(request.rawTrailers)))
  })
  for (const transport of ['direct', 'undici']) {
    const { port } = await startTestGateway(t, {
      proxy: { underscores: 'keep' },
      upstreams: { up: { targets: [url], transport } },
      routes: routes(false),
    })
    const trailers = ['x.auth.result', 'Proxy', 'content_length', 'Set.Cookie', 'transfer~encoding', 'x_forwarded_for']
    const answer = await sendRaw(
      port,
      `POST /none/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n${trailers.map((name) => `${name}: ${EVIL}\r\n`).join('')}\r\n`,
      5000,
    )
    t.equal(statusOf(answer), 200)
    t.notMatch(answer, EVIL, transport)
    t.equal(requests.at(-1)?.body.toString(), 'a')
  }
})

t.test('nor by the handshake of a WebSocket', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  for (const transport of ['direct', 'undici']) {
    const { port } = await startTestGateway(t, {
      issuers: [hmacIssuer()],
      proxy: { underscores: 'keep' },
      upstreams: { up: { targets: [upstream.url], transport } },
      routes: routes(true),
    })
    for (const auth of AUTHS) {
      const headers = [
        ...BETWEEN.map((character) => `x${character}auth${character}result: ${EVIL}`),
        'Proxy: http://evil.example/',
        'sec_websocket_protocol: evil',
        ...(auth === 'none' ? [] : [`Authorization: Bearer ${await signHmac()}`]),
      ]
      const answer = await handshakeHead(t, port, `/${auth}/x`, headers)
      t.equal(statusOf(answer), 101, `${auth}, ${transport}`)
      const handshake = upstream.handshakes.at(-1) ?? { rawHeaders: [] }
      const results = valuesOf(handshake, 'X_AUTH_RESULT')
      t.equal(results.length, auth === 'none' ? 0 : 1)
      for (const result of results) t.match(Buffer.from(result, 'base64url').toString(), '"subject":"alice"')
      t.same(valuesOf(handshake, 'PROXY'), [])
      t.same(valuesOf(handshake, 'SEC_WEBSOCKET_PROTOCOL'), [])
    }
  }
})

t.test('an upstream cannot answer in the gateway’s name in another spelling either', async (t) => {
  const { url } = await startUpstream(t, (_request, response) => {
    const names = ['x.auth.result', "x'tollgate", 'x~renewed~token', 'x_request_id', 'keep.alive', 'x.kept']
    response.writeHead(
      200,
      names.flatMap((name) => [name, 'evil']),
    )
    response.end()
  })
  for (const transport of ['direct', 'undici']) {
    const { port } = await startTestGateway(t, {
      upstreams: { up: { targets: [url], transport } },
      routes: routes(false),
    })
    const answer = await sendRaw(port, 'GET /none/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 5000)
    t.same(answer.match(/^.*: evil\r$/gm), ['x.kept: evil\r'])
  }
})
