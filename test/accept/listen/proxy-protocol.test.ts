// The PROXY protocol byte by byte: proxy-protocol.txt of HAProxy, versions 1 and 2, and all that only looks like it.
import t from 'tap'
import fc from 'fast-check'

import { crc32c } from '../../../gateway/src/accept/listen/crc32c.ts'
import { readProxyHeader, type ProxyHeaderRead } from '../../../gateway/src/accept/listen/proxy-protocol.ts'
import { v2Header, V2_SIGNATURE } from '../../support/proxy-header.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const FOUR = [192, 0, 2, 1, 198, 51, 100, 7, 0xdd, 0xd5, 0x01, 0xbb]
const SIX = [
  ...[0x20, 0x01, 0x0d, 0xb8],
  ...new Array<number>(11).fill(0),
  7,
  ...new Array<number>(15).fill(0),
  1,
  1,
  2,
  3,
  4,
]
const MAPPED = [
  ...new Array<number>(10).fill(0),
  0xff,
  0xff,
  192,
  0,
  2,
  1,
  ...new Array<number>(16).fill(0),
  1,
  2,
  3,
  4,
]
const UNIX = new Array<number>(216).fill(0x61)
const CHECKED = v2Header({ family: 0x11, addresses: FOUR, tlvs: [[0x02, latin1('a.example')]], checksum: true })
const damaged = (at: number) => Buffer.from(CHECKED).fill((CHECKED[at] ?? 0) ^ 1, at, at + 1)

/** `undefined`: whole, and names nobody. */
const WHOLE: readonly [string, Buffer, string | undefined][] = [
  ['TCP4', latin1('PROXY TCP4 192.0.2.1 198.51.100.7 56789 443\r\n'), '192.0.2.1'],
  ['TCP4, the longest', latin1('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n'), '255.255.255.255'],
  ['TCP4, port 0', latin1('PROXY TCP4 192.0.2.1 198.51.100.7 0 0\r\n'), '192.0.2.1'],
  ['TCP6', latin1('PROXY TCP6 2001:DB8:0::7 ::1 56789 443\r\n'), '2001:db8::7'],
  ['TCP6 of an IPv4 client', latin1('PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n'), '192.0.2.1'],
  ['UNKNOWN', latin1('PROXY UNKNOWN\r\n'), undefined],
  ['UNKNOWN and more', latin1('PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n'), undefined],
  ['UNKNOWN, 107 bytes', latin1(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`), undefined],
  ['v2 TCP4', v2Header({ family: 0x11, addresses: FOUR }), '192.0.2.1'],
  ['v2 TCP6', v2Header({ family: 0x21, addresses: SIX }), '2001:db8::7'],
  ['v2 TCP6 of an IPv4 client', v2Header({ family: 0x21, addresses: MAPPED }), '192.0.2.1'],
  ['v2 UDP4 names nobody who speaks TCP', v2Header({ family: 0x12, addresses: FOUR }), undefined],
  ['v2 UNIX', v2Header({ family: 0x31, addresses: UNIX }), undefined],
  ['v2 UNSPEC', v2Header({ family: 0x00, addresses: [] }), undefined],
  ['v2 UNSPEC with something', v2Header({ family: 0x00, addresses: [1, 2, 3] }), undefined],
  ['v2 LOCAL', v2Header({ command: 0x20, family: 0x00, addresses: [] }), undefined],
  ['v2 LOCAL, whatever follows', v2Header({ command: 0x20, family: 0xff, addresses: [9, 9, 9] }), undefined],
  ['v2 LOCAL does not name its address', v2Header({ command: 0x20, family: 0x11, addresses: FOUR }), undefined],
  [
    'v2 with extensions',
    v2Header({
      family: 0x11,
      addresses: FOUR,
      tlvs: [
        [0x01, latin1('h2')],
        [0xee, Buffer.alloc(300)],
      ],
    }),
    '192.0.2.1',
  ],
  [
    'v2 with an empty extension',
    v2Header({ family: 0x11, addresses: FOUR, tlvs: [[0x04, Buffer.alloc(0)]] }),
    '192.0.2.1',
  ],
  ['v2 with a checksum', CHECKED, '192.0.2.1'],
  [
    'v2, 4096 bytes',
    v2Header({ family: 0x11, addresses: FOUR, tlvs: [[0x04, Buffer.alloc(4096 - 16 - 12 - 3)]] }),
    '192.0.2.1',
  ],
]

const FAULTS: readonly [string, Buffer][] = [
  ['a request', latin1('GET / HTTP/1.1\r\n')],
  ['TLS', Buffer.from([0x16, 0x03, 0x01])],
  ['another case', latin1('proxy TCP4 192.0.2.1 198.51.100.7 1 2\r\n')],
  ['two spaces', latin1('PROXY  TCP4 192.0.2.1 198.51.100.7 1 2\r\n')],
  ['a tab', latin1('PROXY TCP4\t192.0.2.1 198.51.100.7 1 2\r\n')],
  ['LF alone', latin1(`PROXY TCP4 192.0.2.1 198.51.100.7 1 2\n${'x'.repeat(80)}`)],
  ['LF within', latin1('PROXY TCP4 192.0.2.1 198.51.100.7 1 2\n\r\n')],
  ['another family', latin1('PROXY TCP5 192.0.2.1 198.51.100.7 1 2\r\n')],
  ['UDP4', latin1('PROXY UDP4 192.0.2.1 198.51.100.7 1 2\r\n')],
  ['UNKNOWN and a word of it', latin1('PROXY UNKNOWNS\r\n')],
  ['nothing', latin1('PROXY \r\n')],
  ['IPv6 in TCP4', latin1('PROXY TCP4 ::1 ::1 1 2\r\n')],
  ['IPv4 in TCP6', latin1('PROXY TCP6 192.0.2.1 198.51.100.7 1 2\r\n')],
  ['a zone', latin1('PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n')],
  ['leading zeros', latin1('PROXY TCP4 192.0.2.01 198.51.100.7 1 2\r\n')],
  ['a number too large', latin1('PROXY TCP4 192.0.2.256 198.51.100.7 1 2\r\n')],
  ['a destination that is none', latin1('PROXY TCP4 192.0.2.1 x 1 2\r\n')],
  ['a port too large', latin1('PROXY TCP4 192.0.2.1 198.51.100.7 65536 2\r\n')],
  ['a port with a zero before it', latin1('PROXY TCP4 192.0.2.1 198.51.100.7 01 2\r\n')],
  ['a port with a sign', latin1('PROXY TCP4 192.0.2.1 198.51.100.7 +1 2\r\n')],
  ['no ports', latin1('PROXY TCP4 192.0.2.1 198.51.100.7\r\n')],
  ['a port too many', latin1('PROXY TCP4 192.0.2.1 198.51.100.7 1 2 3\r\n')],
  ['a space at the end', latin1('PROXY TCP4 192.0.2.1 198.51.100.7 1 2 \r\n')],
  ['108 bytes', latin1(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`)],
  ['no end', latin1(`PROXY UNKNOWN ${'x'.repeat(200)}`)],
  ['v2, a signature that ends otherwise', Buffer.concat([V2_SIGNATURE.subarray(0, 11), latin1('\r')])],
  ['v2 of version 1', Buffer.concat([V2_SIGNATURE, Buffer.from([0x11])])],
  ['v2 of version 3', Buffer.concat([V2_SIGNATURE, Buffer.from([0x31])])],
  ['v2 with command 2', Buffer.concat([V2_SIGNATURE, Buffer.from([0x22])])],
  ['v2 with family 4', Buffer.concat([V2_SIGNATURE, Buffer.from([0x21, 0x41])])],
  ['v2 with protocol 3', Buffer.concat([V2_SIGNATURE, Buffer.from([0x21, 0x13])])],
  ['v2 of UNSPEC and STREAM', Buffer.concat([V2_SIGNATURE, Buffer.from([0x21, 0x01])])],
  ['v2 with half of an address', v2Header({ family: 0x11, addresses: FOUR.slice(0, 11) })],
  ['v2 TCP6 with addresses of IPv4', v2Header({ family: 0x21, addresses: FOUR })],
  ['v2 of 4097 bytes', Buffer.concat([V2_SIGNATURE, Buffer.from([0x21, 0x11, 0x0f, 0xf1])])],
  ['v2 of 65551 bytes', Buffer.concat([V2_SIGNATURE, Buffer.from([0x20, 0x00, 0xff, 0xff])])],
  ['v2 with an extension without its length', v2Header({ family: 0x11, addresses: [...FOUR, 0x04, 0x00] })],
  ['v2 with an extension that is cut off', v2Header({ family: 0x11, addresses: [...FOUR, 0x04, 0x00, 0x02, 0x61] })],
  ['v2 with a checksum of three bytes', v2Header({ family: 0x11, addresses: FOUR, tlvs: [[0x03, Buffer.alloc(3)]] })],
  ['v2 with a checksum of zeros', v2Header({ family: 0x11, addresses: FOUR, tlvs: [[0x03, Buffer.alloc(4)]] })],
  ['v2 with another address than the checksum has', damaged(16)],
  ['v2 with another extension than the checksum has', damaged(32)],
  ['v2 with another checksum', damaged(CHECKED.length - 1)],
]

