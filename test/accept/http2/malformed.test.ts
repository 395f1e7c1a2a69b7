import t from 'tap'

import * as h2 from '../../support/http2-frames.ts'
import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import { requestLines } from '../../support/told.ts'
import { startTestGateway } from '../../support/test-gateway.ts'

const { TYPE, FLAG } = h2
const path = { ':path': '/open/x' }
const post = { ...path, ':method': 'POST' }

interface Case {
  readonly fields: h2.Fields
  /** Frames behind the head, which then does not end the stream. */
  readonly more?: readonly Buffer[]
  /** A code of the gateway's answer, or how the stream or its connection ends (the sections are RFC 9113's). */
  readonly becomes: string
}

const data = (text: string, flags: number = FLAG.endStream) => h2.frame(TYPE.data, flags, 1, Buffer.from(text))
const field = (name: string, value: string): h2.Fields => h2.requestFields(path, [[name, value]])
const many = (count: number): h2.Fields =>
  h2.requestFields(
    path,
    Array.from({ length: count }, (_, index) => [`x${index}`, ''] as const),
  )

const CASES: Readonly<Record<string, Case>> = {
  // 8.2.1, 8.2.2
  'a name in upper case': { fields: field('X-A', 'b'), becomes: 'reset' },
  connection: { fields: field('connection', 'close'), becomes: 'reset' },
  'keep-alive': { fields: field('keep-alive', 'timeout=5'), becomes: 'reset' },
  'proxy-connection': { fields: field('proxy-connection', 'close'), becomes: 'reset' },
  'transfer-encoding': { fields: field('transfer-encoding', 'chunked'), becomes: 'reset' },
  upgrade: { fields: field('upgrade', 'websocket'), becomes: 'reset' },
  'te with another coding': { fields: field('te', 'gzip'), becomes: 'reset' },
  'te: trailers': { fields: field('te', 'trailers'), becomes: 'answered' },
  'http2-settings': { fields: field('http2-settings', 'AAAA'), becomes: 'request_invalid' },
  // 8.3
  'a pseudo-header field twice': { fields: field(':path', '/y'), becomes: 'reset' },
  'a pseudo-header field behind others': {
    fields: [...h2.requestFields({ ...path, ':scheme': undefined }), ['a', 'b'], [':scheme', 'http']],
    becomes: 'reset',
  },
  'one that nobody knows': { fields: h2.requestFields({ ...path, ':x': 'y' }), becomes: 'reset' },
  'one of responses': { fields: h2.requestFields({ ...path, ':status': '200' }), becomes: 'reset' },
  // 8.3.1
  'no method': { fields: h2.requestFields({ ...path, ':method': undefined }), becomes: 'reset' },
  'a method with a blank': { fields: h2.requestFields({ ...path, ':method': 'G T' }), becomes: 'reset' },
  'a method that nobody knows': { fields: h2.requestFields({ ...path, ':method': 'FOO' }), becomes: 'request_invalid' },
  'no scheme': { fields: h2.requestFields({ ...path, ':scheme': undefined }), becomes: 'reset' },
  'another scheme': { fields: h2.requestFields({ ...path, ':scheme': 'ftp' }), becomes: 'request_invalid' },
  'no path': { fields: h2.requestFields({ ':path': undefined }), becomes: 'reset' },
  'an empty path': { fields: h2.requestFields({ ':path': '' }), becomes: 'reset' },
  'a path without its slash': { fields: h2.requestFields({ ':path': 'x' }), becomes: 'reset' },
  'a star for GET': { fields: h2.requestFields({ ':path': '*' }), becomes: 'reset' },
  'a path that is a URL': { fields: h2.requestFields({ ':path': 'http://b/open/' }), becomes: 'reset' },
  'a path with a blank': { fields: h2.requestFields({ ':path': '/open/a b' }), becomes: 'reset' },
  'a path with a line end': { fields: h2.requestFields({ ':path': '/open/a\r\nx: y' }), becomes: 'reset' },
  'a path with a fragment': { fields: h2.requestFields({ ':path': '/open/a#b' }), becomes: 'request_invalid' },
  'a path that goes up': { fields: h2.requestFields({ ':path': '/open/../a' }), becomes: 'path_unsafe' },
  'neither authority nor Host': { fields: h2.requestFields({ ...path, ':authority': undefined }), becomes: 'reset' },
  'Host alone': {
    fields: h2.requestFields({ ...path, ':authority': undefined }, [['host', 'a.example']]),
    becomes: 'answered',
  },
  'an authority with a password': {
    fields: h2.requestFields({ ...path, ':authority': 'u:p@a' }),
    becomes: 'request_invalid',
  },
  'a Host that says another': { fields: field('host', 'b.example'), becomes: 'request_invalid' },
  'a Host that says the same': { fields: field('host', 'A.example'), becomes: 'answered' },
  'two Hosts': {
    fields: h2.requestFields({ ...path, ':authority': undefined }, [
      ['host', 'a.example'],
      ['host', 'b.example'],
    ]),
    becomes: 'reset',
  },
  // 8.5, RFC 8441: no tunnels, and no WebSockets here, which SETTINGS do not offer.
  CONNECT: {
    fields: [
      [':method', 'CONNECT'],
      [':authority', 'a.example:443'],
    ],
    becomes: 'method_not_implemented',
  },
  'extended CONNECT': {
    fields: h2.requestFields({ ...path, ':method': 'CONNECT', ':protocol': 'websocket' }),
    becomes: 'reset',
  },
  // 8.1.1
  'fewer bytes than announced': {
    fields: h2.requestFields(post, [['content-length', '5']]),
    more: [data('abc')],
    becomes: 'reset',
  },
  'more bytes than announced': {
    fields: h2.requestFields(post, [['content-length', '2']]),
    more: [data('abc')],
    becomes: 'reset',
  },
  'a length and no body': { fields: h2.requestFields(post, [['content-length', '2']]), becomes: 'reset' },
  'a length that is none': { fields: h2.requestFields(post, [['content-length', '+2']]), becomes: 'reset' },
  'two lengths': {
    fields: h2.requestFields(post, [
      ['content-length', '0'],
      ['content-length', '0'],
    ]),
    becomes: 'reset',
  },
  'a pseudo-header field in trailers': {
    fields: h2.requestFields(post),
    more: [data('abc', 0), h2.headers(1, [[':path', '/y']])],
    becomes: 'reset',
  },
  // 10.5.1
  'a thousand fields': { fields: many(999), becomes: 'headers_too_large' },
  'more fields than are counted': { fields: many(1200), becomes: 'reset' },
  'a field as long as HTTP/1.1 takes none': {
    fields: field('x-long', 'y'.repeat(17_000)),
    becomes: 'headers_too_large',
  },
  'fields of 200,000 bytes': {
    fields: h2.requestFields(
      path,
      Array.from({ length: 13 }, () => ['x-long', 'y'.repeat(15_000)] as const),
    ),
    becomes: 'gone',
  },
  'two Authorizations': {
    fields: h2.requestFields(path, [
      ['authorization', 'Bearer a'],
      ['authorization', 'Bearer b'],
    ]),
    becomes: 'token_ambiguous',
  },
  // 5.1.1, 6.1
  'a frame of a stream that is none': {
    fields: h2.requestFields(path),
    more: [h2.frame(TYPE.data, 0, 0)],
    becomes: 'gone',
  },
  'an even stream': { fields: h2.requestFields(path), more: [h2.headers(2, h2.requestFields(path))], becomes: 'gone' },
}

