// What a stage may call on a response, as a list: to be played on a response of the fast lane and on one of node:http.
import fc from 'fast-check'

import type { GatewayResponse } from '../../../gateway/src/message/client-exchange.ts'

type Text = readonly [text: string, encoding: 'latin1' | 'utf8']
export type Piece = Buffer | Text

export type Call =
  | readonly ['continue' | 'processing' | 'flush' | 'turn']
  | readonly ['hints', Record<string, string | string[]>]
  | readonly ['head', number, string | undefined, readonly string[]]
  | readonly ['write' | 'end', Piece | undefined]
  | readonly ['trailers', readonly [string, string][]]

export interface Conversation {
  readonly method: string
  /** Of the request. */
  readonly closes: boolean
  readonly calls: readonly Call[]
}

/** Around what is written at once, and what a socket holds before it asks for a pause. */
const SIZES = [1, 15, 16, 300, 8191, 8192, 8193, 20_000, 70_000]
const latin1Text = fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const piece: fc.Arbitrary<Piece> = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(...SIZES).map((size) => Buffer.alloc(size, 'abcdefg')),
  latin1Text.map((text): Text => [text, 'latin1']),
  fc.constantFrom<Text>(
    ['', 'utf8'],
    ['ok', 'utf8'],
    ['héllo', 'utf8'],
    ['日本😀', 'utf8'],
    ['x'.repeat(9000), 'utf8'],
    ['é'.repeat(9000), 'latin1'],
  ),
)

function lengthOf(sent: Piece | undefined): number {
  if (sent === undefined) return 0
  return Buffer.isBuffer(sent) ? sent.length : Buffer.byteLength(sent[0], sent[1])
}

const status = fc.constantFrom(200, 200, 201, 204, 205, 206, 301, 304, 401, 404, 418, 500, 502, 599, 999)
const reason = fc.constantFrom(undefined, undefined, 'OK', '', 'Not as usual')
const header = fc.constantFrom<[string, string]>(
  ...[
    'content-type:text/plain',
    'Content-Type:text/event-stream',
    'x-a:',
    'X-B:b',
    'set-cookie:a=1',
    'Set-Cookie:b=2',
  ].map((line) => line.split(':') as [string, string]),
  ['date', 'Sun, 06 Nov 1994 08:49:37 GMT'],
  ['ETag', '"a"'],
  ['connection', 'close'],
  ['x-exactly-14-l', 'not a length'],
  ['four', 'not a date'],
  ['WWW-Authenticate', 'Bearer realm="a", error="b"'],
)
const interim: fc.Arbitrary<Call> = fc.constantFrom<Call>(
  ['continue'],
  ['processing'],
  ['hints', { link: ['</a.css>; rel=preload', '</b.js>; rel=preload; as=script'] }],
  ['hints', { 'x-hint': 'a', link: ['</a.css>; rel=preload'] }],
  ['hints', { link: [] }],
  ['hints', { 'x-hint': 'a', link: [] }],
  ['hints', { link: ['no link at all'] }],
)
const between: fc.Arbitrary<Call> = fc.oneof(
  { weight: 4, arbitrary: piece.map((sent): Call => ['write', sent]) },
  { weight: 1, arbitrary: fc.constantFrom<Call>(['flush'], ['turn'], ['turn']) },
)
const trailers = fc.constantFrom<readonly [string, string][]>(
  [],
  [['X-Sum', '1']],
  [
    ['x-sum', '1'],
    ['x-sum', '2'],
    ['Empty', ''],
  ],
)

/** How the length is said: rightly, or not at all, which is chunked. */
const says = fc.constantFrom('length', 'Content-Length', undefined)

const calls: fc.Arbitrary<readonly Call[]> = fc
  .record({
    interims: fc.oneof(fc.constant([]), fc.array(interim, { maxLength: 2 })),
    code: status,
    phrase: reason,
    headers: fc.array(header, { maxLength: 4 }),
    said: says,
    pieces: fc.array(between, { maxLength: 5 }),
    sums: fc.oneof(fc.constant([]), trailers),
    last: fc.option(piece, { nil: undefined }),
  })
  .map(({ interims, code, phrase, headers, said, pieces, sums, last }) => {
    const sent = [...pieces.flatMap((call) => (call[0] === 'write' ? [call[1]] : [])), last]
    const length = sent.reduce((sum, one) => sum + lengthOf(one), 0)
    const lines = headers.flat()
    if (said !== undefined) lines.push(said === 'length' ? 'content-length' : said, String(length))
    const end: Call[] =
      sums.length > 0
        ? [
            ['trailers', sums],
            ['end', last],
          ]
        : [['end', last]]
    return [...interims, ['head', code, phrase, lines] as Call, ...pieces, ...end]
  })

export const conversation: fc.Arbitrary<Conversation> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'HEAD', 'POST'),
  closes: fc.boolean(),
  calls,
})

function send(response: GatewayResponse, verb: 'write' | 'end', sent: Piece | undefined): void {
  if (sent === undefined || Buffer.isBuffer(sent)) response[verb](sent as Buffer)
  else if (sent[1] === 'latin1') response[verb](sent[0], 'latin1')
  else response[verb](sent[0])
}

function playOne(response: GatewayResponse, call: Call): void {
  switch (call[0]) {
    case 'continue':
      response.writeContinue()
      return
    case 'processing':
      response.writeProcessing()
      return
    case 'hints':
      try {
        response.writeEarlyHints(call[1])
      } catch {
        // As the stage does: a Link that Node finds malformed is lost.
      }
      return
    case 'head':
      if (call[2] === undefined) response.writeHead(call[1], [...call[3]])
      else response.writeHead(call[1], call[2], [...call[3]])
      return
    case 'trailers':
      response.addTrailers(call[1])
      return
    case 'flush':
      response.flushHeaders()
      return
    case 'turn':
      return
    default:
      send(response, call[0], call[1])
  }
}

/** `turn` lets what was called go out before the next call. */
export async function play(response: GatewayResponse, list: readonly Call[]): Promise<void> {
  for (const call of list) {
    if (call[0] === 'turn') await new Promise((resolve) => setImmediate(resolve))
    else playOne(response, call)
  }
}
