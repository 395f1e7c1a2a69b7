// The load generator: wrk with a script that cycles tokens and paths. It costs a fraction of what one in Node would.
import { once } from 'node:events'

import { cpuMicroseconds } from './proc-stats.ts'
import { LOAD_CORE, endProcess, startProcess } from './server.ts'
import { writeWork } from './work-directory.ts'

export interface Load {
  readonly url: string
  /** One token a line; see `tokenFile`. */
  readonly tokens: string
  readonly paths: readonly string[]
  readonly connections: number
  readonly seconds: number
  readonly method?: 'GET' | 'POST'
  readonly bodyBytes?: number
  /** The answers have this status class: anything else ends the bench. */
  readonly refused: boolean
}

export interface LoadResult {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly bytesPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly longestMs: number
  /** CPU time of the generator itself for each request. */
  readonly generatorMicroseconds: number
}

interface Summary {
  readonly requests: number
  readonly microseconds: number
  readonly bytes: number
  readonly refused: number
  readonly broken: number
  readonly p50: number
  readonly p99: number
  readonly longest: number
}

const SCRIPT = new URL('../../harness/wrk.lua', import.meta.url).pathname
const GRACE_MS = 20_000

export function tokenFile(tokens: readonly string[]): string {
  return writeWork('tokens.txt', `${tokens.join('\n')}\n`)
}

/** Throws when an answer was not of the kind expected, or when wrk does not end in time. */
export async function runLoad({ url, tokens, paths, connections, seconds, ...rest }: Load): Promise<LoadResult> {
  const whole = Math.max(1, Math.round(seconds))
  const args = ['-t1', `-c${connections}`, `-d${whole}s`, '--timeout', '10s', '-s', SCRIPT, url]
  const { child, complaint } = startProcess(LOAD_CORE, 'wrk', args, {
    BENCH_TOKENS: tokens,
    BENCH_PATHS: paths.join(' '),
    BENCH_METHOD: rest.method ?? 'GET',
    BENCH_BODY_BYTES: String(rest.bodyBytes ?? 0),
  })
  let said = ''
  let cpu = 0
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const closed = once(child, 'close')
  const sampling = setInterval(() => {
    cpu = cpuMicroseconds(child.pid ?? 0) || cpu
  }, 250)
  const late = setTimeout(() => void endProcess(child), whole * 1000 + GRACE_MS)
  await closed
  clearInterval(sampling)
  clearTimeout(late)
  const line = /^RESULT (.*)$/m.exec(said)?.[1]
  if (line === undefined) throw new Error(`wrk gave no result: ${complaint() || said}`)
  const summary = JSON.parse(line) as Summary
  const wrong = rest.refused ? summary.requests - summary.refused : summary.refused
  if (wrong > 0 || summary.broken > 0 || summary.requests === 0)
    throw new Error(`${url} under load: ${wrong} of ${summary.requests} answers wrong, ${summary.broken} broken`)
  const elapsedSec = summary.microseconds / 1e6
  return {
    requests: summary.requests,
    requestsPerSecond: summary.requests / elapsedSec,
    bytesPerSecond: summary.bytes / elapsedSec,
    p50Ms: summary.p50 / 1000,
    p99Ms: summary.p99 / 1000,
    longestMs: summary.longest / 1000,
    generatorMicroseconds: cpu / summary.requests,
  }
}
