// Reading responses: the same in whatever pieces they come, and nothing that two readers could frame differently.
import t from 'tap'

import { latin1, readResponse, type ReadResponse } from '../../support/read-response.ts'

/** The text as one piece, byte by byte, and cut in two at each place. */
function* piecesOf(text: string): Generator<Buffer[]> {
  const whole = latin1(text)
  yield [whole]
  yield [...whole].map((byte) => Buffer.from([byte]))
  for (let cut = 1; cut < whole.length; cut += 1) yield [whole.subarray(0, cut), whole.subarray(cut)]
}

t.test('a response is the same in whatever pieces it comes', (t) => {
  const cases: Record<
    string,
    [text: string, expected: Partial<ReadResponse>, options?: Parameters<typeof readResponse>[1]]
  > = {
    'with a length': [
      'HTTP/1.1 200 OK\r\nA: 1\r\na:  2 \t\r\nContent-Length: 5\r\n\r\nhello',
      { status: 200, reason: 'OK', headers: ['A', '1', 'a', '2', 'Content-Length', '5'], body: 'hello', clean: true },
    ],
    // RFC 9112 section 5.1: a proxy takes such blanks away.
    'with blanks before colons': [
      'HTTP/1.1 200 OK\r\nA : 1\r\nB \t : 2\r\nContent-Length\t: 2\r\n\r\nok',
      { headers: ['A', '1', 'B', '2', 'Content-Length', '2'], body: 'ok', clean: true },
    ],
    'in chunks behind a blank, with such a trailer': [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n1\r\nx\r\n0\r\nSum : 1\r\n\r\n',
      { body: 'x', trailers: ['Sum', '1'], clean: true },
    ],
    'that says the connection closes, behind a blank': [
      'HTTP/1.1 200 OK\r\nConnection : close\r\nContent-Length: 2\r\n\r\nok',
      { body: 'ok', clean: false },
    ],
    'with the highest status': ['HTTP/1.1 599 X\r\nContent-Length: 0\r\n\r\n', { status: 599, clean: true }],
    'of length 0': ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', { body: '', clean: true }],
    'without headers, to the end': [
      'HTTP/1.1 200 OK\r\n\r\nhello',
      { headers: [], body: 'hello', clean: false },
      { closes: true },
    ],
    'without a reason': ['HTTP/1.1 204\r\n\r\n', { status: 204, reason: '', clean: true }],
    'with an empty reason': ['HTTP/1.1 204 \r\n\r\n', { status: 204, reason: '', clean: true }],
    'in chunks': [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n06;a="b"\r\n world\r\nA\r\n0123456789\r\n0\r\n\r\n',
      { body: 'hello world0123456789', trailers: [], clean: true },
    ],
    'in chunks, with trailers': [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nSum: 1\r\nSum: 2\r\n\r\n',
      { body: 'x', trailers: ['Sum', '1', 'Sum', '2'], clean: true },
    ],
    'after interim ones': [
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      { infos: [100, 103], status: 200, body: 'ok', clean: true },
    ],
    'to HEAD': ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', { body: '', clean: true }, { method: 'HEAD' }],
    'to HEAD, in chunks': [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      { body: '', clean: true },
      { method: 'HEAD' },
    ],
    '304 with the length of what is not sent': [
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
      { status: 304, clean: true },
    ],
    'that closes': [
      'HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok',
      { body: 'ok', clean: false },
    ],
    'of HTTP/1.0': ['HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', { body: 'ok', clean: false }],
    'of HTTP/1.0 that stays': [
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
      { body: 'ok', clean: true },
    ],
    'of HTTP/1.0 in chunks': [
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      { body: '', clean: false },
    ],
  }
  for (const [title, [text, expected, options]] of Object.entries(cases))
    for (const pieces of piecesOf(text)) {
      const seen = readResponse(pieces, options)
      t.match(seen, { ...expected, problem: undefined }, `${title}, cut into ${pieces.length}`)
    }
  t.end()
})

