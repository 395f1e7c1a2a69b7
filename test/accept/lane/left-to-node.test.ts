// What readers of requests disagree about is not for the fast lane: it leaves such requests to Node's parser.
import t from 'tap'

import { readPlainHead } from '../../../gateway/src/accept/lane/plain-head.ts'

/** Field lines behind a Host, and why the lane leaves them to Node's parser. */
const LEFT: readonly (readonly [lines: string, why: string])[] = [
  ['Content-Length: 2\t', 'Node 20 refuses a tab behind the digits, Node 22 does not (llhttp 8 and 9)'],
  ['Connection: close\t', 'Node 20 keeps the connection, Node 22 does not'],
  ['X: a\t', 'no need to tell those two from others'],
  ['X:\t', 'the same'],
  ['Set-Cookie: a=b', 'a list in Node’s headers, even of one'],
  ['__proto__: a', 'Node’s headers inherit, and have no place for it'],
  ['X: a\r\nX: b', 'how they are joined, differs by name'],
  ['X: \x80', 'obs-text (RFC 9110 section 5.5)'],
  ['X: a\r\n b', 'obs-fold (RFC 9112 section 5.2)'],
  ['X : a', 'RFC 9112 section 5.1'],
  ['Content-Length: +2', 'RFC 9110 section 8.6: digits'],
  ['Content-Length: 2, 2', 'the same'],
  ['Content-Length:', 'the same'],
  ['Transfer-Encoding: chunked', 'RFC 9112 section 6.1'],
  ['Connection: close, x', 'a list of options'],
  ['Proxy-Connection: close', 'Node’s parser obeys it'],
  ['Expect: 100-continue', 'RFC 9110 section 10.1.1'],
]

t.test('what readers disagree about is left to Node’s parser', async (t) => {
  for (const [lines, why] of LEFT)
    t.type(
      readPlainHead(`POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n`),
      'string',
      `${JSON.stringify(lines)}: ${why}`,
    )
})

t.test('a thousand field lines are left too: Node’s parser leaves out what stands behind them', async (t) => {
  for (const count of [1, 998, 999, 1000, 1500]) {
    const lines = Array.from({ length: count - 1 }, (_, index) => `x${index.toString(36)}:1\r\n`)
    const head = readPlainHead(`GET / HTTP/1.1\r\nHost: a\r\n${lines.join('')}\r\n`)
    t.equal(typeof head === 'string', count >= 1000, `${count}`)
  }
})
