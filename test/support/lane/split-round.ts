// However a connection's bytes are cut into reads: with the fast lane in front, all is read and answered as by node:http alone.
import fc from 'fast-check'

import { createMemoryServer, NODE_ONLY, type Told } from './lane-server.ts'
import { shown, unequalPart } from './readings.ts'
import { TYPICAL_HEADS } from './typical-heads.ts'
import { wildRequest } from './wild-requests.ts'

export interface SplitSizes {
  /** Each so-manyth place to cut; 1 takes all. */
  readonly every: number
  /** Random pipelines, cut anywhere. */
  readonly random: number
  readonly seed: number
}

export interface SplitFigures {
  readonly cases: number
  readonly served: number
  readonly byLane: number
  readonly difference: string | undefined
}

const latin1 = (text: string) => Buffer.from(text, 'latin1')

/** Not plain, and yet right. */
const NOT_PLAIN: readonly Buffer[] = [
  latin1('POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'),
  latin1('POST /trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n'),
  latin1('GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'),
  latin1('GET /te HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n'),
  latin1('POST /expects HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok'),
  latin1(`GET ${NODE_ONLY} HTTP/1.1\r\nHost: a\r\n\r\n`),
  latin1(`PUT ${NODE_ONLY} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody`),
  latin1('\r\nGET /blank-line-before HTTP/1.1\r\nHost: a\r\n\r\n'),
  latin1('GET /eight-bits HTTP/1.1\r\nHost: a\r\nX: \xe4\r\n\r\n'),
  latin1('GET /folded HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n'),
]

/** Larger than what a request holds before its connection is paused. */
const LARGE = Buffer.concat([
  latin1('POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n'),
  Buffer.alloc(150_000, 'x'),
])

/** Where nobody listens for CONNECT, Node's server destroys its connection at once, with whatever answers are under way. */
const notConnect = wildRequest.filter((bytes) => !bytes.includes('CONNECT'))

const anyRequest = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...Object.values(TYPICAL_HEADS)) },
  { weight: 3, arbitrary: fc.constantFrom(...NOT_PLAIN) },
  { weight: 1, arbitrary: notConnect },
  { weight: 1, arbitrary: fc.constant(LARGE) },
)

/** One connection: its requests, where they are cut, and whether each also begins with a read of its own. */
const connection = fc.tuple(
  fc.array(anyRequest, { minLength: 1, maxLength: 5 }),
  fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
  fc.boolean(),
)

function endsOf(requests: readonly Buffer[]): number[] {
  let end = 0
  return requests.map(({ length }) => (end += length))
}

export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places, bytes.length].sort((one, other) => one - other)
  return sorted
    .slice(1)
    .map((end, index) => bytes.subarray(sorted[index], end))
    .filter(({ length }) => length > 0)
}

function differenceOf(lane: Told, node: Told): string | undefined {
  for (const [index, own] of lane.requests.entries()) {
    const other = node.requests[index]
    if (other === undefined) return `node:http does not read ${shown(own)}`
    const part = unequalPart(own, other)
    if (part !== undefined) return `another ${part}: ${shown(own)}, node:http alone ${shown(other)}`
  }
  if (lane.requests.length < node.requests.length)
    return `${node.requests.length - lane.requests.length} requests are missing`
  if (lane.fault !== node.fault) return `another fault: ${lane.fault}, node:http alone ${node.fault}`
  return lane.written === node.written ? undefined : `other bytes: ${lane.written}\nnode:http alone: ${node.written}`
}

/** All ways to cut each typical request with one behind it, once; and each byte by itself. */
function* everyCut(step: number, seed: number): Generator<[Buffer, Buffer[]]> {
  const requests = [...Object.values(TYPICAL_HEADS), ...NOT_PLAIN]
  for (const [index, first] of requests.entries()) {
    const second = requests[(index + 5) % requests.length] as Buffer
    const bytes = Buffer.concat([first, second])
    for (let at = (seed + index) % step; at < bytes.length; at += step) {
      yield [bytes, cutAt(bytes, [at])]
      yield [bytes, cutAt(bytes, [at, first.length])]
    }
  }
}

function* randomCuts(count: number, seed: number): Generator<[Buffer, Buffer[]]> {
  for (let done = 0; done < count; done += 100) {
    const connections = fc.sample(connection, { numRuns: Math.min(100, count - done), seed: seed + done })
    for (const [requests, shares, apart] of connections) {
      const bytes = Buffer.concat(requests)
      const places = shares.map((share) => Math.floor(share * bytes.length))
      yield [bytes, cutAt(bytes, apart ? [...places, ...endsOf(requests)] : places)]
    }
  }
}

/** Stops at the first difference. */
export async function fuzzSplits({ every, random, seed }: SplitSizes): Promise<SplitFigures> {
  const withLane = createMemoryServer(true)
  const alone = createMemoryServer(false)
  const figures = { cases: 0, served: 0, byLane: 0 }
  let whole: { readonly bytes: Buffer; readonly told: Told } | undefined
  for (const cuts of [everyCut(every, seed), randomCuts(random, seed)])
    for (const [bytes, pieces] of cuts) {
      if (whole?.bytes !== bytes) whole = { bytes, told: await alone.tell([bytes]) }
      const told = await withLane.tell(pieces)
      figures.cases += 1
      figures.served += told.requests.length
      figures.byLane += told.byLane
      const difference = differenceOf(told, whole.told)
      if (difference !== undefined)
        return {
          ...figures,
          difference: `${difference}\n  pieces: ${JSON.stringify(pieces.map((piece) => piece.toString('latin1').slice(0, 2000)))}`,
        }
    }
  return { ...figures, difference: undefined }
}
