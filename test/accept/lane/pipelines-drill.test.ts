// Pipelines of plain requests and others, cut anywhere and ended anywhere, over real sockets: each request is answered as on a connection of its own.
import fc from 'fast-check'
import t from 'tap'
import { connect } from 'node:net'

import { drillSize, tellFigure } from '../../support/drill-size.ts'
import { cutAt } from '../../support/lane/split-round.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../../support/tokens.ts'

const token = await signHmac()
const HOST = 'Host: a\r\n'
const CHUNKED = 'Transfer-Encoding: chunked\r\n'

/** What a client may ask for. None of them ends its connection. */
const ASKS: Readonly<Record<string, string>> = {
  plain: `GET /open/plain?a=1 HTTP/1.1\r\n${HOST}\r\n`,
  head: `HEAD /open/head HTTP/1.1\r\n${HOST}\r\n`,
  authorized: `GET /api/a HTTP/1.1\r\n${HOST}Authorization: Bearer ${token}\r\n\r\n`,
  refused: `GET /api/b HTTP/1.1\r\n${HOST}\r\n`,
  unknown: `GET /nowhere HTTP/1.1\r\n${HOST}\r\n`,
  options: `OPTIONS /open/options HTTP/1.1\r\n${HOST}\r\n`,
  body: `POST /open/body HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
  large: `PUT /open/large HTTP/1.1\r\n${HOST}Content-Length: 90000\r\n\r\n${'x'.repeat(90_000)}`,
  inChunks: `GET /open/chunks HTTP/1.1\r\n${HOST}\r\n`,
  empty: `DELETE /open/empty HTTP/1.1\r\n${HOST}Connection: keep-alive\r\n\r\n`,
  chunks: `POST /open/sent-in-chunks HTTP/1.1\r\n${HOST}${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`,
  expecting: `POST /open/expecting HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok`,
  trailers: `GET /open/te HTTP/1.1\r\n${HOST}TE: trailers\r\nConnection: TE\r\n\r\n`,
  absolute: `GET http://a/open/absolute HTTP/1.1\r\n${HOST}\r\n`,
  twice: `GET /open/twice HTTP/1.1\r\n${HOST}X-A: 1\r\nX-A: 2\r\n\r\n`,
}

/** After one of these, nothing more is read. */
const CLOSING: Readonly<Record<string, string>> = {
  closing: `GET /open/closing HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
  closingBody: `POST /open/closing-body HTTP/1.1\r\n${HOST}Connection: close\r\nContent-Length: 2\r\n\r\nok`,
}

/** No requests. With the end of the client's side behind it, whether it is told depends on which of both is seen first. */
const BROKEN: Readonly<Record<string, string>> = {
  broken: 'GET /open/broken HTTP/1.1\r\nNo colon\r\n\r\n',
  twoHosts: `GET /open/two-hosts HTTP/1.1\r\n${HOST}${HOST}\r\n`,
  tab: `POST /open/tab HTTP/1.1\r\n${HOST}Content-Length : 5\r\n\r\nhello`,
}

const LAST = { ...CLOSING, ...BROKEN }
const TEXTS: Readonly<Record<string, string>> = { ...ASKS, ...LAST }

interface Client {
  readonly asks: readonly string[]
  readonly last: string | undefined
  readonly cuts: readonly number[]
  /** Each request begins with a read of its own. */
  readonly apart: boolean
  /** Waits for an answer after each piece. */
  readonly polite: boolean
  /** Ends its side at this share of all bytes, and still reads; above 1 after all of them. */
  readonly ends: number
}

const share = fc.double({ min: 0, max: 1, noNaN: true })
const client: fc.Arbitrary<Client> = fc.record({
  asks: fc.array(fc.constantFrom('plain', 'plain', 'authorized', 'body', 'empty', 'refused', ...Object.keys(ASKS)), {
    minLength: 1,
    maxLength: 7,
  }),
  last: fc.option(fc.constantFrom(...Object.keys(LAST)), { nil: undefined }),
  cuts: fc.array(share, { maxLength: 5 }),
  apart: fc.boolean(),
  polite: fc.boolean(),
  ends: fc.oneof({ weight: 2, arbitrary: fc.constant(2) }, { weight: 1, arbitrary: share }),
})

const REFUSAL = /^HTTP\/1\.1 4\d\d [^{]*\{[^{}]*\}$/

/** How long a client that waits for an answer does so: nothing may be there to answer yet. */
const PATIENCE_MS = 15

/** Sends the pieces, if `polite` each after something came, ends its side and reads until the other side ends. */
function talk(port: number, pieces: readonly Buffer[], polite = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const got: Buffer[] = []
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.setNoDelay(true)
    socket.on('data', (piece: Buffer) => got.push(piece))
    socket.on('error', () => undefined)
    socket.on('end', () => socket.end())
    const timer = setTimeout(() => {
      socket.destroy()
      reject(
        new Error(
          `no end: sent ${JSON.stringify(pieces.map((piece) => piece.toString().slice(0, 300)))}, came ${Buffer.concat(got).toString().slice(0, 300)}`,
        ),
      )
    }, 10_000)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(Buffer.concat(got).toString('latin1'))
    })
    const send = (index: number): void => {
      const piece = pieces[index]
      if (piece === undefined) socket.end()
      else socket.write(piece, () => (polite ? wait(index + 1) : setImmediate(send, index + 1)))
    }
    const wait = (index: number): void => {
      const goOn = () => {
        clearTimeout(patience)
        socket.off('data', goOn)
        send(index)
      }
      const patience = setTimeout(goOn, PATIENCE_MS)
      socket.on('data', goOn)
    }
    socket.on('connect', () => {
      send(0)
    })
  })
}

/** Without what is different each time, or said of the connection. */
function settled(answer: string): string {
  return (
    answer
      .replace(/\r\n(date|connection|keep-alive|x-request-id): [^\r]*/gi, '')
      .replace(/"requestId":"[^"]*"/g, '"requestId":"-"')
      // Of the gateway's own answers: ids grow.
      .replace(/\r\ncontent-length: \d{3}\r/g, '\r')
      .replace(/HTTP\/1\.1 100 Continue\r\n\r\n/g, '')
      .replace(/\r\n0*([\da-f]+)\r\n/gi, '\r\n$1\r\n')
  )
}

async function start(t: Teardown) {
  const upstream = await startUpstream(t, (request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const said = `${request.method} ${request.url} ${Buffer.concat(pieces).length} ${request.headers['x-auth-result'] === undefined}`
      if (request.url === '/open/empty') response.writeHead(204).end()
      else if (request.url === '/open/chunks') {
        response.write('in ')
        response.end('chunks')
      } else response.setHeader('content-length', said.length).end(said)
    })
  })
  return startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: '/open/*', upstream: 'up', auth: 'none' },
      { path: '/api/*', upstream: 'up' },
    ],
  })
}

t.test(
  'every request of a pipeline is answered as on a connection of its own, in its turn',
  { timeout: 1_700_000 },
  async (t) => {
    const { port, gateway } = await start(t)
    const textOf = (name: string) => TEXTS[name] ?? ''
    const alone = new Map<string, string>()
    for (const name of Object.keys(TEXTS)) {
      const answer = settled(await talk(port, [Buffer.from(textOf(name))]))
      alone.set(name, answer)
      t.match(answer, /^HTTP\/1\.1 \d{3} /, name)
    }
    let [clients, requests] = [0, 0]

    async function check({ asks, last, cuts, apart, polite, ends }: Client): Promise<void> {
      const names = last === undefined ? asks : [...asks, last]
      let length = 0
      const stops = names.map((name) => (length += textOf(name).length))
      const bytes = Buffer.from(names.map(textOf).join(''))
      const stop = Math.min(length, Math.round(ends * length))
      const places = cuts.map((cut) => Math.floor(cut * length)).concat(apart ? stops : [])
      const pieces = cutAt(
        bytes.subarray(0, stop),
        places.filter((place) => place < stop),
      )
      const answers = settled(await talk(port, pieces, polite))
      clients += 1
      const whole = names.filter((name, index) => (stops[index] ?? 0) <= stop && BROKEN[name] === undefined)
      requests += whole.length
      const expected = whole.map((name) => alone.get(name)).join('')
      if (!answers.startsWith(expected)) throw new Error(`of ${whole.join(' ')} came\n${answers}\nand not\n${expected}`)
      // What is no request, or is cut off, is refused or not answered, unless its route refuses it at its head.
      const more = answers.slice(expected.length)
      const next = names[whole.length]
      const isPart = next !== undefined && stop > (stops[whole.length - 1] ?? 0)
      if (more !== '' && !(isPart && (REFUSAL.test(more) || more === alone.get(next))))
        throw new Error(`behind ${whole.join(' ')}, with ${next}, came\n${more}`)
    }
    await fc.assert(
      fc.asyncProperty(fc.array(client, { minLength: 4, maxLength: 12, size: 'max' }), async (crowd) => {
        await Promise.all(crowd.map(check))
      }),
      { numRuns: drillSize(40, 600), endOnFailure: true },
    )
    const text = await gateway.metrics.text()
    const byLane = Number(/^tollgate_parser_requests_total\{parser="lane",reason=""\} (\d+)$/m.exec(text)?.[1] ?? 0)
    const isOff = process.env['TOLLGATE_TEST_PARSER'] === 'node'
    t.ok(isOff || byLane > clients / 5, 'the lane read its share of them')
    tellFigure(`${clients} connections, ${requests} whole requests; ${byLane} were read by the lane`)
  },
)
