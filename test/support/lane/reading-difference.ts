// Looks for what the fast lane reads differently from node:http: where the lane takes a request, node:http must read the same.
import { readByLane } from './lane-reader.ts'
import { createNodeReader, PARSING } from './node-reader.ts'
import { shown, unequalPart, type Reading } from './readings.ts'

/** A request that must be read as itself behind whatever the lane took. */
const NEXT = Buffer.from('GET /next HTTP/1.1\r\nHost: next\r\n\r\n')

export type Outcome = 'both' | 'left' | 'unfinished'

export interface Difference {
  readonly what: string
  readonly input: Buffer
}

export interface Comparison {
  readonly outcome: Outcome
  readonly difference: string | undefined
}

export interface Comparer {
  /** How the cases ended. */
  readonly counts: Record<Outcome, number>
  compare(input: Buffer): Difference | undefined
}

function differenceOf(lane: Reading, node: readonly Reading[], fault: string | undefined): string | undefined {
  const [first, ...more] = node
  if (fault !== undefined) return `node:http refuses it: ${fault}`
  if (first === undefined) return 'node:http waits for more of it'
  if (more.length > 0) return `node:http reads ${more.length} more: ${more.map(shown).join(' ')}`
  const part = unequalPart(lane, first)
  return part && `another ${part}: the lane ${shown(lane)}, node:http ${shown(first)}`
}

export function createComparer(maxHeadBytes: number = PARSING.maxHeaderSize): Comparer {
  const reader = createNodeReader(maxHeadBytes)
  const counts = { both: 0, left: 0, unfinished: 0 }

  function compareOnce(input: Buffer, fresh: boolean): Comparison {
    const { request, left, putBack } = readByLane([input], maxHeadBytes)
    if (request === undefined) {
      const whole = putBack.equals(input) ? undefined : 'what was put back is not what came'
      return { outcome: left === undefined ? 'unfinished' : 'left', difference: whole }
    }
    const taken = input.subarray(0, input.length - putBack.length)
    if (!input.subarray(taken.length).equals(putBack))
      return { outcome: 'both', difference: 'what was put back is not what stands behind the request' }
    const { requests, fault } = reader.read(taken, fresh)
    return {
      outcome: 'both',
      difference: differenceOf(request, requests, fault) ?? (fresh ? endOf(request) : undefined),
    }
  }

  /** On the same connection the next request must begin where the lane lets it begin. */
  function endOf({ complete, keepsAlive }: Reading): string | undefined {
    if (!complete || !keepsAlive) return undefined
    const { requests, fault } = reader.read(NEXT)
    return fault === undefined && requests.length === 1 && requests[0]?.target === '/next'
      ? undefined
      : `node:http lets the next request begin elsewhere: ${fault ?? requests.map(shown).join(' ')}`
  }

  let before: Buffer | undefined
  return {
    counts,
    compare(input) {
      const { outcome, difference } = compareOnce(input, false)
      counts[outcome] += 1
      const earlier = before
      if (outcome === 'both') before = input
      if (difference === undefined) return undefined
      // Behind others on one connection it is quick; alone it is told what it was.
      const alone = compareOnce(input, true).difference
      if (alone !== undefined) return { what: alone, input }
      const cause = earlier && compareOnce(earlier, true).difference
      return {
        what: cause ?? `${difference}, and only behind another`,
        input: cause === undefined ? input : (earlier ?? input),
      }
    },
  }
}

/** The same difference with as few bytes as there can be. */
export function minimised(input: Buffer, maxHeadBytes?: number): Difference | undefined {
  const comparer = createComparer(maxHeadBytes)
  let smallest = comparer.compare(input)
  for (let size = input.length; smallest !== undefined && size > 0;) {
    const shorter: Difference | undefined = withoutSome(comparer, smallest.input, size)
    if (shorter === undefined) size >>= 1
    else smallest = shorter
  }
  return smallest
}

function withoutSome(comparer: Comparer, input: Buffer, size: number): Difference | undefined {
  for (let at = 0; at + size <= input.length; at += 1) {
    const shorter = comparer.compare(Buffer.concat([input.subarray(0, at), input.subarray(at + size)]))
    if (shorter !== undefined) return shorter
  }
  return undefined
}

/** For whoever looks at it. */
export function told({ what, input }: Difference): string {
  return `${what}\n  input: ${JSON.stringify(input.toString('latin1'))}`
}
