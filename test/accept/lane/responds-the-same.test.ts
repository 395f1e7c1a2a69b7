// A response of the fast lane is the same bytes as node:http's for the same calls, but for the date.
import fc from 'fast-check'
import t from 'tap'

import { drillSize, tellFigure } from '../../support/drill-size.ts'
import { createMemoryServer } from '../../support/lane/lane-server.ts'
import { conversation, play, type Call, type Conversation } from '../../support/lane/response-calls.ts'

let under: readonly Call[] = []
const withLane = createMemoryServer(true, (_request, response) => void play(response, under))
const alone = createMemoryServer(false, (_request, response) => void play(response, under))

async function both({ method, closes, calls }: Conversation) {
  under = calls
  const first = `${method} / HTTP/1.1\r\nHost: a\r\n${closes ? 'Connection: close\r\n' : ''}\r\n`
  // One turn for each call: the second request comes behind the whole response.
  const pieces = [
    Buffer.from(first),
    ...calls.map(() => Buffer.alloc(0)),
    Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  ]
  const lane = await withLane.tell(pieces)
  const node = await alone.tell(pieces)
  return { lane, node }
}

const HEAD: Call = ['head', 200, undefined, ['content-length', '2']]

/** One of each kind, so that each is there whatever chance brings. */
const CASES: Readonly<Record<string, Conversation>> = {
  'with a length': { method: 'GET', closes: false, calls: [HEAD, ['end', Buffer.from('ok')]] },
  'in chunks': {
    method: 'GET',
    closes: false,
    calls: [
      ['head', 200, 'OK', []],
      ['write', Buffer.from('a')],
      ['end', Buffer.from('b')],
    ],
  },
  'with trailers': {
    method: 'GET',
    closes: false,
    calls: [
      ['head', 200, 'OK', []],
      ['trailers', [['X-Sum', '1']]],
      ['end', undefined],
    ],
  },
  'to HEAD': { method: 'HEAD', closes: false, calls: [HEAD, ['end', Buffer.from('ok')]] },
  'the last one': { method: 'GET', closes: true, calls: [HEAD, ['end', Buffer.from('ok')]] },
  'the last one, says the stage': {
    method: 'GET',
    closes: false,
    calls: [
      ['head', 400, undefined, ['a', 'b', 'connection', 'close', 'content-length', '0']],
      ['end', undefined],
    ],
  },
  'without content': {
    method: 'GET',
    closes: false,
    calls: [
      ['head', 204, undefined, []],
      ['end', undefined],
    ],
  },
  'not modified': {
    method: 'GET',
    closes: false,
    calls: [
      ['head', 304, undefined, ['ETag', '"a"']],
      ['end', undefined],
    ],
  },
  'with hints': {
    method: 'GET',
    closes: false,
    calls: [['hints', { 'x-a': 'b', link: ['</a>; rel=x', '</b>; rel=y'] }], HEAD, ['end', Buffer.from('ok')]],
  },
  'with hints that say nothing': {
    method: 'GET',
    closes: false,
    calls: [['hints', { 'x-a': 'b', link: [] }], HEAD, ['end', Buffer.from('ok')]],
  },
  'with a hint that is none': {
    method: 'GET',
    closes: false,
    calls: [['hints', { link: ['</a', 'b'] }], HEAD, ['end', Buffer.from('ok')]],
  },
  'in letters of more bytes': {
    method: 'GET',
    closes: false,
    calls: [
      ['head', 200, undefined, []],
      ['write', ['日本', 'utf8']],
      ['end', ['é', 'latin1']],
    ],
  },
  'with its own date': {
    method: 'GET',
    closes: false,
    calls: [
      ['head', 200, undefined, ['Date', 'x', 'content-length', '0']],
      ['end', undefined],
    ],
  },
  'with an empty reason': {
    method: 'GET',
    closes: false,
    calls: [
      ['head', 200, '', ['content-length', '0']],
      ['end', undefined],
    ],
  },
  'with a status that has no name': {
    method: 'GET',
    closes: false,
    calls: [
      ['head', 599, undefined, ['content-length', '0']],
      ['end', undefined],
    ],
  },
}

for (const [name, example] of Object.entries(CASES))
  t.test(name, async (t) => {
    const { lane, node } = await both(example)
    t.equal(lane.written, node.written)
    t.ok(lane.byLane > 0, 'the lane made it')
    t.match(node.written, /^HTTP\/1\.1 \d{3} [^]*\r\n\r\n/)
  })

t.test('whatever a stage calls, the same bytes go out', { timeout: 600_000 }, async () => {
  const numRuns = drillSize(1500, 60_000)
  await fc.assert(
    fc.asyncProperty(conversation, async (example) => {
      const { lane, node } = await both(example)
      return lane.written === node.written && lane.byLane > 0
    }),
    { numRuns },
  )
  tellFigure(`${numRuns} responses, the same bytes as node:http's`)
})

t.test(
  'letters of eight bits go out as they are: Node writes them in the encoding of the text behind them',
  async (t) => {
    const calls: Call[] = [
      ['head', 200, 'caf\xe9', ['x', '\xfc', 'content-length', '3']],
      ['flush'],
      ['end', ['\xe9!', 'utf8']],
    ]
    const { lane, node } = await both({ method: 'GET', closes: false, calls })
    t.match(lane.written, /^HTTP\/1\.1 200 caf\xe9\r\nx: \xfc\r\n[^]*\r\n\r\n\xc3\xa9!/)
    t.not(lane.written, node.written, 'the one difference: when Node has mended it, this list of differences is empty')
  },
)