async function start(t: Parameters<typeof startUpstream>[0]) {
  const upstream = await startUpstream(t)
  const gateway = await startTestGateway(t, {
    listen: { h2c: true },
    upstreams: { u: { targets: [upstream.url] } },
    routes: [{ path: '/open/*', upstream: 'u', auth: 'none' }],
  })
  return { upstream, gateway }
}

/** Sends a head in as many frames as it needs, the last of which ends it. */
function frames(fields: h2.Fields, flags: number): Buffer {
  const whole = h2.block(fields)
  const pieces = Array.from({ length: Math.ceil(whole.length / 16_384) }, (_, index) =>
    whole.subarray(index * 16_384, (index + 1) * 16_384),
  )
  return Buffer.concat(
    pieces.map((piece, index) => {
      const end = index === pieces.length - 1 ? FLAG.endHeaders : 0
      return h2.frame(index === 0 ? TYPE.headers : TYPE.continuation, end | (index === 0 ? flags : 0), 1, piece)
    }),
  )
}

function outcome(connection: h2.FrameConnection): string {
  const code = /"code":"(\w+)"/.exec(h2.bodyOf(connection.frames, 1))?.[1]
  const isReset = connection.frames.some(({ type, stream }) => type === TYPE.reset && stream === 1)
  if (connection.frames.some(({ type }) => type === TYPE.goaway)) return 'gone'
  return code ?? (isReset ? 'reset' : 'answered')
}

