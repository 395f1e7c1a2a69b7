// What clients do over both parsers: the same bytes, pieces, waits and ends must come to the same answers, requests and lines.
import fc from 'fast-check'
import t from 'tap'

import { playBoth, startBoth, type Step } from './both-parsers.ts'
import { drillSize, tellFigure } from '../../support/drill-size.ts'

const KINDS = [
  'plain',
  'late',
  'early',
  'large',
  'dying',
  'cut',
  'resets',
  'trailers',
  'hints',
  'nothing',
  'unchanged',
  'until-end',
  'missing',
] as const
const ROUTES = ['open', 'small', 'closed', 'puts', 'nowhere'] as const

const ask = (line: string, fields = '', body = '') => `${line} HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`

/** `#` stands for what is this request's own. */
const asks: fc.Arbitrary<string> = fc
  .record({
    route: fc.constantFrom(...ROUTES, 'open', 'open', 'open', 'open'),
    kind: fc.constantFrom(...KINDS),
    form: fc.oneof(
      { weight: 5, arbitrary: fc.constant('get') },
      { weight: 5, arbitrary: fc.constant('post') },
      fc.constantFrom('head', 'close', 'post-close', 'large', 'chunks', 'twice', 'old', 'preflight', 'empty', 'te'),
    ),
  })
  .map(({ route, kind, form }) => {
    const target = `/${route}/${kind}/#`
    const inBody = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
    switch (form) {
      case 'post':
        return ask(`POST ${target}`, `Content-Length: ${inBody.length}\r\n`, inBody)
      case 'head':
        return ask(`HEAD ${target}`)
      case 'close':
        return ask(`GET ${target}`, 'Connection: close\r\n')
      case 'post-close':
        return ask(`PUT ${target}`, 'Connection: close\r\nContent-Length: 5\r\n', 'hello')
      case 'large':
        return ask(`PUT ${target}`, 'Content-Length: 150000\r\n', 'x'.repeat(150_000))
      case 'chunks':
        return ask(`POST ${target}`, 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n')
      case 'twice':
        return ask(`GET ${target}`, 'X-Twice: 1\r\nX-Twice: 2\r\n')
      case 'old':
        return `GET ${target} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`
      case 'preflight':
        return ask(`OPTIONS ${target}`, 'Origin: https://app.example\r\nAccess-Control-Request-Method: PUT\r\n')
      case 'empty':
        return ask(`POST ${target}`, 'Content-Length: 0\r\n')
      case 'te':
        return ask(`GET ${target}`, 'TE: trailers\r\nConnection: TE\r\n')
      default:
        return ask(`GET ${target}`)
    }
  })

/** Whether what comes behind a response that is cut is still read is chance. */
const CUTS = /^\w+ \/\w+\/(?:dying|cut)\//

/** A client waits before most of its requests, and sends some of them in pieces. */
const scripts: fc.Arbitrary<Step[]> = fc
  .array(
    fc.record({
      bytes: asks,
      pieces: fc.constantFrom(1, 1, 1, 2, 3, 7),
      waits: fc.constantFrom(true, true, true, false),
      turns: fc.constantFrom(0, 0, 1, 20),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .chain((sent) =>
    fc.record({
      sent: fc.constant(sent.slice(0, 1 + sent.findIndex(({ bytes }) => CUTS.test(bytes)) || undefined)),
      /** Of the bytes of the last request. */
      share: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.double({ min: 0, max: 1, noNaN: true })),
      waitsAtEnd: fc.boolean(),
    }),
  )
  .map(({ sent, share, waitsAtEnd }) => {
    const steps: Step[] = []
    for (const [index, { bytes, pieces, waits, turns }] of sent.entries()) {
      const isLast = index === sent.length - 1
      const length = isLast ? Math.ceil(bytes.length * share) : bytes.length
      // Whether the end of a head that is cut comes before the response ahead of it is chance.
      if (isLast && share < 1 && index > 0) steps.push({ do: 'wait' })
      for (let piece = 0; piece < pieces; piece += 1) {
        const text = bytes.slice(0, length).slice((piece * length) / pieces, ((piece + 1) * length) / pieces)
        steps.push({ do: 'send', text, begins: piece === 0 }, { do: 'turns', count: 10 })
      }
      if (waits && (!isLast || (share === 1 && waitsAtEnd))) steps.push({ do: 'wait' })
      steps.push({ do: 'turns', count: turns })
    }
    return [...steps, { do: 'end' }]
  })

t.test('both parsers come to the same, whatever clients do', { timeout: 1_700_000 }, async (t) => {
  const both = await startBoth(t)
  let played = 0
  await fc.assert(
    fc.asyncProperty(fc.array(scripts, { minLength: 1, maxLength: 6 }), async (crowd) => {
      await Promise.all(crowd.map((steps) => playBoth(both, steps, `c${(played += 1)}`)))
    }),
    { numRuns: drillSize(15, 2500), endOnFailure: true },
  )
  t.pass('the same')
  tellFigure(`${played} clients over both parsers: no difference`)
})

const send = (text: string): Step[] => [
  { do: 'send', text, begins: true },
  { do: 'turns', count: 20 },
]
const get = (path: string) => ask(`GET ${path}`)
const end: Step = { do: 'end' }

const CASES: Readonly<Record<string, Step[]>> = {
  'a request that waits behind another is answered, though its client ended its side': [
    ...send(get('/open/late/#')),
    ...send(get('/open/plain/#')),
    end,
  ],
  'a body that ends too early': [...send(ask('POST /open/plain/#', 'Content-Length: 10\r\n', 'hello')), end],
  'a body that ends too early, after an early answer': [
    ...send(ask('POST /open/early/#', 'Content-Length: 10\r\n', 'hello')),
    { do: 'wait' },
    end,
  ],
  'a byte of a head': [...send(get('/open/plain/#')), { do: 'wait' }, ...send('G'), end],
  'the first byte of a head': [...send('G'), end],
  'a byte of a head behind a refusal': [...send(get('/puts/plain/#')), ...send('G'), end],
  'a head that ends too early': [...send('GET /open/plain/# HTTP/1.1\r\nHo'), end],
  'a body too small for its refusal': [
    ...send(ask('POST /closed/plain/#', 'Content-Length: 10\r\n', 'hello')),
    { do: 'wait' },
    { do: 'send', text: 'hello', begins: false },
    ...send(get('/open/plain/#')),
    { do: 'wait' },
    end,
  ],
  'behind a request that closes': [
    ...send(ask('GET /open/late/#', 'Connection: close\r\n')),
    ...send(get('/open/plain/#')),
    end,
  ],
  'behind an answer that closes': [
    ...send(ask('POST /small/plain/#', 'Content-Length: 35\r\n', 'hello')),
    ...send(get('/open/plain/#').repeat(3)),
    end,
  ],
}

for (const [what, steps] of Object.entries(CASES))
  t.test(what, async (t) => {
    const both = await startBoth(t)
    await playBoth(both, steps, 'one')
    t.pass('the same')
  })