t.test('what is no response, or could be framed in two ways, is a problem in whatever pieces it comes', (t) => {
  const head = 'HTTP/1.1 200 OK\r\n'
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`
  const cases: Record<string, string> = {
    'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
    'another version': 'HTTP/2.0 200 OK\r\n\r\n',
    'a version that is none': 'HTTP/1.x 200 OK\r\n\r\n',
    'no status': 'HTTP/1.1 OK\r\n\r\n',
    'a status of two digits': 'HTTP/1.1 99 X\r\n\r\n',
    'a status of four digits': 'HTTP/1.1 2000 X\r\n\r\n',
    'a status below 100': 'HTTP/1.1 099 X\r\n\r\n',
    'a status above 599': 'HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n',
    'the last status of three digits': 'HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n',
    'a blank in front': ' HTTP/1.1 200 OK\r\n\r\n',
    'lines that end in LF alone': 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
    'one line that ends in LF alone': `${head}A: 1\nContent-Length: 2\r\n\r\nok`,
    'a CR inside a line': `${head}A: 1\rB: 2\r\n\r\n`,
    'a NUL in a value': `${head}A: 1\0\r\n\r\n`,
    'a control character in the reason': 'HTTP/1.1 200 O\x07K\r\n\r\n',
    'a line without a colon': `${head}A\r\nContent-Length: 0\r\n\r\n`,
    'a name without letters': `${head}: 1\r\n\r\n`,
    'a blank inside a name': `${head}Content Length: 2\r\n\r\nok`,
    'a second length behind a blank': `${head}Content-Length : 2\r\nContent-Length: 2\r\n\r\nok`,
    'length and chunks behind a blank': `${head}Content-Length: 2\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n`,
    'a name of blanks': `${head} \t: 1\r\n\r\n`,
    'a name that is no token': `${head}A(: 1\r\n\r\n`,
    'a folded line': `${head}A: 1\r\n B\r\nContent-Length: 0\r\n\r\n`,
    'a folded line at first': `${head} A: 1\r\n\r\n`,
    'two lengths': `${head}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`,
    'a list of lengths': `${head}Content-Length: 2, 2\r\n\r\nok`,
    'a signed length': `${head}Content-Length: +2\r\n\r\nok`,
    'a hexadecimal length': `${head}Content-Length: 0x2\r\n\r\nok`,
    'an empty length': `${head}Content-Length:\r\n\r\nok`,
    'a length that no number holds': `${head}Content-Length: 99999999999999999999\r\n\r\nok`,
    'length and chunks': `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'another coding': `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    'a coding twice': `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'a coding that is none': `${head}Transfer-Encoding: identity\r\n\r\n`,
    'a chunk without a size': `${chunked}\r\n`,
    'a size with a blank': `${chunked}5 \r\nhello\r\n`,
    'a signed size': `${chunked}-5\r\nhello\r\n`,
    'a size with 0x': `${chunked}0x5\r\nhello\r\n`,
    'a size that no number holds': `${chunked}fffffffffffffff\r\n`,
    'a size line that ends in LF alone': `${chunked}5\nhello\r\n`,
    'an extension with LF alone': `${chunked}5;a\nhello\r\n`,
    'a chunk longer than it says': `${chunked}5\r\nhello!\r\n0\r\n\r\n`,
    'a chunk that ends in LF alone': `${chunked}5\r\nhello\n0\r\n\r\n`,
    'a trailer that is no field': `${chunked}0\r\nevil\r\n\r\n`,
    'a trailer with LF alone': `${chunked}0\r\nA: 1\nB: 2\r\n\r\n`,
    'another protocol though nobody asked': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n',
  }
  for (const [title, text] of Object.entries(cases))
    for (const pieces of piecesOf(text))
      t.type(readResponse(pieces).problem, 'string', `${title}, cut into ${pieces.length}`)
  t.end()
})

t.test('heads, trailers, extensions and interim responses have bounds', (t) => {
  const filler = (bytes: number) => 'a'.repeat(bytes)
  const head = 'HTTP/1.1 200 OK\r\n'
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`
  const problemOf = (text: string) => readResponse([latin1(text)]).problem
  t.equal(problemOf(`${head}A: ${filler(15_000)}\r\nContent-Length: 0\r\n\r\n`), undefined)
  t.match(problemOf(`${head}A: ${filler(17_000)}`), /too large/)
  t.match(problemOf(`${head}A: ${filler(17_000)}\r\n\r\n`), /too large/)
  for (const cut of [1, 8191, 16_383]) {
    const whole = latin1(`${head}A: ${filler(17_000)}\r\n\r\n`)
    t.match(readResponse([whole.subarray(0, cut), whole.subarray(cut)]).problem, /too large/, `cut at ${cut}`)
  }
  const exact = `${head}A: ${filler(1000)}\r\nContent-Length: 2\r\n\r\n`
  t.match(readResponse([latin1(`${exact}ok`)], { maxHeadBytes: exact.length }), { body: 'ok', problem: undefined })
  t.match(readResponse([latin1(`${exact}ok`)], { maxHeadBytes: exact.length - 1 }).problem, /too large/)
  const large = latin1(`${head}A: ${filler(60_000)}\r\nContent-Length: 70000\r\n\r\n${filler(70_000)}`)
  t.equal(readResponse([large], { maxHeadBytes: 65_536 }).body.length, 70_000)
  t.match(problemOf(`${chunked}0\r\nA: ${filler(17_000)}\r\n\r\n`), /malformed/)
  t.match(problemOf(`${chunked}0\r\nA: ${filler(17_000)}`), /malformed/)
  t.match(problemOf(`${chunked}1;${filler(9000)}\r\nx\r\n1;${filler(9000)}\r\nx\r\n`), /malformed/)
  t.match(problemOf('HTTP/1.1 103 X\r\n\r\n'.repeat(33)), /interim/)
  t.equal(problemOf(`${'HTTP/1.1 103 X\r\n\r\n'.repeat(32)}${head}Content-Length: 0\r\n\r\n`), undefined)
  t.end()
})

t.test('what comes after the end makes the connection unfit, and is never part of an answer', (t) => {
  for (const answer of [
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  ]) {
    t.match(readResponse([latin1(`${answer}HTTP/1.1 200 OK\r\n\r\n`)]), { body: 'ok', clean: false })
    const seen = readResponse([latin1(answer), latin1('HTTP/1.1 200 OK\r\n\r\n')])
    t.match(seen, { body: 'ok', clean: true, problem: 'the upstream sent what nobody asked for' })
  }
  t.end()
})

t.test('a response that ends with the connection before it is whole is told from one that ends like that', (t) => {
  for (const text of [
    '',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
  ])
    t.equal(readResponse([latin1(text)], { closes: true }).problem, 'ended too early', text)
  t.end()
})

t.test('what follows a switch of protocols belongs to the new one', (t) => {
  const text = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi'
  t.match(readResponse([latin1(text)], { upgrade: true }), { status: 101, rest: '\x81\x02hi', problem: undefined })
  t.end()
})