const isFault = (read: ProxyHeaderRead) => typeof read === 'string' && read !== 'more'

t.test('a header is read as soon as it is whole, and no byte of what follows', async (t) => {
  for (const [title, header, client] of WHOLE) {
    for (let length = 0; length < header.length; length += 1)
      if (readProxyHeader(header.subarray(0, length)) !== 'more') t.fail(`${title}: settled after ${length} bytes`)
    for (const rest of ['', 'GET / HTTP/1.1\r\n\r\n'])
      t.same(readProxyHeader(Buffer.concat([header, latin1(rest)])), { bytes: header.length, client }, title)
  }
})

t.test('what is no header is refused, however it comes, and never read as one', async (t) => {
  for (const [title, bytes] of FAULTS) {
    t.ok(isFault(readProxyHeader(bytes)), title)
    for (let length = 0; length < bytes.length; length += 1)
      if (typeof readProxyHeader(bytes.subarray(0, length)) === 'object')
        t.fail(`${title}: a header after ${length} bytes`)
  }
})

t.test('property: no bytes throw, and what was settled stays so whatever follows', async (t) => {
  const some = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ maxLength: 100 }).map((rest) => Buffer.concat([V2_SIGNATURE, rest])),
    fc
      .constantFrom(...WHOLE.map(([, header]) => header))
      .chain((header) =>
        fc
          .tuple(fc.nat(header.length - 1), fc.nat(255))
          .map(([at, byte]) => Buffer.from(header).fill(byte, at, at + 1)),
      ),
  )
  fc.assert(
    fc.property(some, fc.uint8Array({ maxLength: 20 }), (bytes, more) => {
      const read = readProxyHeader(Buffer.from(bytes))
      const later = readProxyHeader(Buffer.concat([bytes, more]))
      return read === 'more' || (isFault(read) ? isFault(later) : JSON.stringify(read) === JSON.stringify(later))
    }),
    { numRuns: 3000 },
  )
  t.pass('3000 cases')
})

t.test('the checksum is CRC-32C', async (t) => {
  // RFC 3720 appendix B.4.
  t.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa)
  t.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43)
  t.equal(crc32c(latin1('123456789')), 0xe3069283)
})
