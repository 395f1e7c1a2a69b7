// Random requests and answers against an upstream that records: what arrives equals what was sent, but for the changes that
// are documented. They are written down here once, as one function for each direction.
import t from 'tap'
import fc from 'fast-check'
import { connect } from 'node:net'

import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'

type Headers = readonly (readonly [name: string, value: string])[]

interface Message {
  readonly method: string
  readonly path: string
  readonly headers: Headers
  readonly chunks: readonly Buffer[]
  readonly framing: 'none' | 'length' | 'chunks'
}

// RFC 9110 section 5.6.2 and 5.5: names are tokens, values are visible characters, spaces inside, and what is above ASCII.
const tokenCharacter = fc.constantFrom(..."abcxyzABCXYZ019-!#$%&'*+.^`|~")
const name = fc.string({ unit: tokenCharacter, minLength: 1, maxLength: 12 }).map((text) => `X-${text}`)
const valueCharacter = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
  { weight: 1, arbitrary: fc.integer({ min: 0x80, max: 0xff }) },
)
const value = fc
  .array(fc.oneof({ weight: 6, arbitrary: valueCharacter }, { weight: 1, arbitrary: fc.constantFrom(0x20, 0x09) }), {
    maxLength: 40,
  })
  .map((codes) =>
    String.fromCharCode(...codes)
      .trim()
      .replace(/^\t+|\t+$/g, ''),
  )
const special = fc.constantFrom<readonly [string, string]>(
  ['Keep-Alive', 'timeout=5'],
  ['Proxy-Connection', 'keep-alive'],
  ['TE', 'trailers'],
  ['X_Under', '1'],
  ['X-Forwarded-For', '1.2.3.4'],
  ['Forwarded', 'for=1.2.3.4'],
  ['X-Request-Id', 'mine'],
  ['X-Auth-Result', 'evil'],
  ['x_auth-result', 'evil'],
  ['Cookie', 'a=1; b=2'],
  ['Accept-Encoding', 'gzip, br'],
  ['Content-Encoding', 'gzip'],
  ['Content-Type', 'text/plain; charset=latin1'],
  ['Authorization', 'Basic eA=='],
  ['Range', 'bytes=0-1'],
  ['If-None-Match', '"1"'],
  ['User-Agent', 'test/1 (x)'],
)
const headers = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.tuple(name, value) }, { weight: 1, arbitrary: special }), {
    maxLength: 20,
  })
  .map((pairs): Headers =>
    pairs.filter(
      ([key], index) =>
        !/^(content-type|authorization)$/i.test(key) || pairs.findIndex(([other]) => other === key) === index,
    ),
  )
const segment = fc
  .string({
    unit: fc.constantFrom(...'abcAZ09-_~!$&()*+,;=:@'.split(''), '%20', '%C3%A9', '%3F', '%25'),
    minLength: 1,
    maxLength: 8,
  })
  .filter((text) => !/%25(25)*(2e|2f|5c)/i.test(text))
const query = fc.option(
  fc.string({
    unit: fc.constantFrom(...'abc019=&?/:@!$\'()*+,;.[]{}|^`"<>\\~-_'.split(''), '%00', '%zz', '%2F', '..'),
    maxLength: 20,
  }),
)
const path = fc
  .tuple(fc.array(segment, { maxLength: 5 }), query)
  .map(([segments, rest]) => `/${segments.join('/')}${rest === null ? '' : `?${rest}`}`)
