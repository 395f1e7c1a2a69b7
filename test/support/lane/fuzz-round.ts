// The cases of the proof that the fast lane reads nothing differently, from the typical ones to the wild.
import fc from 'fast-check'

import { byteChanges, countOfByteChanges } from './byte-changes.ts'
import { createComparer, minimised, told, type Comparer, type Outcome } from './reading-difference.ts'
import { corpusOfTests } from './test-corpus.ts'
import { longHeads, TYPICAL_HEADS } from './typical-heads.ts'
import { wildRequest } from './wild-requests.ts'

export interface FuzzSizes {
  /** Of every so many changed bytes of a typical head one is a case; 1 takes all. */
  readonly step: number
  /** Random requests. */
  readonly wild: number
  readonly seed: number
  /** Called now and then, so that who waits sees that it goes on. */
  readonly onProgress?: (kind: string, cases: number) => void
}

export interface FuzzFigures {
  readonly cases: number
  readonly counts: Readonly<Record<Outcome, number>>
  /** The first one, as small as it gets, ready to be printed. */
  readonly difference: string | undefined
}

/** Connections in memory close in the event loop's time. */
const CASES_PER_TURN = 2000
/** So small that a change of one byte crosses it. */
const SMALL_HEAD_BYTES = 96

interface Kind {
  readonly name: string
  readonly maxHeadBytes?: number
  readonly inputs: Iterable<Buffer>
}

function* every(step: number, inputs: Iterable<Buffer>, from: number): Generator<Buffer> {
  let index = from
  for (const input of inputs) if (index++ % step === 0) yield input
}

function* wildOnes(count: number, seed: number): Generator<Buffer> {
  for (let done = 0; done < count; done += CASES_PER_TURN)
    yield* fc.sample(wildRequest, { numRuns: Math.min(CASES_PER_TURN, count - done), seed: seed + done })
}

function* around(limit: number): Generator<Buffer> {
  const pad = (text: string, length: number) => text.replace('~', 'x'.repeat(Math.max(0, length - text.length + 1)))
  for (let length = limit - 40; length <= limit + 40; length += 1)
    for (const text of [
      'GET / HTTP/1.1\r\nHost: ~\r\n\r\n',
      'GET /~ HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\n~: b\r\n\r\n',
    ])
      yield Buffer.from(pad(text, length))
}

function kindsOf({ step, wild, seed }: FuzzSizes): readonly Kind[] {
  const corpus = corpusOfTests()
  const changed = (messages: Iterable<Buffer>) =>
    [...messages].map((message, index) => every(step, byteChanges(message), index * 7 + seed))
  return [
    { name: 'the texts of the tests', inputs: corpus },
    { name: 'many lines, and lengths around the limit', inputs: [...longHeads(), ...around(16_384)] },
    { name: 'every byte near a small limit', maxHeadBytes: SMALL_HEAD_BYTES, inputs: around(SMALL_HEAD_BYTES) },
    ...Object.entries(TYPICAL_HEADS).map(([name, head]) => ({
      name: `${name}: ${countOfByteChanges(head)} changes of one byte`,
      inputs: changed([head])[0] ?? [],
    })),
    { name: 'random requests', inputs: wildOnes(wild, seed) },
  ]
}

/** Stops at the first difference. */
export async function fuzzLane(sizes: FuzzSizes): Promise<FuzzFigures> {
  const counts = { both: 0, left: 0, unfinished: 0 }
  let cases = 0
  for (const { name, maxHeadBytes, inputs } of kindsOf(sizes)) {
    const comparer = createComparer(maxHeadBytes)
    const difference = await runKind(comparer, inputs)
    const { both, left, unfinished } = comparer.counts
    cases += both + left + unfinished
    for (const outcome of ['both', 'left', 'unfinished'] as const) counts[outcome] += comparer.counts[outcome]
    sizes.onProgress?.(name, cases)
    if (difference !== undefined) {
      const smallest = minimised(difference.input, maxHeadBytes) ?? difference
      return { cases, counts, difference: `${name}: ${told(smallest)}` }
    }
  }
  return { cases, counts, difference: undefined }
}

async function runKind(comparer: Comparer, inputs: Iterable<Buffer>) {
  let done = 0
  for (const input of inputs) {
    const difference = comparer.compare(input)
    if (difference !== undefined) return difference
    if (++done % CASES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return undefined
}
