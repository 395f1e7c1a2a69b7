// However a request ends, it leaves one line and one count, with the id that its client saw.
import t from 'tap'

import { openRaw } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { countsOf, idsIn, requestLines } from '../support/told.ts'
import { hmacIssuer } from '../support/tokens.ts'
import { waitFor } from '../support/wait-for.ts'

const HOST = 'Host: a\r\n'
const NONE = '(none)'
const TOKEN_LIKE = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln'
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
const HANDSHAKE = `${UPGRADE}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`

interface Expected {
  readonly status: number
  readonly code?: string
  readonly route: string
  readonly path?: string
  readonly method?: string
  readonly reason?: RegExp
  readonly bytes?: string
}

/** Bytes of one request on a connection of its own, and the line that it leaves. */
const ANSWERED: Readonly<Record<string, readonly [bytes: string, expected: Expected]>> = {
  'a forwarded request': [
    `GET /open/a?q=1 HTTP/1.1\r\n${HOST}\r\n`,
    { status: 200, route: '/open/*', path: '/open/a' },
  ],
  'one of HTTP/1.0': ['GET /open/a HTTP/1.0\r\n\r\n', { status: 200, route: '/open/*' }],
  'a target that the upstream fails': [
    `GET /dead HTTP/1.1\r\n${HOST}\r\n`,
    { status: 502, code: 'upstream_unreachable', route: '/dead' },
  ],
  'a refused token': [
    `GET /private HTTP/1.1\r\n${HOST}Authorization: Bearer ${TOKEN_LIKE}\r\n\r\n`,
    { status: 401, code: 'issuer_unknown', route: '/private' },
  ],
  'no token': [`GET /private HTTP/1.1\r\n${HOST}\r\n`, { status: 401, code: 'token_missing', route: '/private' }],
  'a path without a route': [
    `GET /nowhere?token=secret HTTP/1.1\r\n${HOST}\r\n`,
    { status: 404, code: 'route_not_found', route: NONE, path: '/nowhere' },
  ],
  'an absolute target without a route': [
    `GET http://user:secret@a/nowhere?q HTTP/1.1\r\n${HOST}\r\n`,
    { status: 400, code: 'request_invalid', route: NONE, path: '/nowhere' },
  ],
  'a method that no route takes': [
    `DELETE /open/a HTTP/1.1\r\n${HOST}\r\n`,
    { status: 405, code: 'method_not_allowed', route: NONE, path: '/open/a' },
  ],
  'a preflight': [
    `OPTIONS /open/a HTTP/1.1\r\n${HOST}Origin: https://page.example\r\nAccess-Control-Request-Method: GET\r\n\r\n`,
    { status: 204, route: NONE, path: '/open/a', method: 'OPTIONS' },
  ],
  'OPTIONS *': [`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, { status: 204, route: NONE, path: '*' }],
  'an unsafe path': [
    `GET /open/%2e%2e/x HTTP/1.1\r\n${HOST}\r\n`,
    { status: 400, code: 'path_unsafe', route: NONE, path: '/open/%2e%2e/x' },
  ],
  'a path that its route does not take': [
    `GET /open/a%2fb HTTP/1.1\r\n${HOST}\r\n`,
    { status: 400, code: 'path_unsafe', route: '/open/*' },
  ],
  'no Host': ['GET /open/a HTTP/1.1\r\n\r\n', { status: 400, code: 'request_invalid', route: NONE }],
  'two Hosts': [
    `GET /open/a HTTP/1.1\r\n${HOST}${HOST}\r\n`,
    { status: 400, code: 'request_invalid', route: '/open/*' },
  ],
  'an unknown expectation': [
    `GET /open/a HTTP/1.1\r\n${HOST}Expect: tea\r\nX-Request-Id: mine\r\n\r\n`,
    { status: 400, code: 'request_invalid', route: NONE, path: '/open/a' },
  ],
  'a body that is announced too large': [
    `POST /open/a HTTP/1.1\r\n${HOST}Content-Length: 2000\r\n\r\n`,
    { status: 413, code: 'body_too_large', route: '/open/*' },
  ],
  'a body that gets too large': [
    `POST /open/a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n7d0\r\n${'x'.repeat(2000)}\r\n0\r\n\r\n`,
    { status: 413, code: 'body_too_large', route: '/open/*' },
  ],
  'a malformed body': [
    `POST /open/a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    { status: 400, code: 'request_invalid', route: '/open/*' },
  ],
  CONNECT: [
    'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n',
    { status: 501, code: 'method_not_implemented', route: NONE, path: 'a:443', method: 'CONNECT' },
  ],
  'another protocol': [
    'OPTIONS rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\n\r\n',
    { status: 505, code: 'version_not_supported', route: NONE, method: 'OPTIONS' },
  ],
  'HTTP/0.9': ['GET /\r\n\r\n', { status: 505, code: 'version_not_supported', route: NONE, path: '/' }],
  'a head that is too large': [
    `GET /open/a HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    {
      status: 431,
      code: 'headers_too_large',
      route: NONE,
      reason: /^the head has more than 16384 bytes \(limits\.headerBytes\)$/,
      bytes: 'X:',
    },
  ],
  'a thousand headers': [
    `GET /open/a HTTP/1.1\r\n${HOST}${'a: b\r\n'.repeat(1200)}\r\n`,
    { status: 431, code: 'headers_too_large', route: '/open/*' },
  ],
  'a WebSocket where none is taken': [
    `GET /open/a HTTP/1.1\r\n${HOST}${HANDSHAKE}\r\n`,
    { status: 400, code: 'request_invalid', route: '/open/*' },
  ],
  'a WebSocket without a route': [
    `GET /nowhere HTTP/1.1\r\n${HOST}${HANDSHAKE}\r\n`,
    { status: 404, code: 'route_not_found', route: NONE, path: '/nowhere' },
  ],
  'a WebSocket without a token': [
    `GET /socket HTTP/1.1\r\n${HOST}${HANDSHAKE}\r\n`,
    { status: 401, code: 'token_missing', route: '/socket' },
  ],
  'a WebSocket without a key': [
    `GET /open-socket HTTP/1.1\r\n${HOST}${UPGRADE}Sec-WebSocket-Version: 13\r\n\r\n`,
    { status: 400, code: 'request_invalid', route: '/open-socket' },
  ],
  'a WebSocket of another version': [
    `GET /open-socket HTTP/1.1\r\n${HOST}${HANDSHAKE.replace('13', '8')}\r\n`,
    { status: 426, code: 'websocket_version', route: '/open-socket' },
  ],
  'a WebSocket that its upstream refuses': [
    `GET /open-socket HTTP/1.1\r\n${HOST}${HANDSHAKE}\r\n`,
    { status: 200, route: '/open-socket' },
  ],
  'an offer of HTTP/2': [
    `GET /open/a HTTP/1.1\r\n${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n`,
    { status: 200, route: '/open/*' },
  ],
  // What is no request: the reason in the parser's words, and the bytes.
  'TLS on a port without': [
    '\x16\x03\x01\x02\x00\x01\x00\xff',
    {
      status: 400,
      code: 'request_invalid',
      route: NONE,
      reason: /method/,
      bytes: '\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\xff',
    },
  ],
  'another protocol with a password': [
    'AUTH secret\r\n',
    { status: 400, code: 'request_invalid', route: NONE, reason: /method/, bytes: 'AUTH' },
  ],
  'a target with blanks': [
    `GET /a b?token=secret HTTP/1.1\r\n${HOST}\r\n`,
    { status: 400, code: 'request_invalid', route: NONE, bytes: 'GET /a b' },
  ],
  'a header with a blank before its colon': [
    `GET /open/a HTTP/1.1\r\nAuthorization : Bearer secret\r\n\r\n`,
    { status: 400, code: 'request_invalid', route: NONE, bytes: 'Authorization ' },
  ],
  'a value with a control character': [
    `GET /open/a HTTP/1.1\r\nCookie: secret\x01\r\n\r\n`,
    { status: 400, code: 'request_invalid', route: NONE, reason: /value/, bytes: 'Cookie:' },
  ],
  'a folded header': [
    `GET /open/a HTTP/1.1\r\nAuthorization: Bearer\r\n secret\r\n\r\n`,
    { status: 400, code: 'request_invalid', route: NONE, reason: /whitespace/ },
  ],
  'two lengths of a body': [
    `POST /open/a HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    { status: 400, code: 'request_invalid', route: NONE },
  ],
}

async function startGateway(t: Teardown, transport = 'direct') {
  const upstream = await startUpstream(t)
  return startTestGateway(t, {
    limits: { bodyBytes: '1KiB' },
    cors: { origins: ['https://page.example'], methods: ['GET'] },
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url], transport }, dead: { targets: ['http://127.0.0.1:1'], transport } },
    routes: [
      { path: '/open/*', upstream: 'up', auth: 'none', methods: ['GET', 'POST'] },
      { path: '/private', upstream: 'up' },
      { path: '/dead', upstream: 'dead', auth: 'none' },
      { path: '/socket', upstream: 'up', websocket: true },
      { path: '/open-socket', upstream: 'up', auth: 'none', websocket: true },
    ],
  })
}

