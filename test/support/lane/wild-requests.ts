// Random requests: from a grammar that leans to what readers disagree about, and then damaged.
import fc from 'fast-check'

import { FORWARDED_METHODS } from '../../../gateway/src/accept/routes/route-table.ts'

const often = <Value>(common: fc.Arbitrary<Value>, rare: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 14, arbitrary: common }, { weight: 1, arbitrary: rare })

const latin1Text = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const visibleText = fc.string({ unit: 'grapheme-ascii', maxLength: 20 })
const method = often(
  fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', ...FORWARDED_METHODS),
  fc.constantFrom('get', 'CONNECT', 'PRI', 'SOURCE', 'DESCRIBE', 'GET ', 'G', 'GETX', '', 'QUERY', '\r\nGET'),
)
const target = often(
  fc.oneof(
    fc.webPath(),
    fc.webQueryParameters().map((query) => `/?${query}`),
    visibleText.map((text) => `/${text}`),
  ),
  fc.constantFrom('*', 'http://a/b', '//a', '/#x', '/a b', '', '/\\', '/"<>^`{|}', '/%', '/\x7f', '/\x80', '/\t'),
)
const version = often(
  fc.constant('HTTP/1.1'),
  fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 ', ' HTTP/1.1', 'RTSP/1.1', 'HTTP/1.10'),
)

const knownName = fc.constantFrom(
  ...['Host', 'Content-Length', 'Connection', 'Transfer-Encoding', 'Expect', 'Upgrade', 'TE', 'Trailer', 'Cookie'],
  ...['Set-Cookie', 'Authorization', 'Keep-Alive', 'Proxy-Connection', 'HTTP2-Settings', 'Content-Type', 'Accept'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'Date', 'Age', 'Referer', 'X-Forwarded-For', 'Via'],
)
const randomName = fc.string({ unit: fc.constantFrom(..."!#$%&'*+-.^_`|~09azAZ"), minLength: 1, maxLength: 14 })
const name = often(fc.oneof(knownName, randomName), latin1Text).chain((text) =>
  fc.constantFrom(text, text, text, text.toLowerCase(), text.toUpperCase()),
)
const value = often(
  fc.oneof(
    visibleText,
    fc.constantFrom('close', 'keep-alive', 'Close', 'KEEP-ALIVE', 'close, x', 'x, close', 'upgrade', 'closed', 'clos'),
    fc.constantFrom(
      '0',
      '00',
      '1',
      '3',
      '003',
      '5',
      '+3',
      '-1',
      '3,3',
      '3 3',
      '0x3',
      '3.0',
      '1e1',
      '99999999999999999999',
    ),
    fc.constantFrom('chunked', 'Chunked', 'gzip, chunked', '100-continue', 'h2c', 'websocket', 'trailers', 'a', 'b:80'),
  ),
  latin1Text,
)
const blank = often(fc.constantFrom(' ', '', '\t', '  ', ' \t', '\t '), fc.constantFrom('\x0b', '\r', '\n', '\0'))
const blankBehind = often(fc.constantFrom('', '', ' ', '  '), fc.constantFrom('\t', ' \t', '\t ', '\x0b', '\r'))
const lineEnd = fc.constantFrom(...Array.from({ length: 60 }, () => '\r\n'), '\n', '\r', '\r\r\n', '\r\n ', '\r\n\t')
const line = fc.tuple(name, blank, value, blankBehind, lineEnd).map(([a, b, c, d, end]) => `${a}:${b}${c}${d}${end}`)

const host = often(
  fc.constantFrom('Host: a\r\n', 'host: a.test:80\r\n'),
  fc.constantFrom('', 'Host:\r\n', 'Host: a b\r\n', 'Host: a\r\nHost: a\r\n'),
)
const framing = often(
  fc.constantFrom(
    '',
    '',
    'Content-Length: 3\r\n',
    'content-length: 0\r\n',
    'Connection: close\r\n',
    'connection: keep-alive\r\n',
  ),
  fc.constantFrom(
    'Content-Length: 3\t\r\n',
    'Connection: close\t\r\n',
    'Connection:\tclose \r\n',
    'Content-Length:3\r\n',
  ),
)
const body = fc.oneof(
  fc.constantFrom('', '', 'abc', 'ab', 'GET / HTTP/1.1\r\nHost: evil\r\n\r\n', '\r\n', '0\r\n\r\n'),
  latin1Text,
)

const wellMade = fc
  .tuple(method, target, version, host, framing, fc.array(line, { maxLength: 5 }), body)
  .map(
    ([verb, path, protocol, hostLine, frame, lines, rest]) =>
      `${verb} ${path} ${protocol}\r\n${hostLine}${frame}${lines.join('')}\r\n${rest}`,
  )

/** Where, and what happens there. */
interface Damage {
  readonly at: number
  readonly kind: 'change' | 'put in' | 'leave out' | 'double'
  readonly byte: number
}

const damage: fc.Arbitrary<Damage> = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  kind: fc.constantFrom('change', 'put in', 'leave out', 'double'),
  byte: fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('\r\n\t :,\0;'))),
})

function damaged(bytes: Buffer, { at, kind, byte }: Damage): Buffer {
  const place = Math.floor(at * bytes.length)
  const before = bytes.subarray(0, place)
  if (kind === 'change') return Buffer.concat([before, Buffer.of(byte), bytes.subarray(place + 1)])
  if (kind === 'put in') return Buffer.concat([before, Buffer.of(byte), bytes.subarray(place)])
  if (kind === 'leave out') return Buffer.concat([before, bytes.subarray(place + 1)])
  const lineStart = bytes.lastIndexOf('\n', place) + 1
  const lineStop = bytes.indexOf('\n', place) + 1
  return Buffer.concat([bytes.subarray(0, lineStop), bytes.subarray(lineStart, lineStop), bytes.subarray(lineStop)])
}

/** One request, with whatever stands behind it. */
export const wildRequest: fc.Arbitrary<Buffer> = fc
  .tuple(wellMade, fc.oneof(fc.constant([]), fc.array(damage, { maxLength: 2 })))
  .map(([text, damages]) => damages.reduce(damaged, Buffer.from(text, 'latin1')))