const chunks = fc.array(
  fc.uint8Array({ minLength: 1, maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
  { maxLength: 4 },
)
const method = fc.constantFrom(
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PURGE',
  'PROPFIND',
  'REPORT',
  'MKCOL',
  'LOCK',
  'SEARCH',
)
const message: fc.Arbitrary<Message> = fc.record({
  method,
  path,
  headers,
  chunks,
  framing: fc.constantFrom('none', 'length', 'chunks'),
})

/** What an upstream gets in place of what the client sent. All that is not here must arrive as it was. */
function arrives(
  { method: verb, headers: sent, chunks: pieces, framing }: Message,
  upstream: string,
  gateway: string,
): Headers {
  const length = pieces.reduce((sum, { length: bytes }) => sum + bytes, 0)
  const taken = /^(keep-alive|proxy-connection|te|forwarded|x-forwarded-for|x-request-id|x[-_]auth[-_]result|.*_.*)$/i
  const takesBody = /^(PUT|POST|PATCH)$/.test(verb)
  return [
    // Of the hop to the upstream.
    ['host', upstream],
    ['connection', 'keep-alive'],
    // Said by the gateway, first. An id that comes twice is none, and gets a new one.
    ['x-request-id', sent.filter(([key]) => key === 'X-Request-Id').length === 1 ? 'mine' : '*'],
    ['x-forwarded-for', '127.0.0.1'],
    ['x-forwarded-proto', 'http'],
    ['x-forwarded-host', gateway],
    ...sent.filter(([key]) => !taken.test(key)),
    // Framing comes last: as it was said, and where none was, that there is no body if the method is one that has bodies.
    ...(framing === 'chunks' ? [['transfer-encoding', 'chunked'] as const] : []),
    ...(framing === 'length' ? [['Content-Length', String(length)] as const] : []),
    ...(framing === 'none' && takesBody ? [['content-length', '0'] as const] : []),
  ]
}

function pairs(raw: readonly string[]): Headers {
  return raw.flatMap((key, index) => (index % 2 === 0 ? [[key, raw[index + 1] ?? ''] as const] : []))
}

/** Sends it in as many writes as it has chunks and returns the answer's bytes. */
function exchange(
  port: number,
  { method: verb, path: target, headers: sent, chunks: pieces, framing }: Message,
): Promise<Buffer> {
  const head = [
    `${verb} ${target} HTTP/1.1`,
    'Host: shop.example.com',
    'Connection: close',
    ...sent.map(([key, text]) => `${key}: ${text}`),
  ]
  const length = pieces.reduce((sum, { length: bytes }) => sum + bytes, 0)
  if (framing === 'length') head.push(`Content-Length: ${length}`)
  if (framing === 'chunks') head.push('Transfer-Encoding: chunked')
  return new Promise((resolve, reject) => {
    const received: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    socket.on('data', (chunk) => received.push(chunk)).on('error', reject)
    socket.on('close', () => {
      resolve(Buffer.concat(received))
    })
    socket.setNoDelay(true).write(Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'))
    if (framing === 'none') return
    for (const piece of pieces) {
      if (framing === 'chunks') socket.write(`${piece.length.toString(16)}\r\n`)
      socket.write(piece)
      if (framing === 'chunks') socket.write('\r\n')
    }
    if (framing === 'chunks') socket.write('0\r\n\r\n')
  })
}

t.test('whatever a client sends arrives as it was, but for the documented changes', { timeout: 100_000 }, async (t) => {
  const upstream = await startUpstream(t)
  const { port } = await startTestGateway(t, {
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none', encodedSlashes: 'allow' }],
  })
  let runs = 0
  await fc.assert(
    fc.asyncProperty(message, async (sent) => {
      const before = upstream.requests.length
      const answer = await exchange(port, sent)
      const seen = upstream.requests[before]
      const title = JSON.stringify(sent)
      if (seen === undefined) throw new Error(`${answer.toString('latin1')} for ${title}`)
      runs += 1
      const expected = arrives(sent, `127.0.0.1:${upstream.port}`, 'shop.example.com')
      const got = pairs(seen.rawHeaders).map(([key, text], index) =>
        expected[index]?.[1] === '*' ? ([key, '*'] as const) : ([key, text] as const),
      )
      const same =
        seen.method === sent.method &&
        seen.url === sent.path &&
        JSON.stringify(got) === JSON.stringify(expected) &&
        seen.body.equals(Buffer.concat(sent.framing === 'none' ? [] : [...sent.chunks]))
      if (!same)
        throw new Error(
          `${JSON.stringify([seen.method, seen.url, got, seen.body.length])} is not ${JSON.stringify(expected)} for ${title}`,
        )
    }),
    { numRuns: 300, seed: 4 },
  )
  t.ok(runs >= 300)
})