for (const transport of ['direct', 'undici'])
  t.test(`${transport}: each way in which a request is answered leaves one line and one count`, async (t) => {
    const gateway = await startGateway(t, transport)
    for (const [what, [bytes, { status, code, route, path, method, reason, bytes: shown }]] of Object.entries(
      ANSWERED,
    )) {
      const [linesBefore, countsBefore] = [requestLines(gateway).length, await countsOf(gateway)]
      const client = await openRaw(t, gateway.port)
      client.write(Buffer.from(bytes, 'latin1'))
      const received = await client.until(/\r\n\r\n/)
      client.socket.end()
      await waitFor(() => requestLines(gateway).length > linesBefore)
      await waitFor(client.closed)
      const [line, ...more] = requestLines(gateway).slice(linesBefore)
      t.match(
        line,
        { status, route, ...(path === undefined ? {} : { path }), ...(method === undefined ? {} : { method }) },
        what,
      )
      t.equal(line?.['code'], code, `${what}: code`)
      t.same(more, [], `${what}: one line`)
      t.same(idsIn(received), [line?.['requestId']], `${what}: the id that the client saw`)
      t.match(line?.['client'], '127.0.0.1', `${what}: client`)
      if (reason !== undefined) t.match(line?.['reason'], reason, `${what}: reason`)
      if (shown !== undefined) t.equal(line?.['bytes'], shown, `${what}: bytes`)
      const counts = await countsOf(gateway)
      const sum = (of: Map<string, number>) => [...of.values()].reduce((all, count) => all + count, 0)
      t.equal(sum(counts) - sum(countsBefore), 1, `${what}: one count`)
      t.equal(
        (counts.get(`${route} ${status}`) ?? 0) - (countsBefore.get(`${route} ${status}`) ?? 0),
        1,
        `${what}: there`,
      )
    }
    t.notMatch(JSON.stringify(gateway.lines), /secret/, 'no query, password or token is in a line')
  })