t.test('what is malformed is refused: by an answer, a reset of its stream or the end of its connection', async (t) => {
  const { upstream, gateway } = await start(t)
  for (const [name, { fields, more = [], becomes }] of Object.entries(CASES)) {
    upstream.requests.length = 0
    const connection = await h2.openFrames(t, gateway.port)
    connection.send(frames(fields, more.length === 0 ? FLAG.endStream : 0), ...more)
    await connection.until(
      ({ type, flags, stream }) =>
        type === TYPE.goaway ||
        (stream === 1 && (type === TYPE.reset || (type === TYPE.data && (flags & FLAG.endStream) !== 0))),
    )
    t.equal(outcome(connection), becomes, name)
    if (becomes !== 'answered') t.same(upstream.requests, [], `${name}: not for the upstream`)
    connection.socket.destroy()
  }
})

t.test('a field whose value or name is none is left out, as nghttp2 does it; the others go on', async (t) => {
  const { upstream, gateway } = await start(t)
  const connection = await h2.openFrames(t, gateway.port)
  connection.send(
    h2.headers(
      1,
      h2.requestFields(path, [
        ['x-nul', 'a\0b'],
        ['x-line', 'a\r\nx-evil: b'],
        ['x-cr', 'a\rb'],
        ['', 'no name'],
        ['x:y', 'a colon'],
        ['x-good', 'c'],
      ]),
    ),
  )
  await connection.until(({ type, stream }) => type === TYPE.data && stream === 1)
  const names = (upstream.requests[0]?.rawHeaders ?? []).filter((_, index) => index % 2 === 0)
  t.same(
    names.filter((name) => name.includes('x-') && !name.startsWith('x-forwarded') && name !== 'x-request-id'),
    ['x-good'],
  )
})

t.test('cookies come as one, Host from the authority, and trailers behind the body', async (t) => {
  const { upstream, gateway } = await start(t)
  const connection = await h2.openFrames(t, gateway.port)
  connection.send(
    h2.headers(
      1,
      h2.requestFields(post, [
        ['cookie', 'a=1'],
        ['x-a', '1'],
        ['cookie', 'b=2'],
        ['x-a', '2'],
        ['cookie', 'c=3'],
      ]),
      FLAG.endHeaders,
    ),
    data('abc', 0),
    h2.headers(1, [['x-sum', '6']]),
  )
  await connection.until(({ type, stream }) => type === TYPE.data && stream === 1)
  const [request] = upstream.requests
  t.same(headerValues(request, 'cookie'), ['a=1; b=2; c=3'])
  t.same(headerValues(request, 'x-a'), ['1', '2'])
  t.same(headerValues(request, 'x-forwarded-host'), ['a.example'])
  t.equal(String(request?.body), 'abc')
  t.match(requestLines(gateway)[0], { protocol: 'HTTP/2.0', host: 'a.example', status: 200, bytesIn: 3 })
})
